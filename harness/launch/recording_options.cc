#include "harness/launch/recording_options.h"

#include "absl/strings/str_cat.h"

namespace sft::launch {

std::vector<std::string> RecordingWords(const RecordingOptions& options) {
  const RecordingOptions defaults;
  std::vector<std::string> words = {absl::StrCat("--out=", options.paths.out)};
  if (options.checkpoint_every != defaults.checkpoint_every) {
    words.push_back(absl::StrCat(
        "--checkpoint-every=", absl::FormatDuration(options.checkpoint_every)));
  }
  if (options.run_limit != defaults.run_limit) {
    words.push_back(
        absl::StrCat("--run-limit=", absl::FormatDuration(options.run_limit)));
  }
  if (options.keep_text) words.push_back("--keep-text");
  if (options.keep_weights != defaults.keep_weights) {
    words.push_back(
        absl::StrCat("--keep-weights=", KeepWeightsName(options.keep_weights)));
  }
  return words;
}

}  // namespace sft::launch
