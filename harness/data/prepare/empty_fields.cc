// Rows without a text, or without the label that others have.
#include "harness/data/prepare/checks.h"

namespace sft::data {

void LookForEmpty(PrepareState& state, const TableRow& row, uint32_t index) {
  if (!row.missing.empty()) state.Drop(index, CheckId::kEmpty);
}

}  // namespace sft::data
