#include "harness/model/forward/encoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/kernels/attention/attention.h"
#include "harness/model/ops/dense_linear.h"

namespace sft::model {
namespace {

constexpr double kInitialDeviation = 0.02;

}  // namespace

Encoder::Encoder(EncoderConfig config, ModelInfo info, at::ScalarType compute,
                 std::map<std::string, at::Tensor> weights)
    : config_(std::move(config)), info_(std::move(info)), compute_(compute) {
  const EncoderConfig& c = config_;
  info_.family = c.family;
  info_.layers = c.layers;
  info_.width = c.width;
  info_.heads = info_.kv_heads = c.heads;
  info_.head_width = c.head_width();
  info_.ffn_width = c.ffn_width;
  info_.vocabulary = c.vocabulary;
  info_.max_positions = c.max_positions();
  for (const ParameterShape& row : EncoderParameters(c)) {
    auto it = weights.find(row.name);
    TORCH_CHECK(it != weights.end(), "no tensor ", row.name);
    TORCH_CHECK(it->second.sizes() == row.shape, row.name, " has shape ",
                it->second.sizes());
  }
  const EncoderLayout& parts = layout();
  // Undefined where the layout has no such tensor.
  auto take = [&](std::string_view part, bool bias = false) {
    const auto it = weights.find(bias ? BiasName(part) : WeightName(part));
    return it == weights.end() ? at::Tensor() : std::move(it->second);
  };
  auto take_norm = [&](std::string_view name, int64_t layer) {
    return NormWeights{std::string(name), layer, take(name), take(name, true)};
  };
  auto take_map = [&](std::string_view name) {
    return HeadMap{std::string(name), take(name), take(name, true)};
  };
  embedding_VD_ = take(parts.embedding);
  positions_PD_ = take(parts.positions);
  types_SD_ = take(parts.token_types);
  embedding_norm_ = take_norm(parts.embedding_norm, -1);
  distances_SD_ = take(parts.distances);
  distances_norm_ = take_norm(parts.distances_norm, -1);
  final_norm_ = take_norm(parts.final_norm, -1);
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    for (const EncoderLayout::Map& map : parts.maps) {
      const std::string name = parts.LayerName(layer, map.name);
      AddSlot(name, layer, map.role, take(name), take(name, true));
    }
    norms_.push_back(
        parts.HasAttentionNorm(layer)
            ? take_norm(parts.LayerName(layer, parts.attention_norm), layer)
            : NormWeights());
    norms_.push_back(
        take_norm(parts.LayerName(layer, parts.feedforward_norm), layer));
    if (!parts.distances.empty()) continue;
    kernels::AttentionShape shape = {.causal = false};
    if (!c.windowed.empty() && c.windowed[static_cast<size_t>(layer)]) {
      shape.window = c.window + 1;
    }
    attention_.push_back(
        {layer, [shape](const at::Tensor& q, const at::Tensor& k,
                        const at::Tensor& v, const Batch& batch, double scale) {
           return kernels::DefaultAttention(q, k, v, batch, scale, shape);
         }});
  }
  if (c.projects()) {
    AddSlot(std::string(parts.projection), -1, Role::kProjection,
            take(parts.projection), take(parts.projection, true));
  }
  if (c.pooler) {
    AddSlot(std::string(parts.pooler), -1, Role::kPooler, take(parts.pooler),
            take(parts.pooler, true));
    pooler_norm_ = take_norm(parts.pooler_norm, -1);
  }
  if (const EncoderHead* head = parts.FindHead(c.head)) {
    if (!head->dense.empty() && head->dense != parts.pooler) {
      dense_ = take_map(head->dense);
    }
    out_ = take_map(head->out);
    own_head_ = true;
  }
  CountParameters();
}

LinearSlot* Encoder::Pooler() {
  return !slots_.empty() && slots_.back().role == Role::kPooler ? &slots_.back()
                                                                : nullptr;
}

void Encoder::AddSlot(std::string name, int64_t layer, Role role,
                      at::Tensor weight_OI, at::Tensor bias_O) {
  LinearSlot slot;
  slot.name = std::move(name);
  slot.layer = layer;
  slot.role = role;
  slot.out_features = weight_OI.size(0);
  slot.in_features = weight_OI.size(1);
  slot.map = std::make_unique<DenseLinear>(std::move(weight_OI),
                                           std::move(bias_O), compute_);
  slots_.push_back(std::move(slot));
}

