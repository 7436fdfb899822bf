#include "harness/measure/weight_change.h"

#include <ATen/ATen.h>

#include <cmath>

#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/model/dense_pairs.h"

namespace sft::measure {
namespace {

struct RoleChange {
  double change = 0, base = 0;  // sums of squares
  double ranks = 0;
  int64_t maps = 0;  // that moved
};

double SquareSum(const at::Tensor& values) {
  return values.square().sum().item<double>();
}

}  // namespace

double EffectiveRank(const at::Tensor& change_OI) {
  // Singular values from the smaller of D D' and D' D.
  const at::Tensor d = change_OI.to(at::kDouble).cpu();
  const at::Tensor gram =
      d.size(0) <= d.size(1) ? at::mm(d, d.t()) : at::mm(d.t(), d);
  const at::Tensor values =
      at::linalg_eigvalsh(gram).clamp_min(0).sqrt().contiguous();
  const double total = values.sum().item<double>();
  if (total <= 0) return 0;
  double entropy = 0;
  const double* value = values.const_data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    const double share = value[i] / total;
    if (share > 0) entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

absl::StatusOr<std::map<std::string, double>> WeightChange(
    model::Model& base, model::Model& tuned) {
  std::map<std::string, RoleChange> roles;
  SFT_RETURN_IF_ERROR(
      model::ForEachDensePair(base, tuned, [&](const model::DensePair& pair) {
        StopPoint();
        const at::Tensor before = pair.base.to(at::kDouble);
        const at::Tensor change = pair.tuned.to(at::kDouble) - before;
        const double squares = SquareSum(change);
        RoleChange& role = roles[std::string(model::RoleName(pair.role))];
        RoleChange& all = roles["all"];
        for (RoleChange* one : {&role, &all}) {
          one->change += squares;
          one->base += SquareSum(before);
        }
        if (!pair.is_map || squares == 0) return;
        const double rank = EffectiveRank(change);
        for (RoleChange* one : {&role, &all}) {
          one->ranks += rank;
          ++one->maps;
        }
      }));
  std::map<std::string, double> facts;
  for (const auto& [name, role] : roles) {
    const std::string prefix = absl::StrCat("distance.", name, ".");
    facts[prefix + "change_norm"] = std::sqrt(role.change);
    if (role.base > 0) {
      facts[prefix + "relative_change_norm"] =
          std::sqrt(role.change / role.base);
    }
    if (role.maps > 0) {
      facts[prefix + "effective_rank"] =
          role.ranks / static_cast<double>(role.maps);
    }
  }
  return facts;
}

}  // namespace sft::measure
