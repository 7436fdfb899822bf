// What the data sets of a record mean: the schema's rows, and, of facts and
// measures, the ends of their names.
#include <string>
#include <utility>

#include "absl/strings/str_split.h"
#include "harness/core/status.h"
#include "harness/record/schema.h"

namespace sft::record {
namespace {

// Of a row's path, the components; "<...>" stands for one of any name.
using PathParts = std::vector<std::string>;

bool FitsParts(const PathParts& pattern, const PathParts& parts) {
  if (pattern.size() != parts.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i][0] != '<' && pattern[i] != parts[i]) return false;
  }
  return true;
}

const std::vector<std::pair<PathParts, std::string>>& DataSetRows() {
  static const auto& rows = *[] {
    auto* out = new std::vector<std::pair<PathParts, std::string>>();
    for (const SchemaRow& row : RecordSchema()) {
      if (row.path.find('@') != std::string::npos) continue;
      out->emplace_back(absl::StrSplit(row.path.substr(1), '/'), row.help);
    }
    return out;
  }();
  return rows;
}

bool NamesOfTheRun(const PathParts& parts) {
  const std::string& group = parts[0];
  return group == "facts" || group == "forgetting" || group == "memory" ||
         (group == "measured" && parts.size() > 1 && parts[1] != "train");
}

}  // namespace

const std::vector<MeaningRow>& MeaningsByEnding() {
  static const auto& rows = *new std::vector<MeaningRow>{
      {"optimizer_steps", "optimizer steps taken, all rounds"},
      {"skipped_rows", "rows of a file that could not be read"},
      {"unusable_rows", "rows that were read and cannot be used"},
      {"refused_rows", "rows that its reader refused"},
      {"leaked_rows", "training rows left out, for they are test rows too"},
      {"truncated_rows", "rows cut to max_length"},
      {"truncated_tokens", "tokens lost where rows were cut"},
      {"dropped_rows", "rows that cleaning left out"},
      {"rows_outside_lengths", "rows outside min_ and max_row_tokens"},
      {"mixed_rows", "rows that a mixture took of it"},
      {"prepare.exact_duplicate", "rows that cleaning found twice"},
      {"prepare.near_duplicate", "rows that cleaning found nearly twice"},
      {"prepare.leak", "rows that cleaning found in test data too"},
      {"calibration_rows", "rows that the method read before the round"},
      {".rows", "rows of the split, or of the round"},
      {"packing.bins", "packs that were filled"},
      {"packing.efficiency", "tokens as a share of what the packs could hold"},
      {"packing.lost_target_tokens",
       "targets lost where rows were split or cut"},
      {"packing.split_rows", "rows that lie in more than one pack"},
      {"padding_fraction", "pads as a share of all computed tokens"},
      {"padded_tokens", "pads that were computed, all steps"},
      {"real_tokens", "tokens computed that are no pads, all steps"},
      {"target_tokens", "tokens with loss, all steps"},
      {"sequences", "rows trained on, all steps"},
      {"trainable_parameters", "weights that training may move"},
      {"total_parameters", "weights of the model with its method attached"},
      {"realised_share", "share of the weights that was really trained"},
      {"bits_per_weight", "of a quantized weight, constants included"},
      {"quantization_error", "relative error of the quantized weights"},
      {"relative_change_norm", "norm of the change by that of the weights"},
      {"change_norm", "norm of tuned minus base weights"},
      {"effective_rank", "effective rank of the change, mean over maps"},
      {"cross_entropy_change", "after minus before: above 0 is forgetting"},
      {"loss_change", "after minus before: above 0 is forgetting"},
      {"_change", "after minus before, in the metric's own direction"},
      {"real_tokens_per_second", "real tokens by wall time of training"},
      {"target_tokens_per_second", "targets by wall time of training"},
      {"computed_tokens_per_second", "pads included, by wall time of training"},
      {"steps_per_second", "optimizer steps by wall time of training"},
      {"train_peak_rss_bytes", "peak resident memory while training"},
      {"peak_rss_bytes", "peak resident memory of the process"},
      {"train_peak_device_bytes", "peak memory on the card while training"},
      {"peak_device_bytes", "peak memory on the card"},
      {"load_wall_seconds", "wall time of loading model and rows"},
      {"train_wall_seconds", "wall time of training"},
      {"train_cpu_seconds", "CPU time of training, all threads"},
      {"eval_wall_seconds", "wall time of all evaluations"},
      {"first_step_begun_seconds", "from the start to the first step"},
      {"first_step_done_seconds", "from the start to the first step's end"},
  };
  return rows;
}

std::string MeaningOf(std::string_view path) {
  if (path.size() < 2) return "";
  const PathParts parts = absl::StrSplit(ToAbsl(path.substr(1)), '/');
  if (NamesOfTheRun(parts)) {
    const std::string name = DecodePathName(path);
    for (const MeaningRow& row : MeaningsByEnding()) {
      if (name.ends_with(row.ending)) return row.meaning;
    }
  }
  for (const auto& [pattern, help] : DataSetRows()) {
    if (FitsParts(pattern, parts)) return help;
  }
  // Measures of forgetting nest as their names do.
  return parts[0] == "forgetting" ? "change against the base model" : "";
}

}  // namespace sft::record
