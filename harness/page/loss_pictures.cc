// The training loss of each run, by optimizer step.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "harness/page/pictures.h"

namespace sft::page {
namespace {

// More lines than this are a cloud: then the first seed of each cell stands for
// the others.
constexpr size_t kMostLossLines = 48;

}  // namespace

std::vector<Picture> LossPictures(const PictureInput& input) {
  const analysis::Results& results = input.report.results;
  Picture picture{.title = "Training loss",
                  .caption = "A line a run.",
                  .x = {"optimizer step"},
                  .y = {"loss (nats/token)"}};
  const std::vector<size_t> cells = ShownCells(results);
  size_t lines = 0;
  for (const size_t cell : cells) lines += results.cells[cell].runs.size();
  const bool is_crowded = lines > kMostLossLines;
  if (is_crowded) {
    picture.caption = "A line a row: the run of its first seed.";
  }
  for (const size_t cell : cells) {
    if (picture.lines.size() >= kMostLossLines) {
      absl::StrAppend(&picture.caption, " The first ", kMostLossLines, " of ",
                      cells.size(), " rows.");
      break;
    }
    for (const size_t index : results.cells[cell].runs) {
      const spec::PlannedRun& run = results.runs[index].planned;
      const auto curve = input.curves.find(run.run_id);
      if (curve == input.curves.end()) continue;
      picture.lines.push_back(
          {absl::StrCat(LabelOf(results, cell), " seed=", run.config.seed),
           LookOf(results.cells[cell]), curve->second.step_N,
           curve->second.loss_N});
      if (is_crowded) break;
    }
  }
  if (picture.lines.empty()) return {};
  return {std::move(picture)};
}

}  // namespace sft::page
