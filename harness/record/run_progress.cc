#include "harness/record/run_progress.h"

#include <unistd.h>

#include <cstdio>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "harness/core/files.h"
#include "harness/core/status.h"

namespace sft::record {
namespace {

constexpr int64_t kMaxProgressBytes = 4096;

}  // namespace

std::string FormatProgress(const RunProgress& p) {
  std::string phase = p.phase;
  for (char& c : phase) {
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  }
  return absl::StrFormat("%s\t%d\t%d\t%.6g\t%.6g\t%.6g", phase, p.step, p.steps,
                         p.loss, p.real_tokens_per_second, p.seconds_left);
}

std::optional<RunProgress> ParseProgress(std::string_view line) {
  const std::vector<std::string> parts = absl::StrSplit(ToAbsl(line), '\t');
  RunProgress p;
  if (parts.size() != 6) return std::nullopt;
  p.phase = parts[0];
  if (!absl::SimpleAtoi(parts[1], &p.step) ||
      !absl::SimpleAtoi(parts[2], &p.steps) ||
      !absl::SimpleAtod(parts[3], &p.loss) ||
      !absl::SimpleAtod(parts[4], &p.real_tokens_per_second) ||
      !absl::SimpleAtod(parts[5], &p.seconds_left)) {
    return std::nullopt;
  }
  return p;
}

void ProgressFile::Note(const RunProgress& progress, absl::Time now) {
  // A clock that was set back must not silence the file.
  const bool is_soon = now >= written_ && now - written_ < absl::Seconds(1);
  if (progress.phase == phase_ && is_soon) return;
  phase_ = progress.phase;
  written_ = now;
  const std::string temporary = TemporaryBeside(path_);
  FILE* file = std::fopen(temporary.c_str(), "we");
  if (file == nullptr) return;
  const std::string text = absl::StrCat(absl::ToUnixMillis(now), "\n",
                                        FormatProgress(progress), "\n");
  const bool whole =
      std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !whole ||
      std::rename(temporary.c_str(), path_.c_str()) != 0) {
    unlink(temporary.c_str());
  }
}

std::optional<NotedProgress> ReadProgressFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, kMaxProgressBytes);
  if (!text.ok()) return std::nullopt;
  const std::vector<std::string> lines = absl::StrSplit(*text, '\n');
  int64_t milliseconds = 0;
  if (lines.size() != 3 || !absl::SimpleAtoi(lines[0], &milliseconds)) {
    return std::nullopt;
  }
  std::optional<RunProgress> progress = ParseProgress(lines[1]);
  if (!progress.has_value()) return std::nullopt;
  return NotedProgress{*std::move(progress),
                       absl::FromUnixMillis(milliseconds)};
}

}  // namespace sft::record
