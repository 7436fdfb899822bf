// The evaluations of one set as one array of points x items: what records of
// several rounds, of curves and of rewound weights keep in the place of a group
// an evaluation. P points, I items. With the matrix of scores of a sequence.
#ifndef HARNESS_RECORD_EVAL_SERIES_H_
#define HARNESS_RECORD_EVAL_SERIES_H_

#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/status.h"
#include "harness/core/records.h"
#include "harness/record/h5.h"
#include "harness/record/item_list.h"
#include "harness/record/item_reader.h"
#include "harness/record/run_record.h"

namespace sft::record {

// Records without rounds or points keep their older form, and their digests.
bool KeepsSeries(const RunRecord& record);

void AddSeries(const RunRecord& record, ItemList& items);
// Adds the evaluations to `evals`, by their places in the record's list.
absl::Status ReadSeries(const ItemReader& reader,
                        const std::vector<H5Item>& items,
                        std::map<int64_t, EvalRecord>& evals);

}  // namespace sft::record

#endif  // HARNESS_RECORD_EVAL_SERIES_H_
