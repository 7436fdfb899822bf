#include "harness/record/record_size.h"

namespace sft::record {

int64_t PredictRecordBytes(int64_t steps, int64_t scored_items) {
  constexpr int64_t kUntrained = 70 << 10;  // config, provenance, layout
  constexpr int64_t kTraining = 44 << 10;   // the columns of steps, memory
  constexpr int64_t kStep = 84;
  constexpr int64_t kItem = 33;
  return kUntrained + (steps > 0 ? kTraining + kStep * steps : 0) +
         kItem * scored_items;
}

}  // namespace sft::record
