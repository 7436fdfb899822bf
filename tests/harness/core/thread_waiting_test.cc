#include "harness/core/thread_waiting.h"

#include <cstdlib>
#include <initializer_list>
#include <map>
#include <optional>

#include "tests/support/catch_torch.h"

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

TEST_CASE(
    "threads that share cores do not spin, unless the user has said otherwise",
    "[core][threads]") {
  {
    const Variables none;
    CHECK(ThreadWaiting() == "default");
    CHECK_FALSE(SetThreadWaiting());
    CHECK(ThreadWaiting() == "default");
    // Where runs are to share cores, they do not spin.
    CHECK(SetThreadWaiting(/*crowded=*/true));
    CHECK(ThreadWaiting() == "GOMP_SPINCOUNT=0");
    CHECK_FALSE(SetThreadWaiting());
    CHECK_FALSE(SetThreadWaiting(/*crowded=*/true));
  }
  {
    const Variables users("OMP_WAIT_POLICY", "ACTIVE");
    CHECK_FALSE(SetThreadWaiting());
    CHECK(ThreadWaiting() == "OMP_WAIT_POLICY=ACTIVE");
    CHECK_FALSE(SetThreadWaiting(/*crowded=*/true));
    CHECK(getenv("GOMP_SPINCOUNT") == nullptr);
  }
  {
    const Variables users("GOMP_SPINCOUNT", "7");
    CHECK_FALSE(SetThreadWaiting());
    CHECK_FALSE(SetThreadWaiting(/*crowded=*/true));
    CHECK(ThreadWaiting() == "GOMP_SPINCOUNT=7");
  }
}

}  // namespace
}  // namespace sft::thread_waiting_test
