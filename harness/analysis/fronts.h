// What no other row beats in everything at once: the score on a task, what is
// retained, peak memory and speed. A row is on the front with a probability:
// the share of draws of seeds and items in which no row is at least as good in
// all four and better in one. Memory and speed are means over their seeds; of
// runs that waited for the processor there is no speed, and what is not known
// of all rows tells none apart.
#ifndef HARNESS_ANALYSIS_FRONTS_H_
#define HARNESS_ANALYSIS_FRONTS_H_

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

// Of each of `values`, higher is better: does no other beat it?
std::vector<bool> FrontOf(const std::vector<std::vector<double>>& values_CO);

// values_CO of a draw: item i stands items_I[i] times in it, seed s
// seeds_S[s] times, in all rows and objectives.
using ObjectivesOfDraw = std::function<std::vector<std::vector<double>>(
    const std::vector<double>& items_I, const std::vector<double>& seeds_S)>;
// The share of draws in which each is on the front. The sets' items are groups
// that follow each other.
std::vector<double> FrontMembership(const std::vector<size_t>& group_sizes,
                                    size_t n_seeds,
                                    const ObjectivesOfDraw& objectives_of,
                                    std::string_view salt, int draws = 2000);

// A row a cell, for every task and every retained set; rows of different models
// are never beside each other. Empty where nothing is retained, or no seed is
// common to all rows.
Table FrontsTable(const Results& results);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_FRONTS_H_
