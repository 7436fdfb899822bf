// What the method does not name does not move by a bit.
#include <ATen/ATen.h>

#include <map>
#include <set>

#include "harness/core/status.h"
#include "harness/core/tensor_digest.h"
#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/few_steps.h"

namespace sft::selfcheck {
namespace {

// Digests and no copies: a large model fits once.
std::map<std::string, std::string> DigestsOf(model::Model& model) {
  std::map<std::string, std::string> out;
  for (const auto& [name, tensor] : AllTensors(model)) {
    out[name] = TensorDigest({{"", tensor.detach()}});
  }
  return out;
}

absl::StatusOr<Finding> CheckFrozen(const Setting& setting) {
  SFT_ASSIGN_OR_RETURN(const auto run, FewSteps::Make(setting));
  SFT_RETURN_IF_ERROR(run->method().BeginRound(0));
  std::set<const void*> movable;
  size_t named = 0;
  for (const train::TrainableParameter& p : run->method().MovableParameters()) {
    movable.insert(p.tensor.storage().unsafeGetStorageImpl());
    ++named;
  }
  const std::map<std::string, std::string> before = DigestsOf(run->model());
  if (run->trains()) SFT_RETURN_IF_ERROR(run->Run());
  int64_t frozen = 0, moved = 0;
  const std::map<std::string, at::Tensor> after = AllTensors(run->model());
  for (const auto& [name, digest] : DigestsOf(run->model())) {
    const auto old = before.find(name);
    const bool same = old != before.end() && old->second == digest;
    const at::Tensor& tensor = after.at(name);
    if (movable.contains(tensor.storage().unsafeGetStorageImpl())) {
      moved += !same;
      continue;
    }
    if (!same) {
      return Finding::Fail(absl::StrCat(
          name, " is not among what the method trains, and has moved"));
    }
    ++frozen;
  }
  if (named > 0 && moved == 0) {
    return Finding::Fail(absl::StrCat("none of the ", named,
                                      " tensors that the method trains has "
                                      "moved"));
  }
  return Finding::Pass(absl::StrCat("the bits of ", frozen, " frozen tensors; ",
                                    moved, " others moved in ", run->steps(),
                                    " steps"));
}

}  // namespace

Check FrozenIsFrozen() {
  return {"frozen", "only what the method names has moved after a few steps",
          CheckFrozen};
}

}  // namespace sft::selfcheck