Encoder::HeadMap Encoder::DrawnMap(std::string_view name, int64_t out,
                                   bool bias, int64_t seed) const {
  HeadMap map;
  map.name = name;
  Rng rng(static_cast<uint64_t>(seed), Stream::kInit, WeightName(name));
  at::Tensor weight_OI = at::empty({out, config_.width}, at::kDouble);
  double* values = weight_OI.data_ptr<double>();
  for (int64_t i = 0; i < weight_OI.numel(); ++i) {
    values[i] = kInitialDeviation * rng.Normal();
  }
  map.weight_OI = weight_OI.to(embedding_VD_.options());
  if (bias) map.bias_O = at::zeros({out}, embedding_VD_.options());
  return map;
}

absl::Status Encoder::SetHead(HeadKind head, int64_t classes, int64_t seed) {
  const EncoderHead* wanted = layout().FindHead(head);
  if (wanted == nullptr) {
    return absl::UnimplementedError(absl::StrCat(
        info_.name, ": an encoder predicts classes and spans, no next tokens"));
  }
  if (classes < 1 || classes > kMaxClasses ||
      (head == HeadKind::kSpan && classes != 2) ||
      (head == HeadKind::kValue && classes != 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        info_.name, ": a head of ", classes, " classes, wanted ",
        head == HeadKind::kSpan    ? "2"
        : head == HeadKind::kValue ? "1"
                                   : absl::StrCat("1 to ", kMaxClasses)));
  }
  const bool fits = config_.head == head ||
                    (keeps_head_ && ReadsRows(head) && ReadsRows(config_.head));
  if (fits && out_.weight_OI.size(0) == classes) {
    config_.head = head;
    return absl::OkStatus();
  }
  if (own_head_) {
    lost_head_ = absl::StrCat(
        "the checkpoint's own head (", absl::StrJoin(config_.labels, ", "),
        ") is ",
        config_.head == head ? absl::StrCat("of ", config_.labels.size(),
                                            " classes, the task's of ", classes)
                             : "of another kind than the task's",
        "; drawn anew");
    info_.notes.push_back(lost_head_);
  }
  // The maps before the last are kept where they are those of the new one.
  if (config_.head != head && !(ReadsRows(head) && ReadsRows(config_.head))) {
    const bool pools =
        !wanted->dense.empty() && wanted->dense == layout().pooler;
    const bool has_pooler = Pooler() != nullptr;
    if (!pools && has_pooler) slots_.pop_back();
    if (!pools || !has_pooler) pooler_norm_ = NormWeights();
    dense_ = HeadMap();
    if (!wanted->dense.empty() && !(pools && has_pooler)) {
      dense_ = DrawnMap(wanted->dense, config_.width,
                        !pools || layout().map_biases, seed);
    }
    if (pools && !has_pooler && !layout().pooler_norm.empty()) {
      pooler_norm_.name = layout().pooler_norm;
      pooler_norm_.weight_D =
          at::ones({config_.width}, embedding_VD_.options());
      if (layout().norm_biases) {
        pooler_norm_.bias_D = at::zeros_like(pooler_norm_.weight_D);
      }
    }
  }
  out_ = DrawnMap(wanted->out, classes, /*bias=*/true, seed);
  own_head_ = false;
  keeps_head_ = false;
  info_.head_drawn = true;
  config_.head = head;
  config_.pooler = Pooler() != nullptr;
  config_.labels.clear();
  for (int64_t i = 0; i < classes; ++i) {
    config_.labels.push_back(absl::StrCat("LABEL_", i));
  }
  CountParameters();
  return absl::OkStatus();
}

void Encoder::KeepHead() {
  keeps_head_ = true;
  info_.head_drawn = false;
  std::erase(info_.notes, lost_head_);
}

