// The boundary where LibTorch's exceptions become statuses: one a run.
#ifndef HARNESS_CORE_CATCH_TORCH_H_
#define HARNESS_CORE_CATCH_TORCH_H_

#include <functional>

#include "absl/status/status.h"

namespace sft {

// Runs `body`; out of memory becomes ResourceExhausted, any other exception
// Internal with its first line.
absl::Status CatchTorch(const std::function<absl::Status()>& body);

}  // namespace sft

#endif  // HARNESS_CORE_CATCH_TORCH_H_
