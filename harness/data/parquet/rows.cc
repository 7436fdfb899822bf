#include "harness/data/parquet/rows.h"

#include <algorithm>
#include <utility>

#include "harness/core/status.h"
#include "harness/data/parquet/leaf_json.h"

namespace sft::data::parquet {
namespace {

using Json = nlohmann::json;

absl::Status Disagreeing(const Node& node) {
  return absl::InvalidArgumentError(
      absl::StrCat("is a broken Parquet file: column '", node.name,
                   "' ends before the others, or begins no row"));
}

// Keys that are text make an object.
Json MapJson(Json pairs) {
  const bool text = std::all_of(pairs.begin(), pairs.end(),
                                [](const Json& p) { return p[0].is_string(); });
  if (!text) return pairs;
  Json object = Json::object();
  for (Json& pair : pairs) {
    object[pair[0].get<std::string>()] = std::move(pair[1]);
  }
  return object;
}

}  // namespace

RowAssembler::RowAssembler(const std::vector<Node>& columns,
                           const std::vector<Cells>& cells)
    : columns_(columns), cells_(cells), cursors_(cells.size()) {}

absl::StatusOr<int64_t> RowAssembler::DefinitionAt(const Node& leaf) const {
  const Cells& cells = cells_[leaf.column];
  const int64_t entry = cursors_[leaf.column].entry;
  if (entry >= cells.entries) return Disagreeing(leaf);
  if (leaf.max_definition == 0) return 0;
  return cells.definitions[static_cast<size_t>(entry)];
}

int64_t RowAssembler::RepetitionAt(const Node& leaf) const {
  const Cells& cells = cells_[leaf.column];
  const int64_t entry = cursors_[leaf.column].entry;
  if (entry >= cells.entries) return -1;
  if (leaf.max_repetition == 0) return 0;
  return cells.repetitions[static_cast<size_t>(entry)];
}

absl::Status RowAssembler::PassOver(const Node& node) {
  if (node.kind != Node::Kind::kLeaf) {
    for (const Node& child : node.children) {
      SFT_RETURN_IF_ERROR(PassOver(child));
    }
    return absl::OkStatus();
  }
  SFT_ASSIGN_OR_RETURN(const int64_t definition, DefinitionAt(node));
  Cursor& cursor = cursors_[node.column];
  if (definition == node.max_definition) ++cursor.value;
  ++cursor.entry;
  return absl::OkStatus();
}

absl::Status RowAssembler::Items(const Node& node, Json& out) {
  const Node& first = node.FirstLeaf();
  const bool map = node.kind == Node::Kind::kMap;
  SFT_ASSIGN_OR_RETURN(const int64_t definition, DefinitionAt(first));
  if (definition < node.item) {
    out = map ? Json::object() : Json::array();
    return PassOver(node);
  }
  out = Json::array();
  do {
    Json item;
    if (map) {
      item = Json::array({nullptr, nullptr});
      SFT_RETURN_IF_ERROR(Value(node.children[0], item[0]));
      SFT_RETURN_IF_ERROR(Value(node.children[1], item[1]));
    } else {
      SFT_RETURN_IF_ERROR(Value(node.children[0], item));
    }
    out.push_back(std::move(item));
  } while (RepetitionAt(first) == node.repeats);
  if (map) out = MapJson(std::move(out));
  return absl::OkStatus();
}

absl::Status RowAssembler::Value(const Node& node, Json& out) {
  SFT_ASSIGN_OR_RETURN(const int64_t definition,
                       DefinitionAt(node.FirstLeaf()));
  if (definition < node.present) {
    out = nullptr;
    return PassOver(node);
  }
  switch (node.kind) {
    case Node::Kind::kLeaf: {
      Cursor& cursor = cursors_[node.column];
      const std::vector<Cell>& values = cells_[node.column].values;
      if (cursor.value >= values.size()) return Disagreeing(node);
      const Cell& cell = values[cursor.value++];
      ++cursor.entry;
      text_bytes_ += std::ssize(cell.bytes);
      bool no_text = false;
      out = LeafJson(cell, node, no_text);
      if (no_text) no_text_.insert(node.name);
      return absl::OkStatus();
    }
    case Node::Kind::kStruct:
      out = Json::object();
      for (const Node& child : node.children) {
        SFT_RETURN_IF_ERROR(Value(child, out[child.name]));
      }
      return absl::OkStatus();
    default:
      return Items(node, out);
  }
}

absl::StatusOr<Json> RowAssembler::Next() {
  Json row = Json::object();
  text_bytes_ = 0;
  for (const Node& column : columns_) {
    if (RepetitionAt(column.FirstLeaf()) != 0) return Disagreeing(column);
    SFT_RETURN_IF_ERROR(Value(column, row[column.name]));
  }
  return row;
}

}  // namespace sft::data::parquet
