#include "harness/measure/flops.h"

namespace sft::measure {
namespace {

double Product(int64_t tokens, const LinearShape& map) {
  return 2.0 * static_cast<double>(tokens) *
         static_cast<double>(map.in_features) *
         static_cast<double>(map.out_features);
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

FlopModel MakeFlopModel(model::Model& model,
                        const std::set<std::string>& trained,
                        bool activation_checkpointing) {
  const model::ModelInfo& info = model.info();
  FlopModel flops;
  flops.heads = info.heads;
  flops.head_width = info.head_width;
  flops.layers = info.layers;
  flops.activation_checkpointing = activation_checkpointing;
  for (const model::LinearSlot& slot : model.linear_slots()) {
    if (slot.role == model::Role::kHead) continue;
    // A pooler reads what a head reads: one token a sequence.
    std::vector<LinearShape>& maps =
        slot.role == model::Role::kPooler ? flops.head : flops.linears;
    maps.push_back({slot.in_features, slot.out_features,
                    trained.count(slot.name + ".weight") > 0});
    for (const NamedTensor& t : slot.map->Tensors()) {
      const bool factor = t.tensor.defined() && t.tensor.dim() == 2 &&
                          t.tensor.is_floating_point() &&
                          t.tensor.requires_grad() && t.name != "weight" &&
                          !EndsWith(t.name, "base_layer.weight");
      if (factor) {
        maps.push_back({t.tensor.size(1), t.tensor.size(0), true});
      }
    }
  }
  if (model.is_encoder()) {
    flops.head_reads_all = model.head() == HeadKind::kSpan;
    for (const model::Parameter& p : model.HeadParameters()) {
      if (p.tensor.dim() != 2) continue;
      flops.head.push_back(
          {p.tensor.size(1), p.tensor.size(0), trained.count(p.name) > 0});
    }
    return flops;
  }
  const char* head =
      info.tied_head ? "model.embed_tokens.weight" : "lm_head.weight";
  flops.head.push_back({info.width, info.vocabulary, trained.count(head) > 0});
  return flops;
}

StepWork WorkOf(const Batch& batch) {
  StepWork work;
  work.computed_tokens = batch.slots();
  work.target_tokens = batch.target_tokens;
  // Only encoders have batches for other heads.
  const bool causal = batch.head == HeadKind::kNextToken;
  auto pairs = [causal](int64_t length) {
    return causal ? length * (length + 1) / 2 : length * length;
  };
  if (batch.cu_seqlens.defined()) {
    for (int64_t length : batch.lengths) work.attention_pairs += pairs(length);
  } else {
    work.attention_pairs =
        batch.input_ids_BT.size(0) * pairs(batch.input_ids_BT.size(1));
  }
  return work;
}

StepWork operator+(const StepWork& a, const StepWork& b) {
  return {a.computed_tokens + b.computed_tokens,
          a.target_tokens + b.target_tokens,
          a.attention_pairs + b.attention_pairs};
}

Flops StepFlops(const FlopModel& model, const StepWork& work) {
  Flops flops;
  for (const LinearShape& map : model.linears) {
    const double product = Product(work.computed_tokens, map);
    flops.forward += product;
    flops.backward_inputs += product;
    if (map.trains) flops.backward_weights += product;
  }
  const double attention = 4.0 * static_cast<double>(model.layers) *
                           static_cast<double>(model.heads) *
                           static_cast<double>(model.head_width) *
                           static_cast<double>(work.attention_pairs);
  flops.forward += attention;
  // Two products forward, each with two inputs that need a gradient.
  flops.backward_inputs += 2 * attention;
  if (model.activation_checkpointing) flops.recomputed = flops.forward;
  const int64_t read =
      model.head_reads_all ? work.computed_tokens : work.target_tokens;
  for (const LinearShape& map : model.head) {
    const double product = Product(read, map);
    flops.forward += product;
    flops.backward_inputs += product;
    if (map.trains) flops.backward_weights += product;
  }
  return flops;
}

}  // namespace sft::measure