void Encoder::SetLabelNames(const std::vector<std::string>& names,
                            int64_t seed) {
  if (names.size() != config_.labels.size()) return;
  const std::vector<std::string> own = std::move(config_.labels);
  config_.labels = names;
  if (!own_head_ || own == names) return;
  own_head_ = false;  // from here on in the task's order
  const auto note = [&](const std::string& what) {
    info_.notes.push_back(absl::StrCat("the checkpoint's own head (",
                                       absl::StrJoin(own, ", "), ") ", what));
  };
  bool unnamed = true;
  for (size_t i = 0; i < own.size(); ++i) {
    unnamed = unnamed && own[i] == absl::StrCat("LABEL_", i);
  }
  if (unnamed) {
    note(absl::StrCat("names no class; taken by number as ",
                      absl::StrJoin(names, ", ")));
    return;
  }
  std::vector<int64_t> rows;
  for (const std::string& name : names) {
    const auto at =
        std::find_if(own.begin(), own.end(), [&](const std::string& other) {
          return absl::EqualsIgnoreCase(name, other);
        });
    if (at != own.end()) rows.push_back(at - own.begin());
  }
  if (std::set<int64_t>(rows.begin(), rows.end()).size() != names.size()) {
    if (keeps_head_) return;
    out_ = DrawnMap(out_.name, std::ssize(names), /*bias=*/true, seed);
    info_.head_drawn = true;
    note(absl::StrCat("is of other classes than the task's (",
                      absl::StrJoin(names, ", "), "); drawn anew"));
    return;
  }
  if (std::is_sorted(rows.begin(), rows.end())) return;
  if (!device().is_meta()) {  // an outline has no rows to put in order
    const at::Tensor order = at::tensor(rows, at::kLong).to(device());
    out_.weight_OI = out_.weight_OI.index_select(0, order);
    out_.bias_O = out_.bias_O.index_select(0, order);
  }
  info_.head_reordered = true;
  note(absl::StrCat("was put into the task's order: ",
                    absl::StrJoin(names, ", ")));
}

void Encoder::CountParameters() {
  info_.parameters = 0;
  for (const Parameter& p : Parameters()) info_.parameters += p.tensor.numel();
}

std::vector<Parameter> Encoder::BackboneParameters() {
  std::vector<Parameter> out;
  auto add = [&](std::string name, int64_t layer, Role role,
                 const at::Tensor& tensor) {
    if (tensor.defined()) out.push_back({std::move(name), layer, role, tensor});
  };
  auto add_table = [&](std::string_view name, const at::Tensor& table) {
    add(WeightName(name), -1, Role::kEmbedding, table);
  };
  auto add_norm = [&](const NormWeights& norm) {
    add(WeightName(norm.name), norm.layer, Role::kNorm, norm.weight_D);
    add(BiasName(norm.name), norm.layer, Role::kBias, norm.bias_D);
  };
  auto add_slot = [&](LinearSlot& slot) {
    auto* dense = dynamic_cast<DenseLinear*>(slot.map.get());
    if (dense == nullptr) return;
    add(WeightName(slot.name), slot.layer, slot.role, dense->weight_OI());
    add(BiasName(slot.name), slot.layer, Role::kBias, dense->bias_O());
  };
  add_table(layout().embedding, embedding_VD_);
  add_table(layout().positions, positions_PD_);
  add_table(layout().token_types, types_SD_);
  add_norm(embedding_norm_);
  const size_t maps = layout().maps.size();
  if (config_.projects()) add_slot(slots_[config_.layers * maps]);
  add_table(layout().distances, distances_SD_);
  add_norm(distances_norm_);
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    for (size_t m = 0; m < maps; ++m) add_slot(slots_[layer * maps + m]);
    for (size_t n = 0; n < 2; ++n) add_norm(norms_[layer * 2 + n]);
  }
  add_norm(final_norm_);
  if (LinearSlot* pooler = Pooler()) {
    add_slot(*pooler);
    add_norm(pooler_norm_);
  }
  return out;
}

std::vector<Parameter> Encoder::HeadParameters() {
  std::vector<Parameter> out;
  auto add = [&](std::string name, Role role, const at::Tensor& tensor) {
    if (tensor.defined()) out.push_back({std::move(name), -1, role, tensor});
  };
  auto add_map = [&](const HeadMap& map) {
    add(WeightName(map.name), Role::kHead, map.weight_OI);
    add(BiasName(map.name), Role::kBias, map.bias_O);
  };
  add_map(dense_);
  if (Pooler() == nullptr) {
    add(WeightName(pooler_norm_.name), Role::kNorm, pooler_norm_.weight_D);
    add(BiasName(pooler_norm_.name), Role::kBias, pooler_norm_.bias_D);
  }
  add_map(out_);
  return out;
}

std::vector<Parameter> Encoder::Parameters() {
  std::vector<Parameter> out = BackboneParameters();
  for (Parameter& p : HeadParameters()) out.push_back(std::move(p));
  return out;
}

