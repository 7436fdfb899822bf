// AttachAdapter: see adapter_io.h.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "harness/core/status.h"
#include "methods/adapter_io.h"

namespace sft {
namespace {

// Gives the model the head that the saved tensors are of; an error where
// none of the sizes that they could be of fits.
absl::Status SetSavedHead(Model& model, const Adapter& adapter,
                          const std::string& folder) {
  if (adapter.saved.empty()) return absl::OkStatus();
  std::map<std::string, at::Tensor> saved;
  for (const NamedTensor& t : adapter.saved) saved[t.name] = t.tensor;
  if (!model.is_encoder() || adapter.head == HeadKind::kNextToken) {
    return InputError(
        folder, absl::StrCat("holds ", saved.begin()->first,
                             " (modules_to_save), which is read as the head "
                             "of an encoder alone"));
  }
  const auto fits = [&](const std::vector<Parameter>& head) {
    return head.size() == saved.size() &&
           std::all_of(head.begin(), head.end(), [&](const Parameter& p) {
             const auto it = saved.find(p.name);
             return it != saved.end() && it->second.sizes() == p.tensor.sizes();
           });
  };
  // The number of classes is that of the last map's rows, whichever it is.
  for (const NamedTensor& t : adapter.saved) {
    if (t.tensor.dim() != 2) continue;
    SFT_RETURN_IF_ERROR(model.SetHead(adapter.head, t.tensor.size(0), 0));
    std::vector<Parameter> head = model.HeadParameters();
    if (!fits(head)) continue;
    at::NoGradGuard no_grad;
    for (Parameter& p : head) p.tensor.copy_(saved[p.name]);
    return absl::OkStatus();
  }
  return InputError(
      folder, absl::StrCat("holds a head (", saved.begin()->first,
                           ", ...) that ", model.info().name, " cannot have"));
}

}  // namespace

absl::Status AttachAdapter(Model& model, const std::string& folder) {
  SFT_ASSIGN_OR_RETURN(Adapter adapter, ReadAdapterFolder(folder));
  std::map<std::string, size_t> index;
  auto& slots = model.linear_slots();
  for (size_t i = 0; i < slots.size(); ++i) index[slots[i].name] = i;
  for (const AdapterLayer& layer : adapter.layers) {
    const auto it = index.find(layer.slot);
    if (it == index.end()) {
      return InputError(folder, absl::StrCat("adapts ", layer.slot, ", which ",
                                             model.info().name, " lacks"));
    }
    const LinearSlot& slot = slots[it->second];
    const LoraFactors& f = layer.factors;
    if (f.a_RI.size(1) != slot.in_features ||
        f.b_OR.size(0) != slot.out_features ||
        (f.magnitude_O.defined() &&
         f.magnitude_O.numel() != slot.out_features)) {
      return InputError(
          folder,
          absl::StrCat(layer.slot, " is for a map [", f.b_OR.size(0), ", ",
                       f.a_RI.size(1), "], ", model.info().name, " has [",
                       slot.out_features, ", ", slot.in_features, "]"));
    }
  }
  SFT_RETURN_IF_ERROR(SetSavedHead(model, adapter, folder));
  const auto master =
      at::TensorOptions(model.device())
          .dtype(model.compute_dtype() == at::kDouble ? at::kDouble
                                                      : at::kFloat);
  for (AdapterLayer& layer : adapter.layers) {
    const size_t i = index[layer.slot];
    LoraFactors& f = layer.factors;
    f.a_RI = f.a_RI.to(master);
    f.b_OR = f.b_OR.to(master);
    if (f.magnitude_O.defined()) {
      f.magnitude_O = f.magnitude_O.to(master).reshape({-1});
    }
    slots[i].map = std::make_unique<LoraLinear>(
        std::move(slots[i].map), std::move(f), model.compute_dtype(),
        /*dropout=*/0.0, i);
  }
  return absl::OkStatus();
}

}  // namespace sft
