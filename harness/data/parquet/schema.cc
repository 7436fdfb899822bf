#include "harness/data/parquet/schema.h"

#include <cstring>
#include <utility>

#include "harness/core/status.h"
#include "harness/data/parquet/thrift.h"

namespace sft::data::parquet {
namespace {

constexpr std::string_view kMagic = "PAR1";
constexpr int kMaxSchemaDepth = 16;
constexpr size_t kMaxLeaves = 10000;

absl::Status BrokenFile(std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("is a broken Parquet file: ", ToAbsl(what)));
}

// Numbers of parquet.thrift.
enum Repetition { kRequired = 0, kOptional = 1, kRepeated = 2 };
enum Converted {
  kUtf8 = 0,
  kConvertedMap = 1,
  kKeyValue = 2,
  kConvertedList = 3,
  kEnum = 4,
  kConvertedDecimal = 5,
  kConvertedDate = 6,
  kTimeMillis = 7,
  kTimeMicros = 8,
  kTimestampMillis = 9,
  kTimestampMicros = 10,
  kUint8 = 11,
  kUint64 = 14,
  kJson = 19,
};
enum Logical {
  kString = 1,
  kLogicalMap = 2,
  kLogicalList = 3,
  kLogicalEnum = 4,
  kLogicalDecimal = 5,
  kLogicalDate = 6,
  kLogicalTime = 7,
  kLogicalTimestamp = 8,
  kInteger = 10,
  kLogicalJson = 12,
};

class SchemaReader {
 public:
  explicit SchemaReader(const std::vector<Thrift>& elements)
      : elements_(elements) {}

  // The fields of the root.
  absl::StatusOr<std::vector<Node>> Columns() {
    if (elements_.empty()) return BrokenFile("no schema");
    const int64_t children = elements_[next_++].Number(5);
    std::vector<Node> columns;
    for (int64_t i = 0; i < children; ++i) {
      SFT_ASSIGN_OR_RETURN(columns.emplace_back(), Field({0, 0}, 0));
    }
    if (next_ != elements_.size()) return BrokenFile("its schema does not end");
    return columns;
  }

 private:
  struct Levels {
    int definition = 0, repetition = 0;
  };

  // A field with its repetition: a repeated one outside of lists is a list.
  absl::StatusOr<Node> Field(Levels above, int depth) {
    if (next_ >= elements_.size() || depth > kMaxSchemaDepth) {
      return BrokenFile("its schema");
    }
    const Thrift& element = elements_[next_];
    const int64_t repetition = element.Number(3);
    if (repetition != kRepeated) {
      Levels here = above;
      here.definition += repetition == kOptional ? 1 : 0;
      return Value(here, depth);
    }
    Node list;
    list.name = element.Text(4);
    list.kind = Node::Kind::kList;
    list.present = above.definition;
    list.item = above.definition + 1;
    list.repeats = above.repetition + 1;
    SFT_ASSIGN_OR_RETURN(list.children.emplace_back(),
                         Value({list.item, list.repeats}, depth + 1));
    return list;
  }

  // The element at `next_`, without its own repetition.
  absl::StatusOr<Node> Value(Levels here, int depth) {
    if (depth > kMaxSchemaDepth) return BrokenFile("its schema is too deep");
    const Thrift& element = elements_[next_++];
    const int64_t children = element.Number(5);
    if (children > 0) {
      const int64_t converted = element.Number(6, -1);
      const Thrift& logical = element.At(10);
      const bool map = logical.Has(kLogicalMap) || converted == kConvertedMap ||
                       converted == kKeyValue;
      const bool list =
          logical.Has(kLogicalList) || converted == kConvertedList;
      const bool repeated = next_ < elements_.size() && children == 1 &&
                            elements_[next_].Number(3) == kRepeated;
      if ((map || list) && repeated) {
        return Items(element, here, map, depth + 1);
      }
      return Struct(element, here, children, depth + 1);
    }
    return Leaf(element, here);
  }

