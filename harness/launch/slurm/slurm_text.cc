#include "harness/launch/slurm/slurm_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "harness/core/status.h"

namespace sft::launch {
namespace {

std::vector<absl::string_view> LinesOf(std::string_view text) {
  return absl::StrSplit(ToAbsl(text), '\n', absl::SkipWhitespace());
}

bool IsJobNumber(absl::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isdigit(c); });
}

}  // namespace

SlurmLimits ParseSlurmConfig(std::string_view text) {
  SlurmLimits limits;
  for (const absl::string_view line : LinesOf(text)) {
    const std::vector<absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    uint64_t number = 0;
    if (parts.size() != 2 ||
        !absl::SimpleAtoi(absl::StripAsciiWhitespace(parts[1]), &number) ||
        number == 0) {
      continue;
    }
    const absl::string_view name = absl::StripAsciiWhitespace(parts[0]);
    if (name == "MaxArraySize") limits.array_size = number;
    if (name == "MaxJobCount") limits.jobs = number;
  }
  return limits;
}

size_t ParseMaxSubmitJobs(std::string_view text) {
  size_t least = 0;
  for (const absl::string_view line : LinesOf(text)) {
    uint64_t number = 0;
    if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(line), &number)) continue;
    if (number > 0 && (least == 0 || number < least)) least = number;
  }
  return least;
}

std::optional<absl::Duration> ParseSlurmTime(std::string_view text) {
  absl::string_view rest = ToAbsl(text);
  uint64_t days = 0;
  const size_t dash = rest.find('-');
  const bool has_days = dash != absl::string_view::npos;
  if (has_days) {
    if (!absl::SimpleAtoi(rest.substr(0, dash), &days)) return std::nullopt;
    rest = rest.substr(dash + 1);
  }
  std::vector<int64_t> parts;
  for (const absl::string_view word : absl::StrSplit(rest, ':')) {
    uint32_t number = 0;
    if (!absl::SimpleAtoi(word, &number)) return std::nullopt;
    parts.push_back(number);
  }
  if (parts.size() > 3) return std::nullopt;
  // Behind days the hours come first; else one number, or the first of two, is
  // minutes.
  if (!has_days && parts.size() < 3) parts.insert(parts.begin(), 0);
  parts.resize(3);
  const absl::Duration limit =
      absl::Hours(24 * static_cast<int64_t>(days) + parts[0]) +
      absl::Minutes(parts[1]) + absl::Seconds(parts[2]);
  if (limit == absl::ZeroDuration()) return std::nullopt;
  return limit;
}

std::string ParseJobId(std::string_view text) {
  std::string id;
  for (const absl::string_view line : LinesOf(text)) {
    const absl::string_view first = absl::StripAsciiWhitespace(
        line.substr(0, std::min(line.find(';'), line.size())));
    if (IsJobNumber(first)) id = ToStd(first);
  }
  return id;
}

std::string ThisSlurmJob(
    const std::function<const char*(const char*)>& variable) {
  const char* array = variable("SLURM_ARRAY_JOB_ID");
  const char* task = variable("SLURM_ARRAY_TASK_ID");
  // Not a task's own number: the last task's is that of the whole array, all of
  // which would be put back.
  if (array != nullptr && task != nullptr)
    return absl::StrCat(array, "_", task);
  const char* job = variable("SLURM_JOB_ID");
  return job == nullptr ? "" : job;
}

std::map<SlurmTask, QueuedTask> ParseQueue(std::string_view text) {
  std::map<SlurmTask, QueuedTask> queue;
  for (const absl::string_view line : LinesOf(text)) {
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::MaxSplits('|', 3));
    uint64_t number = 0;
    if (parts.size() < 3 || !absl::SimpleAtoi(parts[1], &number)) continue;
    queue[{std::string(absl::StripAsciiWhitespace(parts[0])), number}] = {
        parts[2], parts.size() > 3 ? parts[3] : ""};
  }
  return queue;
}

size_t CountLines(std::string_view text) { return LinesOf(text).size(); }

std::map<SlurmTask, std::string> ParseAccounting(std::string_view text) {
  std::map<SlurmTask, std::string> states;
  for (const absl::string_view line : LinesOf(text)) {
    const std::vector<std::string> parts = absl::StrSplit(line, '|');
    if (parts.size() < 2) continue;
    const std::vector<std::string> id =
        absl::StrSplit(parts[0], absl::MaxSplits('_', 1));
    uint64_t number = 0;
    if (id.size() != 2 || !absl::SimpleAtoi(id[1], &number)) continue;
    states[{id[0], number}] = parts[1];
  }
  return states;
}

}  // namespace sft::launch
