// Rows out of columns: the values of each row put together again by their
// levels (Melnik et al., Dremel, 2010).
#ifndef HARNESS_DATA_PARQUET_ROWS_H_
#define HARNESS_DATA_PARQUET_ROWS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/parquet/pages.h"
#include "harness/data/parquet/schema.h"

namespace sft::data::parquet {

// Rows of one row group, in order.
class RowAssembler {
 public:
  // Both must outlive it; a column's cells by Node::column.
  RowAssembler(const std::vector<Node>& columns,
               const std::vector<Cells>& cells);

  // Lists are arrays, maps objects (or lists of pairs, if their keys are no
  // text), structs objects; what is not there is null. An error where columns
  // end or disagree.
  absl::StatusOr<nlohmann::json> Next();
  // Bytes of text that the last row holds.
  int64_t text_bytes() const { return text_bytes_; }
  // Columns with bytes that are no text.
  const std::set<std::string>& no_text() const { return no_text_; }

 private:
  struct Cursor {
    int64_t entry = 0;
    size_t value = 0;
  };

  absl::Status Value(const Node& node, nlohmann::json& out);
  absl::Status Items(const Node& node, nlohmann::json& out);
  // Passes over the entry that stands for a null or an empty list.
  absl::Status PassOver(const Node& node);
  absl::StatusOr<int64_t> DefinitionAt(const Node& leaf) const;
  // Of the next entry; -1 behind the last.
  int64_t RepetitionAt(const Node& leaf) const;

  const std::vector<Node>& columns_;
  const std::vector<Cells>& cells_;
  std::vector<Cursor> cursors_;
  int64_t text_bytes_ = 0;
  std::set<std::string> no_text_;
};

}  // namespace sft::data::parquet

#endif  // HARNESS_DATA_PARQUET_ROWS_H_
