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

std::string ParseJobId(std::string_view text) {
  std::string id;
  for (const absl::string_view line : LinesOf(text)) {
    const absl::string_view first = absl::StripAsciiWhitespace(
        line.substr(0, std::min(line.find(';'), line.size())));
    if (IsJobNumber(first)) id = ToStd(first);
  }
  return id;
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
