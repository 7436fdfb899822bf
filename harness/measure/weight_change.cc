#include "harness/measure/weight_change.h"

#include <ATen/ATen.h>

#include <algorithm>
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

// Rows that are held in f64 at a time: an embedding is the largest tensor.
constexpr int64_t kRows = 1024;

struct Squares {
  double change = 0, base = 0;
};

// In f64, of some rows after others: their order is the sum's.
Squares SquaresOf(const model::DensePair& pair) {
  Squares sums;
  const at::Tensor base = at::atleast_1d(pair.base);
  const at::Tensor tuned = at::atleast_1d(pair.tuned);
  for (int64_t row = 0; row < base.size(0); row += kRows) {
    const int64_t n = std::min(kRows, base.size(0) - row);
    const at::Tensor before = base.narrow(0, row, n).to(at::kDouble);
    const at::Tensor change = tuned.narrow(0, row, n).to(at::kDouble) - before;
    sums.change += change.square().sum().item<double>();
    sums.base += before.square().sum().item<double>();
  }
  return sums;
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
        const Squares squares = SquaresOf(pair);
        RoleChange& role = roles[std::string(model::RoleName(pair.role))];
        RoleChange& all = roles["all"];
        for (RoleChange* one : {&role, &all}) {
          one->change += squares.change;
          one->base += squares.base;
        }
        if (!pair.is_map || squares.change == 0) return;
        const double rank = EffectiveRank(pair.tuned.to(at::kDouble) -
                                          pair.base.to(at::kDouble));
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
