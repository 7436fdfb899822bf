#include "harness/spec/baselines.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_join.h"
#include "harness/core/status.h"

namespace sft::spec {
namespace {

// ValueNumbers of some axes, by their numbers.
using ValueNumbers = std::vector<uint32_t>;

// The plan's runs by what varies between them, for they may be very many: a
// number for each value of an axis, 0 where a run has no such field.
class AxisValues {
 public:
  explicit AxisValues(const RunPlan& plan) {
    const std::vector<std::string>& names = plan.axis_names;
    texts_.assign(names.size(), std::vector<std::string>(1));
    std::vector<absl::flat_hash_map<absl::string_view, uint32_t>> known(
        names.size());
    values_.reserve(plan.runs.size() * names.size());
    for (const PlannedRun& run : plan.runs) {
      for (size_t a = 0; a < names.size(); ++a) {
        const auto it = run.axes.find(names[a]);
        if (it == run.axes.end()) {
          values_.push_back(0);
          continue;
        }
        const auto [number, is_new] = known[a].emplace(
            it->second, static_cast<uint32_t>(texts_[a].size()));
        if (is_new) texts_[a].push_back(it->second);
        values_.push_back(number->second);
      }
    }
  }

  uint32_t Of(size_t run, size_t axis) const {
    return values_[run * texts_.size() + axis];
  }
  ValueNumbers Of(size_t run, const std::vector<size_t>& axes) const {
    ValueNumbers values;
    values.reserve(axes.size());
    for (const size_t axis : axes) values.push_back(Of(run, axis));
    return values;
  }
  const std::string& Text(size_t run, size_t axis) const {
    return texts_[axis][Of(run, axis)];
  }

 private:
  std::vector<std::vector<std::string>> texts_;
  std::vector<uint32_t> values_;
};

class BaselinePairing {
 public:
  BaselinePairing(const ExperimentSpec& spec, const RunPlan& plan)
      : spec_(spec), plan_(plan), values_(plan) {
    ChooseAxes();
    is_baseline_.reserve(plan.runs.size());
    for (size_t i = 0; i < plan.runs.size(); ++i) {
      is_baseline_.push_back(IsBaseline(i));
      if (!is_baseline_.back()) continue;
      Candidates& candidates = candidates_[values_.Of(i, required_)];
      candidates.runs.push_back(i);
      candidates.held.resize(preferred_.size());
      for (size_t p = 0; p < preferred_.size(); ++p) {
        candidates.held[p].insert(values_.Of(i, preferred_[p]));
      }
    }
  }

  // The run that it is compared with, nullopt if there is none.
  std::optional<size_t> For(size_t run) {
    const std::vector<size_t>& fitting = Fitting(run);
    if (fitting.empty()) return std::nullopt;
    return fitting.front();
  }

  absl::Status Check() {
    if (candidates_.empty()) {
      return Refusal(absl::StrCat(
          "fits no cell",
          plan_.rejected.empty() ? " of this spec" : " that can be run",
          "; wanted values that a cell of grid, cases or set has",
          plan_.rejected.empty() ? ""
                                 : absl::StrCat("; the first that cannot: ",
                                                plan_.rejected[0].reason)));
    }
    if (spec_.baseline.count("seed") != 0) {
      return Refusal(
          "names a seed, and runs are paired seed by seed: leave it "
          "out");
    }
    std::vector<size_t> without_seed;
    for (size_t a = 0; a < plan_.axis_names.size(); ++a) {
      if (plan_.axis_names[a] != "seed") without_seed.push_back(a);
    }
    struct Other {
      bool has_one = false;  // for any seed
      size_t example = 0;
    };
    absl::flat_hash_set<ValueNumbers> cells;
    std::map<ValueNumbers, Other> others;  // cells that are no baseline
    for (size_t i = 0; i < plan_.runs.size(); ++i) {
      if (IsUntuned(i)) continue;
      const ValueNumbers cell = values_.Of(i, without_seed);
      cells.insert(cell);
      if (is_baseline_[i]) continue;
      Other& other = others.try_emplace(cell, Other{false, i}).first->second;
      const std::vector<size_t>& fitting = Fitting(i);
      other.has_one = other.has_one || !fitting.empty();
      if (!IsOne(fitting)) {
        return Refusal(absl::StrCat(
            "fits ", fitting.size(), " cells for ", Named(i),
            ", which differ "
            "in ",
            Differing(fitting),
            "; add such a value to baseline:, or "
            "select: {by: validation_loss, per: [method, batching]}"));
      }
    }
    if (!plan_.rejected.empty()) return absl::OkStatus();
    if (cells.size() > 1 && others.empty()) {
      return Refusal(absl::StrCat("fits all ", cells.size(),
                                  " cells, so that none is compared; name a "
                                  "value that tells one apart"));
    }
    for (const auto& [cell, other] : others) {
      if (other.has_one) continue;
      std::vector<std::string> names;
      for (const size_t axis : required_) {
        names.push_back(plan_.axis_names[axis]);
      }
      return Refusal(absl::StrCat(
          "fits no cell that ", Named(other.example),
          " can be compared with: wanted one with the same ",
          absl::StrJoin(names, ", "),
          "; name what may differ under baseline:, or add the cell"));
    }
    return absl::OkStatus();
  }

 private:
  // Baselines that are equal in what must be equal.
  struct Candidates {
    std::vector<size_t> runs;
    // Of each preferred axis, the values that any of them has.
    std::vector<absl::flat_hash_set<uint32_t>> held;
    // Those that fit best, by the values that a run prefers.
    absl::flat_hash_map<ValueNumbers, std::vector<size_t>> fitting;
  };
  // Preferred, and no candidate has it: such values are all alike.
  static constexpr uint32_t kHeldByNone = UINT32_MAX;

