// Points at which long work may be broken off: between the tensors of a model,
// the rows that are tokenized, the batches of an evaluation, the tokens of an
// answer. What is at work there need not know who may ask it to stop, nor hand
// that down through every call; who began it says so once. Likewise the pieces
// of an evaluation: work that was broken off goes on behind those that were
// kept of it.
#ifndef HARNESS_CORE_STOP_POINT_H_
#define HARNESS_CORE_STOP_POINT_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace sft {

// What is done of a work, in its order; each piece in numbers.
struct Pieces {
  std::string of;  // the work's name
  std::vector<std::vector<double>> done;
  size_t next = 0;  // the one that is asked for next; for Piece() alone
};

// Runs `body` and returns its status, or Aborted where a StopPoint() in it, on
// this thread, found that `asked` says true: `body` has then ended there, as by
// an exception. Only for work that can be thrown away and done again; nothing
// that writes belongs into it. An empty `asked` never stops. May be nested: the
// inner one counts. `pieces`, where given, has what is kept of an earlier body
// and gets what this one does.
absl::Status RunStoppable(const std::function<bool()>& asked,
                          const std::function<absl::Status()>& body,
                          Pieces* pieces = nullptr);

// Does not return where the work is to stop; outside of RunStoppable, and on
// other threads than its own, nothing happens. Costs a call of `asked`.
void StopPoint();

// The pieces that follow are of the work of this name: those of another one are
// of no more use.
void BeginPieces(const std::string& of);
// The next piece: that which is kept, if it `fits`, else what `work` makes,
// behind a StopPoint(). The same work asks for the same pieces in one order.
std::vector<double> Piece(
    const std::function<bool(const std::vector<double>& kept)>& fits,
    const std::function<std::vector<double>()>& work);

}  // namespace sft

#endif  // HARNESS_CORE_STOP_POINT_H_
