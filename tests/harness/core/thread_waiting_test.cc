#include "harness/core/thread_waiting.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "harness/core/parallel_for.h"
#include "tests/support/catch_torch.h"
#include "tests/support/skips.h"

namespace sft::thread_waiting_test {
namespace {

// An environment with this one of the variables alone; the old one afterwards.
class Variables {
 public:
  explicit Variables(const std::string& set = "", const std::string& to = "") {
    for (const char* name : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}) {
      const char* value = getenv(name);
      old_[name] =
          value != nullptr ? std::optional<std::string>(value) : std::nullopt;
      unsetenv(name);
    }
    if (!set.empty()) setenv(set.c_str(), to.c_str(), 1);
  }
  ~Variables() {
    for (const auto& [name, value] : old_) {
      if (value) {
        setenv(name.c_str(), value->c_str(), 1);
      } else {
        unsetenv(name.c_str());
      }
    }
  }

 private:
  std::map<std::string, std::optional<std::string>> old_;
};

// Three threads a core that want it all the time.
class BusyThreads {
 public:
  BusyThreads() {
    for (size_t i = 0; i < 3 * UsableCores(); ++i) {
      threads_.emplace_back([this] {
        while (!has_ended_) {
        }
      });
    }
  }
  ~BusyThreads() {
    has_ended_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> has_ended_ = false;
  std::vector<std::thread> threads_;
};

// Generous: it says that something never comes.
template <class Condition>
bool Comes(Condition condition) {
  for (int i = 0; i < 3000 && !condition(); ++i) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  return condition();
}

// A sum over a team: its barriers are what waits.
int64_t SumOfTeams() {
  int64_t sum = 0;
  for (int i = 0; i < 100; ++i) {
#pragma omp parallel num_threads(2) reduction(+ : sum)
    sum += i;
  }
  return sum;
}

TEST_CASE("how threads wait is watched, unless the user has said otherwise",
          "[core][threads]") {
  {
    const Variables none;
    CHECK(ThreadWaiting() == "watched");
  }
  {
    const Variables users("OMP_WAIT_POLICY", "ACTIVE");
    CHECK(ThreadWaiting() == "OMP_WAIT_POLICY=ACTIVE");
  }
  {
    const Variables users("GOMP_SPINCOUNT", "7");
    CHECK(ThreadWaiting() == "GOMP_SPINCOUNT=7");
  }
}

TEST_CASE("cores are crowded at once, and no longer after quiet looks",
          "[core][threads]") {
  CrowdJudge judge;
  CHECK_FALSE(judge.Next(0));
  CHECK_FALSE(judge.Next(0.19));
  CHECK(judge.Next(0.5));
  for (int i = 0; i < 2; ++i) CHECK(judge.Next(0.01));
  CHECK(judge.Next(0.15));  // neither: the count begins anew
  for (int i = 0; i < 2; ++i) CHECK(judge.Next(0));
  CHECK_FALSE(judge.Next(0));
  CHECK_FALSE(judge.Next(0.15));
  CHECK(judge.Next(0.9));
}

TEST_CASE("a watch sees that cores are shared, and parks without a change",
          "[core][threads]") {
  const Variables none;
  RunDelay delay;
  if (!delay.LongestSinceLast()) {
    support::Skip(support::Need::kMachine, "the kernel tells no run delays");
  }
  const int64_t alone = SumOfTeams();
  {
    const CrowdWatch watch;
    const BusyThreads busy;
    absl::Duration waited = absl::ZeroDuration();
    CHECK(Comes([&] {
      waited += *delay.LongestSinceLast();
      return waited > absl::Milliseconds(100);
    }));
    CHECK(Comes([&] { return watch.is_crowded(); }));
    CHECK(SumOfTeams() == alone);
  }
  CHECK(SumOfTeams() == alone);
}

TEST_CASE("a user's choice is not watched over", "[core][threads]") {
  const Variables users("GOMP_SPINCOUNT", "7");
  const CrowdWatch watch;
  const BusyThreads busy;
  RunDelay delay;
  absl::Duration waited = absl::ZeroDuration();
  const bool told = Comes([&] {
    waited += delay.LongestSinceLast().value_or(absl::InfiniteDuration());
    return waited > absl::Seconds(1);
  });
  CHECK(told);
  CHECK_FALSE(watch.is_crowded());
}

}  // namespace
}  // namespace sft::thread_waiting_test