  bool IsUntuned(size_t run) const {
    return plan_.runs[run].config.method == kUntuned;
  }

  // Axes of a case, and options, hold other values for other methods: equal
  // ones are only preferred. All other axes must be equal.
  void ChooseAxes() {
    std::set<std::string> conditional;
    for (const SpecCase& one : spec_.cases) {
      for (const SpecAxis& axis : one.grid) conditional.insert(axis.name);
      for (const auto& [name, value] : one.set) conditional.insert(name);
    }
    const std::map<std::string, std::string> own = PrintFields(RunConfig());
    std::vector<size_t> paired;
    for (size_t a = 0; a < plan_.axis_names.size(); ++a) {
      const std::string& name = plan_.axis_names[a];
      if (spec_.baseline.count(name) != 0) continue;
      if (conditional.count(name) == 0 && own.count(name) != 0) {
        required_.push_back(a);
      } else if (name == "seed" || name == "batching") {
        paired.push_back(a);  // even where a case sets them
      } else {
        preferred_.push_back(a);
      }
    }
    required_.insert(required_.end(), paired.begin(), paired.end());
  }

  bool IsBaseline(size_t run) {
    if (IsUntuned(run)) return false;
    const PlannedRun& one = plan_.runs[run];
    for (const auto& [name, value] : spec_.baseline) {
      const auto axis = one.axes.find(name);
      if (axis != one.axes.end() && axis->second != value) return false;
    }
    // Of what does not vary, cells of the same methods have the same.
    const auto [same, is_new] = has_constants_.try_emplace(
        std::pair{one.config.method, one.config.batching}, true);
    if (is_new) {
      const std::map<std::string, std::string> fields =
          ConfigFields(one.config);
      for (const auto& [name, value] : spec_.baseline) {
        if (one.axes.count(name) != 0) continue;
        const auto field = fields.find(name);
        if (field == fields.end() || field->second != value) {
          same->second = false;
        }
      }
    }
    return same->second;
  }

  // The candidates that fit a run equally well, none of a baseline itself.
  const std::vector<size_t>& Fitting(size_t run) {
    static const auto& none = *new std::vector<size_t>();
    if (is_baseline_[run] || IsUntuned(run)) return none;
    const auto it = candidates_.find(values_.Of(run, required_));
    if (it == candidates_.end()) return none;
    Candidates& candidates = it->second;
    ValueNumbers wanted = values_.Of(run, preferred_);
    for (size_t p = 0; p < wanted.size(); ++p) {
      if (!candidates.held[p].contains(wanted[p])) wanted[p] = kHeldByNone;
    }
    const auto [known, is_new] = candidates.fitting.try_emplace(wanted);
    if (!is_new) return known->second;
    int best = -1;
    for (const size_t candidate : candidates.runs) {
      int equal = 0;
      for (size_t p = 0; p < wanted.size(); ++p) {
        equal += values_.Of(candidate, preferred_[p]) == wanted[p];
      }
      if (equal > best) known->second.clear();
      best = std::max(best, equal);
      if (equal == best) known->second.push_back(candidate);
    }
    return known->second;
  }

  bool IsOne(const std::vector<size_t>& fitting) const {
    if (fitting.size() < 2) return true;
    if (spec_.select_by.empty()) return false;
    for (size_t a = 0; a < plan_.axis_names.size(); ++a) {
      const auto& per = spec_.select_per;
      if (std::find(per.begin(), per.end(), plan_.axis_names[a]) == per.end()) {
        continue;
      }
      for (const size_t run : fitting) {
        if (values_.Of(run, a) != values_.Of(fitting[0], a)) return false;
      }
    }
    return true;
  }

  // "method = lora, batching = packed".
  std::string Named(size_t run) const {
    std::string name;
    for (const auto& [axis, value] : plan_.runs[run].axes) {
      if (axis == "seed") continue;
      absl::StrAppend(&name, name.empty() ? "" : ", ", axis, " = ", value);
    }
    return name;
  }

  // "learning_rate (1e-05, 3e-05)".
  std::string Differing(const std::vector<size_t>& fitting) const {
    std::string text;
    for (const size_t axis : preferred_) {
      std::set<std::string> values;
      for (const size_t run : fitting) values.insert(values_.Text(run, axis));
      if (values.size() < 2) continue;
      absl::StrAppend(&text, text.empty() ? "" : ", ", plan_.axis_names[axis],
                      " (", absl::StrJoin(values, ", "), ")");
    }
    return text;
  }

  absl::Status Refusal(const std::string& why) const {
    std::string written;
    for (const auto& [name, value] : spec_.baseline) {
      absl::StrAppend(&written, written.empty() ? "" : ", ", name, ": ", value);
    }
    return InputError(WhereInSpec(spec_, "baseline"),
                      absl::StrCat("baseline: {", written, "} ", why));
  }

  const ExperimentSpec& spec_;
  const RunPlan& plan_;
  const AxisValues values_;
  std::vector<size_t> required_, preferred_;  // axes
  std::vector<bool> is_baseline_;             // of each run
  std::map<std::pair<std::string, std::string>, bool> has_constants_;
  absl::flat_hash_map<ValueNumbers, Candidates>
      candidates_;  // by required values
};

}  // namespace

absl::Status PairWithBaselines(const ExperimentSpec& spec, RunPlan& plan) {
  if (spec.baseline.empty()) return absl::OkStatus();
  BaselinePairing pairing(spec, plan);
  SFT_RETURN_IF_ERROR(pairing.Check());
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    const std::optional<size_t> baseline = pairing.For(i);
    if (baseline) plan.runs[i].baseline_id = plan.runs[*baseline].run_id;
  }
  return absl::OkStatus();
}

}  // namespace sft::spec