  absl::StatusOr<Node> Struct(const Thrift& element, Levels here,
                              int64_t children, int depth) {
    Node node;
    node.name = element.Text(4);
    node.kind = Node::Kind::kStruct;
    node.present = here.definition;
    for (int64_t i = 0; i < children; ++i) {
      SFT_ASSIGN_OR_RETURN(node.children.emplace_back(), Field(here, depth));
    }
    return node;
  }

  // A list or map, around one repeated element.
  absl::StatusOr<Node> Items(const Thrift& element, Levels here, bool map,
                             int depth) {
    Node node;
    node.name = element.Text(4);
    node.present = here.definition;
    node.item = here.definition + 1;
    node.repeats = here.repetition + 1;
    const Levels within = {node.item, node.repeats};
    const Thrift& repeated = elements_[next_];
    const std::string name = repeated.Text(4);
    const int64_t fields = repeated.Number(5);
    if (map && fields == 2) {
      ++next_;
      node.kind = Node::Kind::kMap;
      for (int i = 0; i < 2; ++i) {
        SFT_ASSIGN_OR_RETURN(node.children.emplace_back(),
                             Field(within, depth + 1));
      }
      return node;
    }
    node.kind = Node::Kind::kList;
    // Older files have no group around the items.
    const bool bare =
        fields != 1 || name == "array" || name == node.name + "_tuple";
    if (bare) {
      SFT_ASSIGN_OR_RETURN(node.children.emplace_back(),
                           Value(within, depth + 1));
      return node;
    }
    ++next_;
    SFT_ASSIGN_OR_RETURN(node.children.emplace_back(),
                         Field(within, depth + 1));
    return node;
  }

  absl::StatusOr<Node> Leaf(const Thrift& element, Levels here) {
    Node leaf;
    leaf.name = element.Text(4);
    leaf.present = leaf.max_definition = here.definition;
    leaf.max_repetition = here.repetition;
    leaf.column = leaves_++;
    if (leaves_ > kMaxLeaves) {
      return absl::InvalidArgumentError("has more than 10000 columns");
    }
    const int64_t physical = element.Number(1, -1);
    if (physical < 0 || physical > 7) {
      return BrokenFile("a column of no type");
    }
    leaf.physical = static_cast<Physical>(physical);
    leaf.fixed_bytes = element.Number(2);
    if (leaf.physical == Physical::kFixedBytes &&
        (leaf.fixed_bytes < 1 || leaf.fixed_bytes > 1 << 20)) {
      return BrokenFile("a column of a wrong width");
    }
    SetMeaning(element, leaf);
    return leaf;
  }

  static void SetMeaning(const Thrift& element, Node& leaf) {
    const int64_t converted = element.Number(6, -1);
    const Thrift& logical = element.At(10);
    const auto unit = [](const Thrift& time) -> int64_t {
      const Thrift& of = time.At(2);
      return of.Has(3) ? 1000000000 : of.Has(2) ? 1000000 : 1000;
    };
    const auto is = [&logical, converted](Logical one, Converted other) {
      return logical.Has(one) || converted == other;
    };
    if (is(kString, kUtf8) || is(kLogicalEnum, kEnum) ||
        is(kLogicalJson, kJson)) {
      leaf.meaning = Meaning::kText;
    } else if (is(kLogicalDecimal, kConvertedDecimal)) {
      leaf.meaning = Meaning::kDecimal;
      leaf.scale = logical.Has(kLogicalDecimal)
                       ? logical.At(kLogicalDecimal).Number(1)
                       : element.Number(7);
    } else if (is(kLogicalDate, kConvertedDate)) {
      leaf.meaning = Meaning::kDate;
    } else if (logical.Has(kLogicalTime) || converted == kTimeMillis ||
               converted == kTimeMicros) {
      leaf.meaning = Meaning::kTime;
      leaf.per_second = logical.Has(kLogicalTime)
                            ? unit(logical.At(kLogicalTime))
                            : (converted == kTimeMillis ? 1000 : 1000000);
    } else if (logical.Has(kLogicalTimestamp) ||
               converted == kTimestampMillis || converted == kTimestampMicros) {
      leaf.meaning = Meaning::kTimestamp;
      leaf.per_second = logical.Has(kLogicalTimestamp)
                            ? unit(logical.At(kLogicalTimestamp))
                            : (converted == kTimestampMillis ? 1000 : 1000000);
      leaf.utc = logical.Has(kLogicalTimestamp) &&
                 logical.At(kLogicalTimestamp).Number(1) != 0;
    } else if ((converted >= kUint8 && converted <= kUint64) ||
               (logical.Has(kInteger) &&
                logical.At(kInteger).Number(2, 1) == 0)) {
      leaf.meaning = Meaning::kUnsigned;
    }
  }

