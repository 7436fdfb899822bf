// Rows whose text was brought to Unicode's form NFC when it was read.
#include "harness/data/prepare/checks.h"

namespace sft {

void LookForUnicode(PrepareState& state, const TableRow& row, uint32_t index) {
  if (row.changed) state.Flag(index, CheckId::kUnicode);
}

}  // namespace sft
