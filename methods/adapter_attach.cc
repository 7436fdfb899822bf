// AttachAdapter: see adapter_io.h. What PEFT 0.21 does on loading: LoraLayer's
// update_layer(), pissa_init() and olora_init(), ModulesToSaveWrapper.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/model/families/layout.h"
#include "harness/model/ops/dense_linear.h"
#include "methods/adapter_io.h"
#include "methods/oft_io.h"

namespace sft::methods {
namespace {

constexpr char kHead[] = "lm_head.weight";

std::map<std::string, model::Parameter> ByName(
    std::vector<model::Parameter> parameters) {
  std::map<std::string, model::Parameter> out;
  for (model::Parameter& p : parameters) out[p.name] = std::move(p);
  return out;
}

class Attacher {
 public:
  Attacher(model::Model& model, Adapter adapter, const std::string& folder)
      : model_(model), adapter_(std::move(adapter)), folder_(folder) {
    for (const model::LinearSlot& slot : model.linear_slots()) {
      slots_[slot.name] = slots_.size();
    }
  }

  absl::Status Attach() {
    at::NoGradGuard off;
    NameHead();
    SFT_RETURN_IF_ERROR(CheckLayers());
    SFT_RETURN_IF_ERROR(SetSaved());
    for (AdapterLayer& layer : adapter_.layers) {
      LoraFactors& f = layer.factors;
      for (at::Tensor* t : {&f.a_RI, &f.b_OR, &f.magnitude_O}) {
        if (t->defined()) *t = t->to(Master());
      }
      if (f.magnitude_O.defined()) f.magnitude_O = f.magnitude_O.reshape({-1});
      const auto slot = slots_.find(layer.slot);
      if (slot == slots_.end()) {
        SFT_RETURN_IF_ERROR(AddToParameter(layer));
      } else {
        SFT_RETURN_IF_ERROR(PutOn(slot->second, std::move(f)));
      }
    }
    return absl::OkStatus();
  }

 private:
  at::TensorOptions Master() const {
    return at::TensorOptions(model_.device())
        .dtype(model_.compute_dtype() == at::kDouble ? at::kDouble
                                                     : at::kFloat);
  }
  absl::Status Wrong(const std::string& what) const {
    return InputError(folder_, what);
  }
  // The parameter that a tied head shares: the first table.
  std::string TokenTable() const {
    for (const model::Parameter& p : model_.Parameters()) {
      if (p.role == model::Role::kEmbedding) return p.name;
    }
    return "";
  }
  // Whether files hold the tensor of this name the other way round.
  bool IsStoredTransposed(const std::string& name) const {
    for (const model::LinearSlot& slot : model_.linear_slots()) {
      if (model::WeightName(slot.name) == name) return slot.stored_transposed;
    }
    return false;
  }
  // Files may have another name for the head than transformers and PEFT.
  void NameHead() {
    for (const model::Parameter& p : model_.Parameters()) {
      if (model_.is_encoder() || p.role != model::Role::kHead) continue;
      for (AdapterLayer& layer : adapter_.layers) {
        if (model::WeightName(layer.slot) != kHead) continue;
        layer.slot = p.name.substr(0, p.name.rfind('.'));
      }
      for (NamedTensor& t : adapter_.saved) {
        if (t.name == kHead) t.name = p.name;
      }
      if (adapter_.own_copies.erase(kHead) > 0) {
        adapter_.own_copies.insert(p.name);
      }
    }
  }
  // Slots and shapes, before anything is changed.
  absl::Status CheckLayers() {
    const auto parameters = ByName(model_.Parameters());
    for (const AdapterLayer& layer : adapter_.layers) {
      const LoraFactors& f = layer.factors;
      int64_t out = 0, in = 0;
      if (const auto it = slots_.find(layer.slot);
          it != slots_.end() && !layer.of_embedding) {
        const model::LinearSlot& slot = model_.linear_slots()[it->second];
        out = slot.out_features;
        in = slot.in_features;
        // PEFT factors the matrix as it is stored.
        if (adapter_.init == AdapterInit::kOlora && slot.stored_transposed) {
          return Wrong(absl::StrCat("init_lora_weights olora on ", layer.slot,
                                    " is not supported: its weight is stored "
                                    "as [in, out]"));
        }
      } else {
        std::string name = layer.slot + ".weight";
        const bool of_tied_head = name == kHead && model_.info().tied_head;
        if (of_tied_head) name = TokenTable();
        const auto parameter = parameters.find(name);
        if (parameter == parameters.end() ||
            parameter->second.tensor.dim() != 2 ||
            layer.of_embedding !=
                (parameter->second.role == model::Role::kEmbedding &&
                 !of_tied_head)) {
          return Wrong(absl::StrCat("adapts ", layer.slot, ", which ",
                                    model_.info().name, " lacks"));
        }
        out = parameter->second.tensor.size(layer.of_embedding ? 1 : 0);
        in = parameter->second.tensor.size(layer.of_embedding ? 0 : 1);
        if (adapter_.init != AdapterInit::kPlain) {
          return Wrong(absl::StrCat("init_lora_weights on ", layer.slot,
                                    " is not supported, only on the maps of "
                                    "the blocks"));
        }
        if (layer.of_embedding && adapter_.dora) {
          return Wrong(
              absl::StrCat("use_dora on ", layer.slot, " is not supported"));
        }
        if (adapter_.ties_weights && model_.info().tied_head) {
          return Wrong(absl::StrCat("ensure_weight_tying with an adapter on ",
                                    layer.slot, " is not supported"));
        }
      }
      if (f.a_RI.size(1) != in || f.b_OR.size(0) != out ||
          (f.magnitude_O.defined() && f.magnitude_O.numel() != out)) {
        return Wrong(absl::StrCat(
            layer.slot, " is for a map [", f.b_OR.size(0), ", ", f.a_RI.size(1),
            "], ", model_.info().name, " has [", out, ", ", in, "]"));
      }
    }
    return absl::OkStatus();
  }

