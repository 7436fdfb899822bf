#include "harness/launch/mixed_rows.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "harness/core/status.h"
#include "harness/data/sample.h"
#include "harness/launch/general_rows.h"

namespace sft::launch {

std::vector<Example> MixedRows(
    const std::vector<spec::MixPart>& parts,
    std::vector<std::vector<Example>> of_part,
    const std::vector<std::vector<int64_t>>& of_label,
    const spec::RunConfig& config, RunInputs& inputs) {
  if (parts.size() == 1) return std::move(of_part[0]);
  double whole = INFINITY;
  for (size_t p = 0; p < parts.size(); ++p) {
    whole = std::min(whole,
                     static_cast<double>(of_part[p].size()) / parts[p].weight);
  }
  std::vector<Example> out;
  for (size_t p = 0; p < parts.size(); ++p) {
    const auto rows = std::clamp<size_t>(
        static_cast<size_t>(std::llround(whole * parts[p].weight)), 1,
        of_part[p].size());
    inputs.facts["data." + parts[p].name + ".train.mixed_rows"] =
        static_cast<double>(rows);
    const bool all = rows == of_part[p].size();
    if (config.limit_from == "head" || all) {
      std::move(of_part[p].begin(),
                of_part[p].begin() + static_cast<int64_t>(rows),
                std::back_inserter(out));
      continue;
    }
    inputs.texts["data." + parts[p].name + ".train.mixed"] =
        absl::StrCat(rows, " of ", of_part[p].size(),
                     " rows, a sample, sample_seed ", config.sample_seed);
    for (const size_t i :
         data::SampleIndices(of_label[p], rows,
                             data::SampleKey(DigestOfExamples(of_part[p]),
                                             "mixture", config.sample_seed))) {
      out.push_back(std::move(of_part[p][i]));
    }
  }
  return out;
}

}  // namespace sft::launch
