// Points at which long work may be broken off: between the tensors of a model,
// the rows that are tokenized, the batches of an evaluation, the tokens of an
// answer. What is at work there need not know who may ask it to stop, nor hand
// that down through every call; who began it says so once.
#ifndef HARNESS_CORE_STOP_POINT_H_
#define HARNESS_CORE_STOP_POINT_H_

#include <functional>

#include "absl/status/status.h"

namespace sft {

// Runs `body` and returns its status, or Aborted where a StopPoint() in it, on
// this thread, found that `asked` says true: `body` has then ended there, as by
// an exception. Only for work that can be thrown away and done again; nothing
// that writes belongs into it. An empty `asked` never stops. May be nested: the
// inner one counts.
absl::Status RunStoppable(const std::function<bool()>& asked,
                          const std::function<absl::Status()>& body);

// Does not return where the work is to stop; outside of RunStoppable, and on
// other threads than its own, nothing happens. Costs a call of `asked`.
void StopPoint();

}  // namespace sft

#endif  // HARNESS_CORE_STOP_POINT_H_