  // An encoder's head apart from what any model has.
  absl::Status SetSaved() {
    std::set<std::string> of_head;
    for (const model::Parameter& p : model_.HeadParameters())
      of_head.insert(p.name);
    const auto parameters = ByName(model_.Parameters());
    std::vector<NamedTensor> head, others;
    for (const NamedTensor& t : adapter_.saved) {
      const bool is_other =
          !model_.is_encoder() ||
          (parameters.contains(t.name) && !of_head.contains(t.name));
      if (!is_other && !adapter_.own_copies.contains(t.name)) {
        return Wrong(absl::StrCat("unknown tensor \"", t.name, "\""));
      }
      (is_other ? others : head).push_back(t);
    }
    SFT_RETURN_IF_ERROR(SetHead(head));
    if (model_.info().tied_head && !adapter_.ties_weights) Untie(others);
    const auto live = ByName(model_.Parameters());
    for (const NamedTensor& t : others) {
      auto it = live.find(t.name);
      if (it == live.end() && t.name == kHead) it = live.find(TokenTable());
      if (it == live.end()) {
        return Wrong(absl::StrCat("holds ", t.name, ", which ",
                                  model_.info().name, " lacks"));
      }
      at::Tensor tensor = it->second.tensor.detach();
      // In the layout of files: a square one would pass unseen.
      if (IsStoredTransposed(t.name)) tensor = tensor.t();
      if (tensor.sizes() != t.tensor.sizes()) {
        return Wrong(absl::StrCat("holds ", t.name, " of shape [",
                                  absl::StrJoin(t.tensor.sizes(), ", "), "], ",
                                  model_.info().name, " has [",
                                  absl::StrJoin(tensor.sizes(), ", "), "]"));
      }
      tensor.copy_(t.tensor);
    }
    return absl::OkStatus();
  }

  // PEFT's copies of modules_to_save, and its term beside a tied head's
  // weight, leave the other user of the weight as it was.
  void Untie(const std::vector<NamedTensor>& saved) {
    bool apart = false;
    for (const NamedTensor& t : saved) {
      apart = apart || adapter_.own_copies.contains(t.name);
    }
    for (const AdapterLayer& layer : adapter_.layers) {
      apart = apart || !slots_.contains(layer.slot);
    }
    if (apart) model_.UntieHead();
  }

  // Gives the model the head that the saved tensors are of; an error where
  // none of the sizes that they could be of fits.
  absl::Status SetHead(const std::vector<NamedTensor>& tensors) {
    if (tensors.empty()) return absl::OkStatus();
    if (adapter_.head == HeadKind::kNextToken) {
      return Wrong(absl::StrCat("holds ", tensors[0].name,
                                " (modules_to_save), but its task_type names "
                                "no head of an encoder"));
    }
    SFT_ASSIGN_OR_RETURN(const bool fits,
                         SetSavedHead(model_, adapter_.head, tensors));
    if (fits) return absl::OkStatus();
    return Wrong(absl::StrCat("holds a head (", tensors[0].name, ", ...) that ",
                              model_.info().name, " cannot have"));
  }

