#include "harness/launch/admission.h"

#include <algorithm>

#include "harness/core/status.h"

namespace sft::launch {
namespace {

constexpr int64_t kLeastReserve = int64_t{256} << 20;
constexpr int64_t kReservedPart = 20;  // of the memory, one in so many

std::string Gibibytes(int64_t bytes) {
  return absl::StrFormat(
      "%.1f GiB", static_cast<double>(bytes) / static_cast<double>(1 << 30));
}

}  // namespace

int64_t MemoryReserve(int64_t memory_bytes) {
  // A small machine keeps a part of what it has, no more than an eighth.
  return std::min(std::max(kLeastReserve, memory_bytes / kReservedPart),
                  memory_bytes / 8);
}

Admission Admit(const measure::MachineFacts& machine,
                const std::vector<RunAtWork>& at_work, const RunNeeds& next) {
  using Verdict = Admission::Verdict;
  const bool known = machine.memory_bytes > 0;
  const int64_t reserve = MemoryReserve(machine.memory_bytes);
  if (known && next.bytes > machine.memory_bytes - reserve) {
    return {Verdict::kNever,
            absl::StrCat("needs ", Gibibytes(next.bytes),
                         " of memory; this machine lets it have ",
                         Gibibytes(machine.memory_bytes - reserve))};
  }
  int threads = next.threads;
  int64_t to_come = 0;
  for (const RunAtWork& run : at_work) {
    if (next.alone || run.needs.alone) {
      return {Verdict::kWait, "a run that ran out of memory goes alone"};
    }
    threads += run.needs.threads;
    to_come += std::max<int64_t>(0, run.needs.bytes - run.resident_bytes);
  }
  if (!at_work.empty() && threads > machine.cores) {
    return {Verdict::kWait, absl::StrCat("threads of all would be ", threads,
                                         ", cores are ", machine.cores)};
  }
  const int64_t left = machine.free_bytes - to_come - reserve;
  if (known && next.bytes > left) {
    return {
        Verdict::kWait,
        absl::StrCat("needs ", Gibibytes(next.bytes), " of memory; ",
                     Gibibytes(std::max<int64_t>(0, left)), " can be had now")};
  }
  return {};
}

}  // namespace sft::launch
