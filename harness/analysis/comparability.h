// What must not be compared, and what may be with a word of warning.
#ifndef HARNESS_ANALYSIS_COMPARABILITY_H_
#define HARNESS_ANALYSIS_COMPARABILITY_H_

#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"

namespace sft::analysis {

// Why scores of these two must not be compared, "" where they may: a metric
// that was computed in another way, a model of the same name with other
// weights, a tokenizer with other ids, test rows of which none is the same.
std::string WhyIncomparable(const record::RunRecord& one,
                            const record::RunRecord& other,
                            const std::string& task, const std::string& metric);
// The stages that two were trained on with other rows, of runs that name the
// same data, seed and form of it; "" if there are none.
std::string OtherTrainingRows(const record::RunRecord& one,
                              const record::RunRecord& other);
// Of the first pair of seeds of which WhyIncomparable holds.
std::string WhyIncomparable(const Results& results, size_t cell, size_t other,
                            const std::string& task, const std::string& metric);

// A line for each kind of unlikeness among what the report compares: refused
// comparisons; training rows, test rows, budgets, builds with changes of their
// own, arithmetic (kernels, device, LibTorch) that differ.
std::vector<std::string> NotesOnComparability(const Results& results);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_COMPARABILITY_H_
