// What a Parquet file says of itself in its footer: a tree of columns, and
// where the pages of each lie.
// https://github.com/apache/parquet-format: parquet.thrift, LogicalTypes.md.
#ifndef HARNESS_DATA_PARQUET_SCHEMA_H_
#define HARNESS_DATA_PARQUET_SCHEMA_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::data::parquet {

enum class Physical {
  kBoolean = 0,
  kInt32 = 1,
  kInt64 = 2,
  kInt96 = 3,
  kFloat = 4,
  kDouble = 5,
  kBytes = 6,
  kFixedBytes = 7,
};

// What a leaf's numbers or bytes mean; kPlain: as they are.
enum class Meaning {
  kPlain,
  kText,
  kUnsigned,
  kDecimal,
  kDate,       // days since 1970
  kTime,       // of the day, in 1 / `per_second` s
  kTimestamp,  // since 1970, likewise
};

struct Node {
  enum class Kind { kLeaf, kStruct, kList, kMap };

  std::string name;
  Kind kind = Kind::kLeaf;
  // A value is there from this definition level on; of a list and a map, the
  // list itself, which may be empty.
  int present = 0;
  // Of a list and a map: an item is there from that definition level on, and
  // the next one begins at that repetition level.
  int item = 0, repeats = 0;
  // Of a struct its fields, of a list its item, of a map key and value.
  std::vector<Node> children;

  // Of a leaf.
  size_t column = 0;
  int max_definition = 0, max_repetition = 0;
  Physical physical = Physical::kInt32;
  int64_t fixed_bytes = 0;
  Meaning meaning = Meaning::kPlain;
  int64_t scale = 0, per_second = 1;
  bool utc = false;

  // The first leaf at or below it.
  const Node& FirstLeaf() const {
    return kind == Kind::kLeaf ? *this : children[0].FirstLeaf();
  }
};

// The pages of one column of a row group.
struct Chunk {
  int64_t codec = 0, values = 0;
  size_t begin = 0, size = 0;  // bytes of the file
};
struct RowGroup {
  int64_t rows = 0;
  std::vector<Chunk> columns;  // by Node::column
};

struct Footer {
  std::vector<Node> columns;        // of the rows
  std::vector<const Node*> leaves;  // by Node::column
  std::vector<RowGroup> groups;
  std::map<std::string, std::string> notes;  // key-value metadata
};

// An error says what is wrong, without the file's name. `leaves` point into
// `columns`, which must stay where they are.
absl::StatusOr<Footer> ReadFooter(std::string_view file);

}  // namespace sft::data::parquet

#endif  // HARNESS_DATA_PARQUET_SCHEMA_H_
