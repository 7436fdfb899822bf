// What training costs, as bars: memory by category, predicted beside measured;
// rates of real, target and computed tokens; how full batches are.
#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "harness/analysis/rates.h"
#include "harness/page/pictures.h"

namespace sft::page {
namespace {

constexpr double kMebibyte = 1 << 20;

using BytesByCategory = std::map<std::string, int64_t>;

BarRow MemoryBar(const analysis::Results& results, size_t cell,
                 const char* which, BytesByCategory MemoryRecord::*member,
                 const std::vector<std::string>& parts) {
  BarRow row{absl::StrCat(LabelOf(results, cell), ", ", which),
             LookOf(results.cells[cell]),
             {}};
  for (const std::string& part : parts) {
    row.values.push_back(
        MeanOf(results, cell,
               [&](const record::RunRecord& record) -> std::optional<double> {
                 const BytesByCategory& bytes = record.memory.*member;
                 const auto found = bytes.find(part);
                 if (found == bytes.end()) return std::nullopt;
                 return static_cast<double>(found->second) / kMebibyte;
               }));
  }
  return row;
}

bool HasValue(const BarRow& row) {
  return std::any_of(row.values.begin(), row.values.end(),
                     [](const auto& value) { return value.has_value(); });
}

// Rows whose batches are filled with pads: what the others are read against.
std::string PaddedRows(const analysis::Results& results) {
  std::set<std::string> names;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const auto pads = MeanOf(results, i, [](const record::RunRecord& record) {
      return analysis::Lookup(record.facts, "padded_tokens");
    });
    if (!results.cells[i].is_untuned && pads.value_or(0) > 0) {
      names.insert(results.cells[i].axes.at("batching"));
    }
  }
  std::string text;
  for (const std::string& name : names) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", name);
  }
  return text;
}

}  // namespace

std::vector<Picture> MemoryPictures(const PictureInput& input) {
  const analysis::Results& results = input.report.results;
  std::set<std::string> categories;
  for (const analysis::CollectedRun& run : results.runs) {
    if (!run.ok()) continue;
    for (const auto* bytes : {&run.record->memory.predicted_bytes,
                              &run.record->memory.measured_bytes}) {
      for (const auto& [name, value] : *bytes) categories.insert(name);
    }
  }
  Picture picture{.title = "Memory, predicted and measured",
                  .caption = "By category, means over seeds.",
                  .x = {"MiB"},
                  .y = {},
                  .bar_parts = {categories.begin(), categories.end()},
                  .is_stacked = true};
  for (const size_t cell : DrawnCells(results, picture)) {
    const BarRow measured =
        MemoryBar(results, cell, "measured", &MemoryRecord::measured_bytes,
                  picture.bar_parts);
    const BarRow predicted =
        MemoryBar(results, cell, "predicted", &MemoryRecord::predicted_bytes,
                  picture.bar_parts);
    if (!HasValue(measured)) continue;
    if (HasValue(predicted)) picture.bars.push_back(predicted);
    picture.bars.push_back(measured);
  }
  if (picture.bars.empty()) return {};
  return {std::move(picture)};
}

std::vector<Picture> ThroughputPictures(const PictureInput& input) {
  const analysis::Results& results = input.report.results;
  const std::string padded = PaddedRows(results);
  Picture picture{
      .title = "Tokens a second",
      .caption = absl::StrCat(
          "By wall time of training, means over the seeds that did not wait "
          "for the processor. Computed tokens have the pads. ",
          padded.empty()
              ? "No row computes pads: there is no padding baseline."
              : absl::StrCat("The padding baseline is ", padded, ".")),
      .x = {"tokens/s"},
      .y = {},
      .bar_parts = {"real", "target", "computed"}};
  for (const size_t cell : DrawnCells(results, picture)) {
    BarRow row{LabelOf(results, cell), LookOf(results.cells[cell]), {}};
    for (const std::string& part : picture.bar_parts) {
      row.values.push_back(
          MeanOf(results, cell,
                 [&](const record::RunRecord& record) -> std::optional<double> {
                   if (analysis::WaitedForProcessor(record))
                     return std::nullopt;
                   return analysis::Lookup(record.measured,
                                           part + "_tokens_per_second");
                 }));
    }
    if (HasValue(row)) picture.bars.push_back(std::move(row));
  }
  if (picture.bars.empty()) return {};
  return {std::move(picture)};
}

std::vector<Picture> PackingPictures(const PictureInput& input) {
  const analysis::Results& results = input.report.results;
  Picture picture{
      .title = "How full batches are",
      .caption =
          "Real tokens as a share of those that are computed, and of "
          "what packs could hold; means over seeds.",
      .x = {"share"},
      .y = {},
      .bar_parts = {"of computed tokens", "of a pack's capacity"}};
  for (const size_t cell : DrawnCells(results, picture)) {
    const auto fact = [&](const char* name) {
      return MeanOf(results, cell, [name](const record::RunRecord& record) {
        return analysis::Lookup(record.facts, name);
      });
    };
    const auto padding = fact("padding_fraction");
    BarRow row{LabelOf(results, cell), LookOf(results.cells[cell]), {}};
    row.values = {padding.has_value() ? std::optional<double>(1 - *padding)
                                      : std::nullopt,
                  fact("packing.efficiency")};
    if (HasValue(row)) picture.bars.push_back(std::move(row));
  }
  if (picture.bars.empty()) return {};
  return {std::move(picture)};
}

}  // namespace sft::page
