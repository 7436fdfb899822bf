// How large a record will be, for a plan.
#ifndef HARNESS_RECORD_RECORD_SIZE_H_
#define HARNESS_RECORD_RECORD_SIZE_H_

#include <cstdint>

namespace sft::record {

// Of a run of so many optimizer steps and scored items (an item counts once for
// every scoring), to about a quarter: what records of this schema were seen to
// take, without texts that --keep-text keeps.
int64_t PredictRecordBytes(int64_t steps, int64_t scored_items);

}  // namespace sft::record

#endif  // HARNESS_RECORD_RECORD_SIZE_H_
