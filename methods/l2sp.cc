#include "methods/l2sp.h"

#include <ATen/ATen.h>

#include <set>

#include "harness/core/status.h"
#include "methods/in_parts.h"

namespace sft::methods {

L2spMethod::L2spMethod(const L2spOptions& options, int64_t)
    : FullMethod(/*trains=*/true), options_(options) {}

absl::Status L2spMethod::Attach(model::Model& model) {
  SFT_RETURN_IF_ERROR(FullMethod::Attach(model));
  std::set<std::string> drawn;
  if (model.info().head_drawn) {
    for (const model::Parameter& p : model.HeadParameters()) {
      drawn.insert(p.name);
    }
  }
  for (const train::TrainableParameter& p : TrainableParameters()) {
    anchored_.push_back({p.tensor, {}});
    if (!drawn.contains(p.name)) {
      anchored_.back().start = p.tensor.detach().clone();
    }
  }
  return absl::OkStatus();
}

int64_t L2spMethod::StateBytes() const {
  int64_t bytes = 0;
  for (const Anchored& a : anchored_) {
    if (a.start.defined()) bytes += static_cast<int64_t>(a.start.nbytes());
  }
  return bytes;
}

void L2spMethod::OnGradients() {
  for (const Anchored& a : anchored_) {
    at::Tensor grad = a.tensor.grad();
    if (!grad.defined()) continue;
    if (a.start.defined()) {
      // The difference first: it is 0 where nothing has moved.
      InParts(grad, [&](const auto& part) {
        part(grad).add_(part(a.tensor) - part(a.start), options_.alpha);
      });
    } else {
      grad.add_(a.tensor, options_.beta);
    }
  }
}

}  // namespace sft::methods
