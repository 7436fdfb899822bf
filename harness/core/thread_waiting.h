// How OpenMP's threads wait at a barrier. libgomp looks 300,000 times,
// milliseconds long, before it sleeps: good alone on a machine; beside other
// work a thread that looks takes the core that the late one needs. While it
// manages more threads than there are cores it looks 100 times alone, and asks
// at every wait. scripts/neighbour_bench.py has the figures; results do not
// depend on it.
#ifndef HARNESS_CORE_THREAD_WAITING_H_
#define HARNESS_CORE_THREAD_WAITING_H_

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/time/time.h"

namespace sft {

// How threads wait: "watched" by CrowdWatch, or what the environment says,
// "GOMP_SPINCOUNT=1000", which stands.
std::string ThreadWaiting();

// The time in which a thread of this process could have run and had no core.
class RunDelay {
 public:
  RunDelay() { (void)LongestSinceLast(); }
  // Of the thread that waited longest since the last call (a sum would grow
  // with the cores of a quiet machine); none where the kernel does not tell
  // (Linux: /proc/self/task/*/schedstat).
  std::optional<absl::Duration> LongestSinceLast();

 private:
  std::map<std::string, int64_t> before_ns_;  // by thread
};

// Whether others want our cores, look by look: at once where they do, no longer
// after a few looks without.
class CrowdJudge {
 public:
  // `delay_share`: run delay per time, 1 = a thread that waits all the time.
  bool Next(double delay_share);

 private:
  bool is_crowded_ = false;
  int quiet_looks_ = 0;
};

// While it lives, threads of this process spin at barriers where the machine is
// theirs alone and sleep where it is not. It parks an idle team of more threads
// than there are cores while others want these. Nothing, where the user has set
// OMP_WAIT_POLICY or GOMP_SPINCOUNT or the kernel tells no delays.
class CrowdWatch {
 public:
  CrowdWatch();
  ~CrowdWatch();
  CrowdWatch(const CrowdWatch&) = delete;
  CrowdWatch& operator=(const CrowdWatch&) = delete;

  bool is_crowded() const { return is_crowded_; }

 private:
  void Watch();

  std::atomic<bool> is_crowded_ = false;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool has_ended_ = false;
  std::thread thread_;
};

}  // namespace sft

#endif  // HARNESS_CORE_THREAD_WAITING_H_
