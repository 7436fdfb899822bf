#include "harness/core/stop_point.h"

#include <utility>

namespace sft {
namespace {

// Thrown by StopPoint(). No std::exception: what turns those into a status on
// the way (CatchTorch) must not take it for a fault.
struct StoppedHere {};

struct Supervision {
  const std::function<bool()>* asked = nullptr;
  Pieces* pieces = nullptr;
};
thread_local Supervision supervision;

class Supervised {
 public:
  explicit Supervised(Supervision inner)
      : outer_(std::exchange(supervision, inner)) {}
  ~Supervised() { supervision = outer_; }
  Supervised(const Supervised&) = delete;
  Supervised& operator=(const Supervised&) = delete;

 private:
  Supervision outer_;
};

}  // namespace

absl::Status RunStoppable(const std::function<bool()>& asked,
                          const std::function<absl::Status()>& body,
                          Pieces* pieces) {
  const Supervised supervised({asked ? &asked : nullptr, pieces});
  try {
    return body();
  } catch (const StoppedHere&) {
    return absl::AbortedError("stopped before it was done");
  }
}

void StopPoint() {
  if (supervision.asked != nullptr && (*supervision.asked)()) {
    throw StoppedHere();
  }
}

void BeginPieces(const std::string& of) {
  Pieces* pieces = supervision.pieces;
  if (pieces == nullptr) return;
  pieces->next = 0;
  if (pieces->of == of) return;
  pieces->of = of;
  pieces->done.clear();
}

std::vector<double> Piece(
    const std::function<bool(const std::vector<double>& kept)>& fits,
    const std::function<std::vector<double>()>& work) {
  Pieces* pieces = supervision.pieces;
  if (pieces != nullptr && pieces->next < pieces->done.size()) {
    if (fits(pieces->done[pieces->next])) return pieces->done[pieces->next++];
    pieces->done.resize(pieces->next);  // another program's
  }
  StopPoint();
  std::vector<double> made = work();
  if (pieces != nullptr) {
    pieces->done.push_back(made);
    pieces->next = pieces->done.size();
  }
  return made;
}

}  // namespace sft
