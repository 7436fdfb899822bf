// Paired differences with their intervals, and what each comparison could have
// detected: a picture a task and metric.
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/task_columns.h"
#include "harness/page/pictures.h"

namespace sft::page {
namespace {

constexpr size_t kMostDifferences = 60;

}  // namespace

std::vector<Picture> ForestPictures(const PictureInput& input) {
  const analysis::Results& results = input.report.results;
  std::vector<std::pair<std::string, Picture>> by_task;
  std::map<std::string, size_t> places;
  for (const analysis::Comparison& one : input.report.tests) {
    if (!one.is_asked_for) continue;
    const std::string key =
        absl::StrCat(one.task, one.is_retained ? " (retained)" : "");
    const auto [place, is_new] = places.emplace(key, by_task.size());
    if (is_new) {
      by_task.push_back(
          {key,
           {.title = absl::StrCat(key, ": gain in ", one.metric),
            .caption = "Right of zero is an improvement. Lines are 95 % "
                       "intervals; the band is what the comparison would have "
                       "detected with power 0.8.",
            .x = {absl::StrCat("gain (", analysis::ScaleOf(one.unit), ")")},
            .y = {}}});
    }
    ForestRow row{.label = absl::StrCat(LabelOf(results, one.cell), " against ",
                                        LabelOf(results, one.other)),
                  .look = LookOf(results.cells[one.cell]),
                  .value = one.gain,
                  .verdict = analysis::Verdict(one)};
    if (!std::isnan(one.interval.low)) row.interval = one.interval;
    if (!std::isnan(one.smallest_detectable)) {
      row.detectable = one.smallest_detectable;
    }
    by_task[place->second].second.forest.push_back(std::move(row));
  }
  std::vector<Picture> pictures;
  for (auto& [task, picture] : by_task) {
    const size_t n = picture.forest.size();
    if (n > kMostDifferences) {
      absl::StrAppend(&picture.caption, " The first ", kMostDifferences, " of ",
                      n, " differences; the table has all.");
      picture.forest.resize(kMostDifferences);
    }
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

}  // namespace sft::page
