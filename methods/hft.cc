#include "methods/hft.h"

#include <ATen/ATen.h>

#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/core/digest.h"

namespace sft::methods {
namespace {

constexpr char kMaskName[] = "hft.mask";

// Places in the list of parameters, by layer.
using ByLayer = std::map<int64_t, std::vector<size_t>>;

bool Eligible(const model::Parameter& p) {
  return p.layer >= 0 && p.role != model::Role::kBias;
}

ByLayer OfRoles(const std::vector<model::Parameter>& parameters,
                const std::vector<model::Role>& roles) {
  ByLayer out;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!Eligible(parameters[i])) continue;
    for (model::Role role : roles) {
      if (parameters[i].role == role) out[parameters[i].layer].push_back(i);
    }
  }
  return out;
}

// floor(share * n), safe against 0.3 * 10 = 2.999...
int64_t Floor(double share, int64_t n) {
  return static_cast<int64_t>(
      std::floor(share * static_cast<double>(n) + 1e-9));
}

// Freezes floor(share * all) tensors of one category, as evenly over the
// layers as it goes; which layers freeze one more, and which tensors of a
// layer, is drawn.
void FreezeCategory(const ByLayer& category, double share, Rng& rng,
                    std::vector<uint8_t>& mask) {
  if (category.empty()) return;
  int64_t tensors = 0;
  std::vector<int64_t> layers;
  for (const auto& [layer, members] : category) {
    layers.push_back(layer);
    tensors += static_cast<int64_t>(members.size());
  }
  const int64_t frozen = Floor(share, tensors);
  const int64_t count = static_cast<int64_t>(layers.size());
  rng.Shuffle(layers);
  std::map<int64_t, int64_t> per_layer;
  for (int64_t i = 0; i < count; ++i) {
    per_layer[layers[i]] = frozen / count + (i < frozen % count ? 1 : 0);
  }
  for (const auto& [layer, members] : category) {
    std::vector<size_t> order = members;
    rng.Shuffle(order);
    const size_t n = std::min(order.size(), size_t(per_layer[layer]));
    for (size_t i = 0; i < n; ++i) mask[order[i]] = 0;
  }
}

void FreezeLayers(const std::vector<model::Parameter>& parameters, double share,
                  Rng& rng, std::vector<uint8_t>& mask) {
  ByLayer by_layer;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (Eligible(parameters[i])) by_layer[parameters[i].layer].push_back(i);
  }
  std::vector<int64_t> layers;
  for (const auto& [layer, members] : by_layer) layers.push_back(layer);
  rng.Shuffle(layers);
  const int64_t frozen = Floor(share, static_cast<int64_t>(layers.size()));
  for (int64_t i = 0; i < frozen; ++i) {
    for (size_t member : by_layer[layers[i]]) mask[member] = 0;
  }
}

// Freezes tensors in random order until the frozen share of the layers'
// weights is as near to `share` as one more tensor can bring it.
void FreezeTensors(const std::vector<model::Parameter>& parameters,
                   double share, Rng& rng, std::vector<uint8_t>& mask) {
  std::vector<size_t> order;
  double all = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!Eligible(parameters[i])) continue;
    order.push_back(i);
    all += static_cast<double>(parameters[i].tensor.numel());
  }
  rng.Shuffle(order);
  double frozen = 0;
  for (size_t i : order) {
    const double more =
        frozen + static_cast<double>(parameters[i].tensor.numel());
    if (std::abs(more - share * all) >= std::abs(frozen - share * all)) break;
    frozen = more;
    mask[i] = 0;
  }
}

}  // namespace

std::vector<uint8_t> DrawHftMask(
    const std::vector<model::Parameter>& parameters, const HftOptions& options,
    Rng& rng) {
  std::vector<uint8_t> mask(parameters.size(), 1);
  const double share = 1 - options.trainable_ratio;
  if (options.granularity == "layer") {
    FreezeLayers(parameters, share, rng, mask);
    return mask;
  }
  if (options.granularity == "model") {
    FreezeTensors(parameters, share, rng, mask);
    return mask;
  }
  std::vector<std::vector<model::Role>> categories = {
      {model::Role::kQuery, model::Role::kKey, model::Role::kValue,
       model::Role::kOutput}};
  if (options.balanced) {
    categories = {{model::Role::kQuery, model::Role::kOutput},
                  {model::Role::kKey, model::Role::kValue}};
  }
  categories.push_back({model::Role::kQkv});
  categories.push_back(
      {model::Role::kUp, model::Role::kDown, model::Role::kGate});
  categories.push_back({model::Role::kGateUp});
  categories.push_back({model::Role::kNorm});
  for (const auto& roles : categories) {
    FreezeCategory(OfRoles(parameters, roles), share, rng, mask);
  }
  return mask;
}