  const std::vector<Thrift>& elements_;
  size_t next_ = 0, leaves_ = 0;
};

void CollectLeaves(const Node& node, std::vector<const Node*>& leaves) {
  if (node.kind == Node::Kind::kLeaf) leaves.push_back(&node);
  for (const Node& child : node.children) CollectLeaves(child, leaves);
}

absl::StatusOr<RowGroup> GroupOf(const Thrift& of, size_t leaves, size_t end) {
  RowGroup group;
  group.rows = of.Number(3);
  const std::vector<Thrift>& columns = of.At(1).items;
  if (group.rows < 0 || columns.size() != leaves) {
    return BrokenFile("a row group without some column");
  }
  for (const Thrift& column : columns) {
    if (column.Has(8) || column.Has(9)) {
      return absl::InvalidArgumentError("is encrypted");
    }
    if (!column.At(1).bytes.empty()) {
      return absl::InvalidArgumentError("has columns in another file");
    }
    const Thrift& meta = column.At(3);
    const int64_t data = meta.Number(9), dictionary = meta.Number(11);
    // Some writers set a dictionary's place to 0 where there is none.
    const int64_t begin =
        dictionary > 0 && dictionary < data ? dictionary : data;
    const int64_t size = meta.Number(7);
    Chunk chunk;
    chunk.codec = meta.Number(4);
    chunk.values = meta.Number(5);
    const auto limit = static_cast<int64_t>(end);
    if (begin < 4 || size < 0 || begin > limit || size > limit - begin ||
        chunk.values < 0) {
      return BrokenFile("pages outside of the file");
    }
    chunk.begin = static_cast<size_t>(begin);
    chunk.size = static_cast<size_t>(size);
    group.columns.push_back(chunk);
  }
  return group;
}

}  // namespace

absl::StatusOr<Footer> ReadFooter(std::string_view file) {
  if (file.size() < 12 || file.substr(0, 4) != kMagic) {
    return absl::InvalidArgumentError(
        file.substr(0, 4) == "PARE" ? "is encrypted" : "is no Parquet file");
  }
  if (file.substr(file.size() - 4) != kMagic) {
    return BrokenFile("its end is missing: was it copied to the end?");
  }
  uint32_t size = 0;
  memcpy(&size, file.data() + file.size() - 8, sizeof(size));
  const size_t end = file.size() - 8;
  if (size > end - 4) return BrokenFile("its footer is larger than the file");
  std::string_view bytes = file.substr(end - size, size);
  SFT_ASSIGN_OR_RETURN(const Thrift meta, ReadThrift(bytes));
  if (meta.Has(8)) return absl::InvalidArgumentError("is encrypted");
  Footer footer;
  SFT_ASSIGN_OR_RETURN(footer.columns,
                       SchemaReader(meta.At(2).items).Columns());
  for (const Node& column : footer.columns) {
    CollectLeaves(column, footer.leaves);
  }
  if (footer.leaves.empty()) return BrokenFile("no column");
  for (const Thrift& group : meta.At(4).items) {
    SFT_ASSIGN_OR_RETURN(footer.groups.emplace_back(),
                         GroupOf(group, footer.leaves.size(), end - size));
  }
  for (const Thrift& pair : meta.At(5).items) {
    footer.notes[pair.Text(1)] = pair.Text(2);
  }
  return footer;
}

}  // namespace sft::data::parquet
