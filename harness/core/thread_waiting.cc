#include "harness/core/thread_waiting.h"

#include <signal.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "harness/core/parallel_for.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWaitVariables[] = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"};
constexpr char kWatched[] = "watched";

constexpr absl::Duration kLookEvery = absl::Milliseconds(100);
constexpr int kQuietLooks = 3;
// Two threads that spin on two cores wait 0.02 of the time alone, 0.1 for a
// short command; beside one busy process 0.3 to 0.5, spinning or not.
constexpr double kCrowdedShare = 0.2;
constexpr double kQuietShare = 0.1;

// More threads than cores, which sleep. libgomp counts those of a team until
// the thread that opened it ends.
class ParkedTeam {
 public:
  explicit ParkedTeam(int threads)
      : opener_([this, threads] {
#pragma omp parallel num_threads(threads)
          {
            std::unique_lock lock(mutex_);
            released_.wait(lock, [this] { return is_released_; });
          }
        }) {
  }
  ~ParkedTeam() {
    {
      const std::lock_guard lock(mutex_);
      is_released_ = true;
    }
    released_.notify_all();
    opener_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  bool is_released_ = false;
  std::thread opener_;
};

// Signals are for the threads that wait for them.
void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

std::string ThreadWaiting() {
  std::vector<std::string> said;
  for (const char* variable : kWaitVariables) {
    if (const char* value = std::getenv(variable)) {
      said.push_back(absl::StrCat(variable, "=", value));
    }
  }
  return said.empty() ? kWatched : absl::StrJoin(said, " ");
}

std::optional<absl::Duration> RunDelay::LongestSinceLast() {
  std::map<std::string, int64_t> now_ns;
  int64_t longest_ns = 0;
  std::error_code error;
  for (const fs::directory_entry& task :
       fs::directory_iterator("/proc/self/task", error)) {
    const std::unique_ptr<FILE, int (*)(FILE*)> file(
        fopen((task.path() / "schedstat").c_str(), "re"), fclose);
    int64_t delay_ns = 0;
    // A thread may have ended since it was listed.
    if (!file || fscanf(file.get(), "%*d %" SCNd64, &delay_ns) != 1) continue;
    const std::string thread = task.path().filename();
    const auto before = before_ns_.find(thread);
    longest_ns =
        std::max(longest_ns,
                 delay_ns - (before == before_ns_.end() ? 0 : before->second));
    now_ns.emplace(thread, delay_ns);
  }
  if (now_ns.empty()) return std::nullopt;
  before_ns_ = std::move(now_ns);
  return absl::Nanoseconds(longest_ns);
}

bool CrowdJudge::Next(double delay_share) {
  if (delay_share > kCrowdedShare) {
    is_crowded_ = true;
    quiet_looks_ = 0;
  } else if (delay_share > kQuietShare) {
    quiet_looks_ = 0;
  } else if (++quiet_looks_ >= kQuietLooks) {
    is_crowded_ = false;
  }
  return is_crowded_;
}

CrowdWatch::CrowdWatch() {
  if (ThreadWaiting() != kWatched) return;
  thread_ = std::thread([this] { Watch(); });
}

CrowdWatch::~CrowdWatch() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void CrowdWatch::Watch() {
  BlockSignals();
  RunDelay delay;
  CrowdJudge judge;
  std::optional<ParkedTeam> parked;
  absl::Time last = absl::Now();
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, absl::ToChronoMilliseconds(kLookEvery),
                          [this] { return has_ended_; })) {
    const std::optional<absl::Duration> waited = delay.LongestSinceLast();
    if (!waited) return;
    const absl::Time now = absl::Now();
    is_crowded_ = judge.Next(
        absl::FDivDuration(*waited, std::max(now - last, kLookEvery / 2)));
    last = now;
    if (is_crowded_ && !parked) {
      parked.emplace(static_cast<int>(UsableCores()) + 1);
    } else if (!is_crowded_) {
      parked.reset();
    }
  }
}

}  // namespace sft
