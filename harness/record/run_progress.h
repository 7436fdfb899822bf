// What a run under way says of itself: a line, which its launcher reads from a
// pipe, and a small file in its work folder, which whoever asks reads later.
#ifndef HARNESS_RECORD_RUN_PROGRESS_H_
#define HARNESS_RECORD_RUN_PROGRESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"

namespace sft::record {

struct RunProgress {
  std::string phase;  // "load", "train", "evaluate", "save"
  int64_t step = 0;   // of all rounds, as `steps`
  int64_t steps = 0;
  double loss = 0;
  double real_tokens_per_second = 0;
  double seconds_left = 0;  // of this run's training
};

// One tab-separated line, without its end.
std::string FormatProgress(const RunProgress& progress);
std::optional<RunProgress> ParseProgress(std::string_view line);

// The file, as its run keeps it: whole at every moment, not fsynced, for it is
// worth nothing to a machine that went down.
class ProgressFile {
 public:
  explicit ProgressFile(std::string path) : path_(std::move(path)) {}
  // Writes a new phase at once, and else at most once a second. What cannot be
  // written is left out: a run does not end for it.
  void Note(const RunProgress& progress, absl::Time now);

 private:
  std::string path_;
  std::string phase_;
  absl::Time written_ = absl::InfinitePast();
};

struct NotedProgress {
  RunProgress progress;
  absl::Time when;  // by the clock of the worker's machine
};
// nullopt where there is none, or no whole one.
std::optional<NotedProgress> ReadProgressFile(const std::string& path);

}  // namespace sft::record

#endif  // HARNESS_RECORD_RUN_PROGRESS_H_