  // A table's or the head's weight with the adapter in it.
  absl::Status AddToParameter(const AdapterLayer& layer) {
    const LoraFactors& f = layer.factors;
    for (model::Parameter& p : model_.Parameters()) {
      if (p.name != layer.slot + ".weight") continue;
      at::Tensor weight = p.tensor.detach();
      if (layer.of_embedding) {
        weight.add_(at::mm(f.b_OR, f.a_RI).t(), f.scale);
        return absl::OkStatus();
      }
      const LoraLinear whole(
          std::make_unique<model::DenseLinear>(weight.clone(), at::Tensor(),
                                               weight.scalar_type()),
          f, weight.scalar_type(), /*dropout=*/0.0, 0);
      weight.copy_(whole.DenseWeight());
      return absl::OkStatus();
    }
    return Wrong(absl::StrCat("adapts ", layer.slot, ", which ",
                              model_.info().name, " lacks"));
  }

  absl::Status PutOn(size_t index, LoraFactors factors) {
    model::LinearSlot& slot = model_.linear_slots()[index];
    if (adapter_.init != AdapterInit::kPlain) {
      auto* dense = dynamic_cast<model::DenseLinear*>(slot.map.get());
      const int64_t rank = factors.a_RI.size(0);
      if (dense == nullptr ||
          rank > std::min(slot.in_features, slot.out_features)) {
        return Wrong(absl::StrCat("rank ", rank, " is above what ", slot.name,
                                  " can hold"));
      }
      const at::Tensor weight_OI = dense->weight_OI().detach();
      // In f32, as PEFT does it: its rounding is in what it trained.
      const LoraFactors first =
          InitialFactors(weight_OI.to(at::kFloat), rank, factors.scale);
      weight_OI.sub_(at::mm(first.b_OR, first.a_RI)
                         .mul_(factors.scale)
                         .to(weight_OI.scalar_type()));
    }
    slot.map = std::make_unique<LoraLinear>(
        std::move(slot.map), std::move(factors), model_.compute_dtype(),
        /*dropout=*/0.0, index);
    return absl::OkStatus();
  }

  LoraFactors InitialFactors(const at::Tensor& weight_OI, int64_t rank,
                             double scale) const {
    if (adapter_.init == AdapterInit::kPissa) {
      return PissaFactors(weight_OI, rank, scale);
    }
    const auto [q, r] = at::linalg_qr(weight_OI);
    LoraFactors out;
    out.a_RI = r.slice(0, 0, rank);
    out.b_OR = q.slice(1, 0, rank);
    return out;
  }

  model::Model& model_;
  Adapter adapter_;
  const std::string& folder_;
  std::map<std::string, size_t> slots_;
};

}  // namespace

absl::StatusOr<bool> SetSavedHead(model::Model& model, HeadKind head,
                                  const std::vector<NamedTensor>& tensors) {
  at::NoGradGuard off;
  // A folder does not tell what its one result a row is; the model may know.
  if (ReadsRows(head) && ReadsRows(model.head())) head = model.head();
  std::map<std::string, at::Tensor> saved;
  for (const NamedTensor& t : tensors) saved[t.name] = t.tensor;
  // The number of classes is that of the last map's rows, whichever it is.
  for (const NamedTensor& t : tensors) {
    if (t.tensor.dim() != 2) continue;
    SFT_RETURN_IF_ERROR(model.SetHead(head, t.tensor.size(0), 0));
    std::vector<model::Parameter> own = model.HeadParameters();
    const bool fits =
        own.size() == saved.size() &&
        std::all_of(own.begin(), own.end(), [&](const model::Parameter& p) {
          const auto it = saved.find(p.name);
          return it != saved.end() && it->second.sizes() == p.tensor.sizes();
        });
    if (!fits) continue;
    for (model::Parameter& p : own) p.tensor.copy_(saved[p.name]);
    model.KeepHead();
    return true;
  }
  return false;
}

absl::Status AttachAdapter(model::Model& model, const std::string& folder) {
  if (IsOftFolder(folder)) return AttachOftFolder(model, folder);
  SFT_ASSIGN_OR_RETURN(Adapter adapter, ReadAdapterFolder(folder));
  return Attacher(model, std::move(adapter), folder).Attach();
}

}  // namespace sft::methods
