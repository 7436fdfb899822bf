// Rows whose text was brought to Unicode's form NFC when it was read.
#include "harness/data/prepare/checks.h"

namespace sft::data {

void LookForUnicode(PrepareState& state, const TableRow& row, uint32_t index) {
  if (row.changed) state.Flag(index, CheckId::kUnicode);
}

}  // namespace sft::data
