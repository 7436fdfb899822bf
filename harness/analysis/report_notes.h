// What a reader must know beside the tables.
#ifndef HARNESS_ANALYSIS_REPORT_NOTES_H_
#define HARNESS_ANALYSIS_REPORT_NOTES_H_

#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/comparison.h"

namespace sft::analysis {

// Why a run that ended `ok` is not to be trusted, "" if nothing speaks against
// it: a loss that is far above the untuned model's (by a quarter and 0.1 nats
// a token) or not a number, or one answer to every row of several classes.
std::string Suspicion(const Results& results, const CollectedRun& run);
std::vector<std::string> NotesOnSuspectRuns(const Results& results);

// A line for each fact "data.<...>" that counts rows or tokens refused,
// dropped, cut, leaked, ... and is not 0, with the runs that it holds for.
std::vector<std::string> NotesOnData(const Results& results);

// How gains, intervals and p are to be read, for what these tables hold.
std::vector<std::string> NotesOnTests(
    const Results& results, const std::vector<Comparison>& comparisons);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_REPORT_NOTES_H_
