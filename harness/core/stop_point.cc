#include "harness/core/stop_point.h"

namespace sft {
namespace {

// Thrown by StopPoint(). No std::exception: what turns those into a status on
// the way (CatchTorch) must not take it for a fault.
struct StoppedHere {};

thread_local const std::function<bool()>* who_may_ask = nullptr;

class Asking {
 public:
  explicit Asking(const std::function<bool()>* asked) : outer_(who_may_ask) {
    who_may_ask = asked;
  }
  ~Asking() { who_may_ask = outer_; }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

 private:
  const std::function<bool()>* outer_;
};

}  // namespace

absl::Status RunStoppable(const std::function<bool()>& asked,
                          const std::function<absl::Status()>& body) {
  const Asking asking(asked ? &asked : nullptr);
  try {
    return body();
  } catch (const StoppedHere&) {
    return absl::AbortedError("stopped before it was done");
  }
}

void StopPoint() {
  if (who_may_ask != nullptr && (*who_may_ask)()) throw StoppedHere();
}

}  // namespace sft