HftMethod::HftMethod(HftOptions options, int64_t seed)
    : options_(std::move(options)), seed_(seed) {}

absl::Status HftMethod::Attach(model::Model& model) {
  model_ = &model;
  return BeginRound(0);
}

absl::Status HftMethod::BeginRound(int64_t round) {
  round_ = round;
  Rng rng(static_cast<uint64_t>(seed_), Stream::kMethod,
          absl::StrCat("hft.round.", round));
  mask_ = DrawHftMask(model_->Parameters(), options_, rng);
  Apply();
  return absl::OkStatus();
}

void HftMethod::Apply() {
  std::vector<model::Parameter> parameters = model_->Parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    at::Tensor& tensor = parameters[i].tensor;
    tensor.requires_grad_(mask_[i] != 0);
    if (mask_[i] == 0) tensor.mutable_grad().reset();
  }
  const std::string prefix = absl::StrCat("hft.round", round_, ".");
  rounds_.numbers[prefix + "realised_share"] = TrainedShare();
  rounds_.texts[prefix + "mask_sha256"] = MaskDigest();
  rounds_.texts[prefix + "frozen"] = FrozenList();
}

std::vector<train::TrainableParameter> HftMethod::TrainableParameters() {
  std::vector<train::TrainableParameter> out;
  std::vector<model::Parameter> parameters = model_->Parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (mask_[i] != 0)
      out.push_back({parameters[i].name, parameters[i].tensor});
  }
  return out;
}

std::vector<NamedTensor> HftMethod::SaveState() {
  at::Tensor mask = at::empty({static_cast<int64_t>(mask_.size())}, at::kByte);
  std::copy(mask_.begin(), mask_.end(), mask.data_ptr<uint8_t>());
  return {{kMaskName, mask}};
}

absl::Status HftMethod::LoadState(const std::vector<NamedTensor>& state) {
  for (const NamedTensor& t : state) {
    if (t.name != kMaskName) continue;
    if (t.tensor.scalar_type() != at::kByte ||
        t.tensor.numel() != static_cast<int64_t>(mask_.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat(kMaskName, ": wanted ", mask_.size(), " bytes, got ",
                       t.tensor.numel()));
    }
    const at::Tensor mask = t.tensor.cpu().contiguous();
    const uint8_t* bytes = mask.const_data_ptr<uint8_t>();
    mask_.assign(bytes, bytes + mask.numel());
    Apply();
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat(kMaskName, " is not in the state"));
}

double HftMethod::TrainedShare() {
  int64_t trained = 0, all = 0;
  std::vector<model::Parameter> parameters = model_->Parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const int64_t numel = parameters[i].tensor.numel();
    all += numel;
    if (mask_[i] != 0) trained += numel;
  }
  return static_cast<double>(trained) / static_cast<double>(all);
}

std::string HftMethod::MaskDigest() {
  Sha256 digest;
  std::vector<model::Parameter> parameters = model_->Parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (mask_[i] != 0) digest.UpdateField(parameters[i].name);
  }
  return digest.Hex();
}

// "0: self_attn.q_proj.weight mlp.up_proj.weight", a line a layer.
std::string HftMethod::FrozenList() {
  std::map<int64_t, std::string> lines;
  std::vector<model::Parameter> parameters = model_->Parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const model::Parameter& p = parameters[i];
    if (mask_[i] != 0) continue;
    const std::string layer = absl::StrCat(".", p.layer, ".");
    const size_t at = p.name.find(layer);
    absl::StrAppend(
        &lines[p.layer], " ",
        at == std::string::npos ? p.name : p.name.substr(at + layer.size()));
  }
  std::string list;
  for (const auto& [layer, names] : lines) {
    absl::StrAppend(&list, layer, ":", names, "\n");
  }
  return list;
}

train::MethodReport HftMethod::Report() {
  train::MethodReport report = rounds_;
  int64_t trained = 0;
  for (const train::TrainableParameter& p : TrainableParameters()) {
    trained += p.tensor.numel();
  }
  report.numbers["trainable_parameters"] = static_cast<double>(trained);
  report.numbers["total_parameters"] =
      static_cast<double>(model_->info().parameters);
  report.numbers["hft.realised_share"] = TrainedShare();
  report.numbers["hft.round"] = static_cast<double>(round_);
  report.texts["hft.mask_sha256"] = MaskDigest();
  return report;
}

}  // namespace sft::methods
