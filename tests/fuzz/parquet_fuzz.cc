// Parquet files, from the footer to the rows.
#include "harness/data/parquet/rows.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  const auto footer = data::parquet::ReadFooter(bytes);
  if (!footer.ok()) return;
  for (const data::parquet::RowGroup& group : footer->groups) {
    std::vector<data::parquet::Cells> cells;
    for (const data::parquet::Node* leaf : footer->leaves) {
      auto chunk =
          data::parquet::ReadChunk(bytes, group.columns[leaf->column], *leaf);
      if (!chunk.ok()) return;
      cells.push_back(*std::move(chunk));
    }
    data::parquet::RowAssembler rows(footer->columns, cells);
    int64_t text = 0;
    for (int64_t i = 0; i < group.rows && text < 1 << 24; ++i) {
      if (!rows.Next().ok()) return;
      text += rows.text_bytes();
    }
  }
}

}  // namespace sft::fuzz
