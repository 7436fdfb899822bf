#include "harness/spec/baselines.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"

namespace sft::spec {

BaselineFinder::BaselineFinder(const ExperimentSpec& spec, const RunPlan& plan)
    : spec_(spec), plan_(plan) {
  // Axes of a case, and options, hold other values for other methods: equal
  // ones are only preferred. All other axes must be equal.
  std::set<std::string> conditional;
  for (const SpecCase& one : spec.cases) {
    for (const SpecAxis& axis : one.grid) conditional.insert(axis.name);
    for (const auto& [name, value] : one.set) conditional.insert(name);
  }
  const Fields own = PrintFields(RunConfig());
  for (const std::string& name : plan.axis_names) {
    if (spec.baseline.count(name) != 0) continue;
    const bool must = conditional.count(name) == 0 && own.count(name) != 0;
    (must ? required_ : preferred_).push_back(name);
  }
  // Seeds and batches are paired even where a case sets them.
  for (const char* name : {"seed", "batching"}) {
    const auto at = std::find(preferred_.begin(), preferred_.end(), name);
    if (at == preferred_.end()) continue;
    preferred_.erase(at);
    required_.push_back(name);
  }
  for (const PlannedRun& run : plan.runs) {
    fields_.push_back(ConfigFields(run.config));
    if (IsBaseline(fields_.back())) {
      candidates_[Values(fields_.back(), required_)].push_back(fields_.size() -
                                                               1);
    }
  }
}

std::string BaselineFinder::For(size_t index) const {
  const std::vector<size_t> fitting = Fitting(index);
  return fitting.empty() ? "" : plan_.runs[fitting.front()].run_id;
}

absl::Status BaselineFinder::Check() const {
  if (spec_.baseline.empty()) return absl::OkStatus();
  if (candidates_.empty()) {
    return Refusal(absl::StrCat(
        "fits no cell",
        plan_.rejected.empty() ? " of this spec" : " that can be run",
        "; wanted values that a cell of grid, cases or set has",
        plan_.rejected.empty()
            ? ""
            : "; the first that cannot: " + plan_.rejected[0].reason));
  }
  if (spec_.baseline.contains("seed")) {
    return Refusal(
        "names a seed, and runs are paired seed by seed: leave it "
        "out");
  }
  std::set<std::string> cells, others;  // configs without their seed
  std::map<std::string, bool> has_one;  // of `others`
  std::map<std::string, size_t> example;
  for (size_t i = 0; i < plan_.runs.size(); ++i) {
    RunConfig config = plan_.runs[i].config;
    if (config.method == kUntuned) continue;
    config.seed = 0;
    const std::string cell = config.CanonicalConfigText();
    cells.insert(cell);
    if (IsBaseline(fields_[i])) continue;
    others.insert(cell);
    const std::vector<size_t> fitting = Fitting(i);
    has_one[cell] = has_one[cell] || !fitting.empty();
    example.emplace(cell, i);
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
  if (cells.size() > 1 && others.empty() && plan_.rejected.empty()) {
    return Refusal(absl::StrCat("fits all ", cells.size(),
                                " cells, so that none is compared; name a "
                                "value that tells one apart"));
  }
  // Where cells were rejected, that of the baseline may be one of them.
  for (const auto& [cell, has] : has_one) {
    if (has || !plan_.rejected.empty()) continue;
    return Refusal(absl::StrCat(
        "fits no cell that ", Named(example[cell]),
        " can be compared with: wanted one with the same ",
        absl::StrJoin(required_, ", "),
        "; name what may differ under baseline:, or add the cell"));
  }
  return absl::OkStatus();
}

std::vector<std::string> BaselineFinder::Values(
    const Fields& fields, const std::vector<std::string>& names) {
  std::vector<std::string> values;
  for (const std::string& name : names) {
    const auto it = fields.find(name);
    values.push_back(it == fields.end() ? "" : it->second);
  }
  return values;
}

bool BaselineFinder::IsBaseline(const Fields& fields) const {
  for (const auto& [name, value] : spec_.baseline) {
    const auto it = fields.find(name);
    if (it == fields.end() || it->second != value) return false;
  }
  return !spec_.baseline.empty() && fields.at("method") != kUntuned;
}

std::vector<size_t> BaselineFinder::Fitting(size_t index) const {
  const Fields& mine = fields_[index];
  std::vector<size_t> fitting;
  if (IsBaseline(mine) || plan_.runs[index].config.method == kUntuned) {
    return fitting;
  }
  const auto it = candidates_.find(Values(mine, required_));
  if (it == candidates_.end()) return fitting;
  const std::vector<std::string> wanted = Values(mine, preferred_);
  int best_equal = -1;
  for (const size_t candidate : it->second) {
    const std::vector<std::string> values =
        Values(fields_[candidate], preferred_);
    int equal = 0;
    for (size_t i = 0; i < values.size(); ++i) equal += values[i] == wanted[i];
    if (equal > best_equal) fitting.clear();
    best_equal = std::max(best_equal, equal);
    if (equal == best_equal) fitting.push_back(candidate);
  }
  return fitting;
}

bool BaselineFinder::IsOne(const std::vector<size_t>& fitting) const {
  if (fitting.size() < 2) return true;
  return !spec_.select_by.empty() &&
         std::all_of(fitting.begin(), fitting.end(), [&](size_t index) {
           return Values(fields_[index], spec_.select_per) ==
                  Values(fields_[fitting[0]], spec_.select_per);
         });
}

std::string BaselineFinder::Named(size_t index) const {
  std::string name;
  for (const auto& [axis, value] : plan_.runs[index].axes) {
    if (axis == "seed") continue;
    absl::StrAppend(&name, name.empty() ? "" : ", ", axis, " = ", value);
  }
  return name;
}

std::string BaselineFinder::Differing(
    const std::vector<size_t>& fitting) const {
  std::string text;
  for (const std::string& name : preferred_) {
    std::set<std::string> values;
    for (const size_t index : fitting) {
      values.insert(Values(fields_[index], {name})[0]);
    }
    if (values.size() < 2) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", name, " (",
                    absl::StrJoin(values, ", "), ")");
  }
  return text;
}

absl::Status BaselineFinder::Refusal(const std::string& why) const {
  std::string written;
  for (const auto& [name, value] : spec_.baseline) {
    absl::StrAppend(&written, written.empty() ? "" : ", ", name, ": ", value);
  }
  return InputError(WhereInSpec(spec_, "baseline"),
                    absl::StrCat("baseline: {", written, "} ", why));
}

}  // namespace sft::spec
