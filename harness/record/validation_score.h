// What a record says of its validation rows by one measure: what cells are
// selected by and a search compares them by.
#ifndef HARNESS_RECORD_VALIDATION_SCORE_H_
#define HARNESS_RECORD_VALIDATION_SCORE_H_

#include <optional>
#include <string>
#include <string_view>

#include "harness/record/run_record.h"

namespace sft::record {

inline constexpr char kValidationSplit[] = "validation";
// The split under which a run's validation rows are measured at the end of a
// rung. No final record has it.
std::string RungSplit(int rung);

struct ValidationScore {
  double value = 0;
  bool higher_is_better = false;
  // The lower, the better.
  double Loss() const { return higher_is_better ? -value : value; }
};
// `measure`: the name of a metric, of which the mean over the tasks that have
// it counts, or TASK/METRIC for one task's. Of each task its last round;
// nullopt where nothing is recorded of it.
std::optional<ValidationScore> ScoreOfValidation(
    const RunRecord& record, const std::string& measure,
    std::string_view split = kValidationSplit);

}  // namespace sft::record

#endif  // HARNESS_RECORD_VALIDATION_SCORE_H_
