// Whether a run may begin, over made-up machines.
#include "harness/launch/admission.h"

#include "tests/support/catch_torch.h"

namespace sft::launch::admission_test {
namespace {

using Verdict = Admission::Verdict;
constexpr int64_t kGiB = int64_t{1} << 30;

measure::MachineFacts Machine(int cores, int64_t gib, int64_t free_gib) {
  return {cores, gib * kGiB, free_gib * kGiB};
}
RunNeeds Needs(int threads, int64_t gib) { return {threads, gib * kGiB}; }
RunAtWork AtWork(int threads, int64_t gib, int64_t resident_gib) {
  return {Needs(threads, gib), resident_gib * kGiB};
}

// How many such runs a machine takes at once, each as large as it gets.
int HowMany(measure::MachineFacts machine, const RunNeeds& each) {
  std::vector<RunAtWork> at_work;
  while (at_work.size() < 100) {
    if (Admit(machine, at_work, each).verdict != Verdict::kStart) break;
    at_work.push_back({each, each.bytes});
    machine.free_bytes -= each.bytes;
  }
  return static_cast<int>(at_work.size());
}

TEST_CASE("cores and threads bound the runs at a time", "[launch][admission]") {
  CHECK(HowMany(Machine(8, 64, 60), Needs(2, 1)) == 4);
  CHECK(HowMany(Machine(8, 64, 60), Needs(3, 1)) == 2);
  CHECK(HowMany(Machine(2, 64, 60), Needs(2, 1)) == 1);
  // A run alone may have more threads than there are cores.
  CHECK(HowMany(Machine(1, 64, 60), Needs(2, 1)) == 1);
  const Admission second =
      Admit(Machine(2, 64, 60), {AtWork(2, 1, 1)}, Needs(1, 1));
  CHECK(second.verdict == Verdict::kWait);
  CHECK(second.why == "threads of all would be 3, cores are 2");
}

TEST_CASE("memory bounds them too, with a reserve left free",
          "[launch][admission]") {
  // 60 free, 3.2 of them the reserve: five runs of 10, not six.
  CHECK(HowMany(Machine(64, 64, 60), Needs(1, 10)) == 5);
  // Others hold half of the machine.
  CHECK(HowMany(Machine(64, 64, 30), Needs(1, 10)) == 2);
  CHECK(HowMany(Machine(64, 64, 9), Needs(1, 10)) == 0);
  CHECK(Admit(Machine(64, 64, 9), {}, Needs(1, 10)).why ==
        "needs 10.0 GiB of memory; 5.8 GiB can be had now");
}

TEST_CASE("what runs at work will still take is not free",
          "[launch][admission]") {
  // They have just begun: nothing is taken yet, and all of it will be.
  CHECK(Admit(Machine(64, 64, 60), {AtWork(1, 30, 0)}, Needs(1, 30)).verdict ==
        Verdict::kWait);
  // What they have taken is no more among the free.
  CHECK(
      Admit(Machine(64, 128, 90), {AtWork(1, 30, 30)}, Needs(1, 30)).verdict ==
      Verdict::kStart);
  // One that took more than predicted gives nothing back.
  CHECK(Admit(Machine(64, 64, 20), {AtWork(1, 10, 40)}, Needs(1, 15)).verdict ==
        Verdict::kStart);
  CHECK(Admit(Machine(64, 64, 20), {AtWork(1, 10, 40)}, Needs(1, 18)).verdict ==
        Verdict::kWait);
}

TEST_CASE("a run that can never fit is refused, and not waited for",
          "[launch][admission]") {
  const Admission never = Admit(Machine(64, 64, 1), {}, Needs(1, 63));
  CHECK(never.verdict == Verdict::kNever);
  CHECK(never.why ==
        "needs 63.0 GiB of memory; this machine lets it have 60.8 GiB");
  CHECK(Admit(Machine(64, 64, 1), {}, Needs(1, 60)).verdict == Verdict::kWait);
}

TEST_CASE("what ran out of memory before goes alone", "[launch][admission]") {
  RunNeeds again = Needs(1, 1);
  again.alone = true;
  CHECK(Admit(Machine(8, 64, 60), {AtWork(1, 1, 1)}, again).verdict ==
        Verdict::kWait);
  CHECK(Admit(Machine(8, 64, 60), {}, again).verdict == Verdict::kStart);
  const std::vector<RunAtWork> at_work = {RunAtWork{again, 0}};
  CHECK(Admit(Machine(8, 64, 60), at_work, Needs(1, 1)).verdict ==
        Verdict::kWait);
}

TEST_CASE("where memory is not known, cores decide", "[launch][admission]") {
  CHECK(HowMany(Machine(4, 0, 0), Needs(1, 100)) == 4);
  CHECK(HowMany(Machine(4, 64, 60), Needs(1, 0)) == 4);
}

TEST_CASE("the reserve of a small machine is a part of it",
          "[launch][admission]") {
  CHECK(MemoryReserve(100 * kGiB) == 5 * kGiB);
  CHECK(MemoryReserve(4 * kGiB) == kGiB / 4);
  CHECK(MemoryReserve(kGiB) == kGiB / 8);
}

}  // namespace
}  // namespace sft::launch::admission_test
