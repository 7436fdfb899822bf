// Tokens a second of a cell, and whether they may be believed and averaged.
#ifndef HARNESS_ANALYSIS_RATES_H_
#define HARNESS_ANALYSIS_RATES_H_

#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

// Real tokens by wall time of training; nullopt where nothing was trained.
std::optional<double> TokensPerSecond(const record::RunRecord& record);

// Did the run wait for the processor? Its CPU time is far below wall time times
// threads: below 0.8 of it with one thread, and, as no step is parallel
// throughout, 0.8 / (1 + 0.15 (threads - 1)) with several. Of runs on a card
// the processor's time says nothing.
bool WaitedForProcessor(const record::RunRecord& record);

// Mean over the seeds that did not wait, all on one kind of processor; what
// cannot be averaged is a text that says why. `names_processors` where the
// sweep has several kinds (HasUnlikeProcessors).
TableCell RateCell(const Results& results, size_t cell, bool names_processors);
bool HasUnlikeProcessors(const Results& results);

// One line where a run waited, one where kinds of processors are mixed.
std::vector<std::string> NotesOnRates(const Results& results);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_RATES_H_