PassMatrices Encoder::Matrices() {
  PassMatrices out;
  const int64_t rows = config_.distance_rows();
  for (const LinearSlot& slot : slots_) {
    // Keys and queries of distances are of the same maps.
    const bool reads_table =
        rows > 0 && (slot.role == Role::kQuery || slot.role == Role::kKey);
    for (const MatrixShape& matrix : slot.map->Matrices()) {
      (slot.role == Role::kPooler ? out.head : out.blocks).push_back(matrix);
      if (reads_table) out.table.push_back(matrix);
    }
    // And each is multiplied by all of them, which both have a gradient.
    if (reads_table) out.blocks.push_back({config_.width, rows, true});
  }
  out.table_rows = rows;
  for (const HeadMap* map : {&dense_, &out_}) {
    if (map->name.empty()) continue;
    out.head.push_back({map->weight_OI.size(1), map->weight_OI.size(0),
                        map->weight_OI.requires_grad()});
  }
  out.head_reads_all = config_.head == HeadKind::kSpan;
  return out;
}

PassBytes Encoder::BytesOf(const PassSize& pass) {
  const EncoderConfig& c = config_;
  const int64_t D = c.width, F = c.ffn_width, T = pass.tokens;
  const int64_t master = embedding_VD_.element_size();
  const auto compute = static_cast<int64_t>(c10::elementSize(compute_));
  // What is read by the two branches, queries, keys, values, what they saw;
  // what an activation reads and gives; the norms' inputs.
  const bool gated = layout().MapIndex(Role::kGateUp) >= 0;
  const int64_t activated = gated                               ? 4
                            : c.activation == Activation::kRelu ? 1
                                                                : 2;
  const int64_t block =
      T * (compute * (6 * D + activated * F) + master * 2 * D);
  PassBytes out;
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    int64_t bytes = block;
    // Under a mask the fused map's whole result, what is seen twice, the mask.
    const bool masked = !c.windowed.empty() && c.windowed[layer] &&
                        pass.attention_pairs > T * (c.window + 1);
    if (masked) bytes += T * compute * 3 * D + pass.attention_pairs * master;
    // Where scores are made in the master dtype, queries, keys and values are.
    if (masked || c.distance_rows() > 0) {
      bytes += T * (master - compute) * 3 * D;
    }
    if (c.distance_rows() > 0) {
      // Probabilities; the table, its keys and its queries.
      bytes += c.heads * pass.attention_pairs * master +
               c.distance_rows() * D * (compute + 2 * master);
    }
    out.blocks = pass.activation_checkpointing ? std::max(out.blocks, bytes)
                                               : out.blocks + bytes;
  }
  if (pass.activation_checkpointing) out.blocks += c.layers * T * master * D;
  // Norms and map around the blocks.
  out.blocks += T * master * c.embedding_width;
  if (c.projects()) out.blocks += T * compute * c.embedding_width;
  if (final_norm_.weight_D.defined()) out.blocks += T * master * D;
  const EncoderHead* head = layout().FindHead(c.head);
  if (head == nullptr) return out;
  const int64_t read = c.head == HeadKind::kSpan ? T : pass.targets;
  out.head = read * (2 * out_.weight_OI.size(0) * master +
                     (head->dense.empty() ? 1 : 3) * D * compute);
  return out;
}

std::vector<NamedTensor> Encoder::DenseState() {
  std::map<std::string, at::Tensor> of_slots;
  for (const LinearSlot& slot : slots_) {
    of_slots[WeightName(slot.name)] = slot.map->DenseWeight();
    const at::Tensor bias = FindTensor(*slot.map, "bias");
    if (!bias.defined()) continue;
    of_slots[BiasName(slot.name)] = bias.detach().to(master_dtype());
  }
  std::map<std::string, at::Tensor> dense;
  for (const Parameter& p : Parameters()) dense[p.name] = p.tensor.detach();
  std::vector<NamedTensor> out;
  for (const ParameterShape& row : EncoderParameters(config_)) {
    auto slot = of_slots.find(row.name);
    out.push_back(
        {row.name, slot != of_slots.end() ? slot->second : dense.at(row.name)});
  }
  // A drawn pooler is the head's, and no row of the configuration's.
  if (!dense_.name.empty() && dense_.name == layout().pooler) {
    for (const std::string_view part :
         {layout().pooler, layout().pooler_norm}) {
      for (const std::string& name : {WeightName(part), BiasName(part)}) {
        const auto drawn = dense.find(name);
        if (drawn != dense.end()) out.push_back({name, drawn->second});
      }
    }
  }
  return out;
}

std::string Encoder::ConfigJson() const {
  return EncoderConfigToJson(
      config_, master_dtype() == at::kDouble ? "float64" : "float32");
}

}  // namespace sft::model
