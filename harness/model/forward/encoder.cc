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
  auto take = [&](const std::string& name) {
    return std::move(weights.at(name));
  };
  auto take_norm = [&](const std::string& name, int64_t layer) {
    return NormWeights{name, layer, take(WeightName(name)),
                       take(BiasName(name))};
  };
  auto take_map = [&](std::string_view name) {
    return HeadMap{std::string(name), take(WeightName(name)),
                   take(BiasName(name))};
  };
  embedding_VD_ = take(WeightName(layout().embedding));
  positions_PD_ = take(WeightName(layout().positions));
  if (!layout().token_types.empty()) {
    types_SD_ = take(WeightName(layout().token_types));
  }
  embedding_norm_ = take_norm(std::string(layout().embedding_norm), -1);
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    for (const EncoderLayout::Map& map : layout().maps) {
      LinearSlot slot;
      slot.name = layout().LayerName(layer, map.name);
      slot.layer = layer;
      slot.role = map.role;
      at::Tensor weight_OI = take(WeightName(slot.name));
      slot.out_features = weight_OI.size(0);
      slot.in_features = weight_OI.size(1);
      slot.map = std::make_unique<DenseLinear>(
          std::move(weight_OI), take(BiasName(slot.name)), compute_);
      slots_.push_back(std::move(slot));
    }
    for (std::string_view norm :
         {layout().attention_norm, layout().feedforward_norm}) {
      norms_.push_back(take_norm(layout().LayerName(layer, norm), layer));
    }
    attention_.push_back(
        {layer, [](const at::Tensor& q, const at::Tensor& k,
                   const at::Tensor& v, const Batch& batch, double scale) {
           return kernels::DefaultAttention(q, k, v, batch, scale,
                                            {.causal = false});
         }});
  }
  if (c.pooler) {
    AddPooler(take(WeightName(layout().pooler)),
              take(BiasName(layout().pooler)));
  }
  if (const EncoderHead* head = layout().FindHead(c.head)) {
    if (!head->dense.empty() && head->dense != layout().pooler) {
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

void Encoder::AddPooler(at::Tensor weight_DD, at::Tensor bias_D) {
  LinearSlot slot;
  slot.name = std::string(layout().pooler);
  slot.role = Role::kPooler;
  slot.in_features = slot.out_features = config_.width;
  slot.map = std::make_unique<DenseLinear>(std::move(weight_DD),
                                           std::move(bias_D), compute_);
  slots_.push_back(std::move(slot));
}

Encoder::HeadMap Encoder::DrawnMap(std::string_view name, int64_t out,
                                   int64_t seed) const {
  HeadMap map;
  map.name = name;
  Rng rng(static_cast<uint64_t>(seed), Stream::kInit, WeightName(name));
  at::Tensor weight_OI = at::empty({out, config_.width}, at::kDouble);
  double* values = weight_OI.data_ptr<double>();
  for (int64_t i = 0; i < weight_OI.numel(); ++i) {
    values[i] = kInitialDeviation * rng.Normal();
  }
  map.weight_OI = weight_OI.to(embedding_VD_.options());
  map.bias_O = at::zeros({out}, embedding_VD_.options());
  return map;
}

absl::Status Encoder::SetHead(HeadKind head, int64_t classes, int64_t seed) {
  const EncoderHead* wanted = layout().FindHead(head);
  if (wanted == nullptr) {
    return absl::UnimplementedError(absl::StrCat(
        info_.name, ": an encoder predicts classes and spans, no next tokens"));
  }
  if (classes < 1 || classes > kMaxClasses ||
      (head == HeadKind::kSpan && classes != 2)) {
    return absl::InvalidArgumentError(absl::StrCat(
        info_.name, ": a head of ", classes, " classes, wanted ",
        head == HeadKind::kSpan ? "2" : absl::StrCat("1 to ", kMaxClasses)));
  }
  if (config_.head == head && out_.weight_OI.size(0) == classes) {
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
  // The map before the last is kept where only the number of classes changes.
  if (config_.head != head) {
    dense_ = HeadMap();
    const bool pools =
        !wanted->dense.empty() && wanted->dense == layout().pooler;
    if (Pooler() != nullptr && !pools) slots_.pop_back();
    if (!wanted->dense.empty() && !(pools && Pooler() != nullptr)) {
      dense_ = DrawnMap(wanted->dense, config_.width, seed);
    }
  }
  out_ = DrawnMap(wanted->out, classes, seed);
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
    out_ = DrawnMap(out_.name, std::ssize(names), seed);
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
  auto add_norm = [&](const NormWeights& norm) {
    out.push_back(
        {WeightName(norm.name), norm.layer, Role::kNorm, norm.weight_D});
    out.push_back({BiasName(norm.name), norm.layer, Role::kBias, norm.bias_D});
  };
  auto add_slot = [&](LinearSlot& slot) {
    auto* dense = dynamic_cast<DenseLinear*>(slot.map.get());
    if (dense == nullptr) return;
    out.push_back(
        {WeightName(slot.name), slot.layer, slot.role, dense->weight_OI()});
    out.push_back(
        {BiasName(slot.name), slot.layer, Role::kBias, dense->bias_O()});
  };
  out.push_back(
      {WeightName(layout().embedding), -1, Role::kEmbedding, embedding_VD_});
  out.push_back(
      {WeightName(layout().positions), -1, Role::kEmbedding, positions_PD_});
  if (types_SD_.defined()) {
    out.push_back(
        {WeightName(layout().token_types), -1, Role::kEmbedding, types_SD_});
  }
  add_norm(embedding_norm_);
  const size_t maps = layout().maps.size();
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    for (size_t m = 0; m < maps; ++m) add_slot(slots_[layer * maps + m]);
    for (size_t n = 0; n < 2; ++n) add_norm(norms_[layer * 2 + n]);
  }
  if (LinearSlot* pooler = Pooler()) add_slot(*pooler);
  return out;
}

std::vector<Parameter> Encoder::HeadParameters() {
  std::vector<Parameter> out;
  for (const HeadMap* map : {&dense_, &out_}) {
    if (map->name.empty()) continue;
    out.push_back({WeightName(map->name), -1, Role::kHead, map->weight_OI});
    out.push_back({BiasName(map->name), -1, Role::kBias, map->bias_O});
  }
  return out;
}

std::vector<Parameter> Encoder::Parameters() {
  std::vector<Parameter> out = BackboneParameters();
  for (Parameter& p : HeadParameters()) out.push_back(std::move(p));
  return out;
}

PassMatrices Encoder::Matrices() {
  PassMatrices out;
  for (const LinearSlot& slot : slots_) {
    std::vector<MatrixShape>& matrices =
        slot.role == Role::kPooler ? out.head : out.blocks;
    for (const MatrixShape& matrix : slot.map->Matrices()) {
      matrices.push_back(matrix);
    }
  }
  for (const HeadMap* map : {&dense_, &out_}) {
    if (map->name.empty()) continue;
    out.head.push_back({map->weight_OI.size(1), map->weight_OI.size(0),
                        map->weight_OI.requires_grad()});
  }
  out.head_reads_all = config_.head == HeadKind::kSpan;
  return out;
}

PassBytes Encoder::BytesOf(const PassSize& pass) {
  const int64_t master = embedding_VD_.element_size();
  const auto compute = static_cast<int64_t>(c10::elementSize(compute_));
  const int64_t block =
      pass.tokens * compute * (15 * config_.width + 4 * config_.ffn_width);
  PassBytes out;
  out.blocks =
      pass.activation_checkpointing
          ? block + config_.layers * pass.tokens * master * config_.width
          : config_.layers * block;
  const int64_t read =
      config_.head == HeadKind::kSpan ? pass.tokens : pass.targets;
  const int64_t classes = out_.name.empty() ? 0 : out_.weight_OI.size(0);
  out.head = 2 * read * classes * master;
  return out;
}

std::vector<NamedTensor> Encoder::DenseState() {
  std::map<std::string, at::Tensor> of_slots;
  for (const LinearSlot& slot : slots_) {
    of_slots[WeightName(slot.name)] = slot.map->DenseWeight();
    of_slots[BiasName(slot.name)] =
        FindTensor(*slot.map, "bias").detach().to(master_dtype());
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
    out.push_back({WeightName(dense_.name), dense_.weight_OI.detach()});
    out.push_back({BiasName(dense_.name), dense_.bias_O.detach()});
  }
  return out;
}

std::string Encoder::ConfigJson() const {
  return EncoderConfigToJson(
      config_, master_dtype() == at::kDouble ? "float64" : "float32");
}

}  // namespace sft::model
