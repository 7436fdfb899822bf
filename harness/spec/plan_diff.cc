#include "harness/spec/plan_diff.h"

#include <map>
#include <set>

#include "absl/algorithm/container.h"
#include "harness/core/status.h"

namespace sft::spec {
namespace {

using Runs = std::vector<const PlannedRun*>;

std::set<std::string> IdsOf(const RunPlan& plan) {
  std::set<std::string> ids;
  for (const PlannedRun& run : plan.runs) ids.insert(run.run_id);
  return ids;
}

// By what the cell is called: its values of `axes`, or an untuned model.
std::map<std::string, Runs> ByCell(const Runs& runs,
                                   const std::vector<std::string>& axes) {
  std::map<std::string, Runs> cells;
  for (const PlannedRun* run : runs) {
    std::string cell = run->config.method == kUntuned ? "untuned" : "tuned";
    for (const std::string& axis : axes) {
      const auto value = run->axes.find(axis);
      if (value == run->axes.end()) continue;
      absl::StrAppend(&cell, "\n", axis, "=", value->second);
    }
    cells[cell].push_back(run);
  }
  return cells;
}

std::vector<ChangedField> ChangedFields(const RunConfig& before,
                                        const RunConfig& after) {
  const std::map<std::string, std::string> old_fields = ConfigFields(before);
  const std::map<std::string, std::string> new_fields = ConfigFields(after);
  std::map<std::string, ChangedField> changed;
  for (const auto& [name, text] : old_fields) changed[name].before = text;
  for (const auto& [name, text] : new_fields) changed[name].after = text;
  std::vector<ChangedField> fields;
  for (auto& [name, field] : changed) {
    if (field.before == field.after) continue;
    field.name = name;
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace

PlanDiff DiffPlans(const RunPlan& before, const RunPlan& after) {
  PlanDiff diff;
  const std::set<std::string> old_ids = IdsOf(before), new_ids = IdsOf(after);
  Runs old_runs, new_runs;
  for (const PlannedRun& run : before.runs) {
    if (!new_ids.contains(run.run_id)) old_runs.push_back(&run);
  }
  for (const PlannedRun& run : after.runs) {
    (old_ids.contains(run.run_id) ? diff.same : new_runs).push_back(&run);
  }
  std::vector<std::string> axes;  // of both
  for (const std::string& axis : after.axis_names) {
    if (absl::c_linear_search(before.axis_names, axis)) axes.push_back(axis);
  }
  const std::map<std::string, Runs> old_cells = ByCell(old_runs, axes);
  std::map<const PlannedRun*, const PlannedRun*> partner;  // both ways
  for (const auto& [cell, runs] : ByCell(new_runs, axes)) {
    const auto old = old_cells.find(cell);
    if (runs.size() != 1 || old == old_cells.end() || old->second.size() != 1) {
      continue;
    }
    partner[runs[0]] = old->second[0];
    partner[old->second[0]] = runs[0];
  }
  for (const PlannedRun* run : new_runs) {
    const auto found = partner.find(run);
    if (found == partner.end()) {
      diff.added.push_back(run);
    } else {
      diff.changed.push_back(
          {found->second, run,
           ChangedFields(found->second->config, run->config)});
    }
  }
  for (const PlannedRun* run : old_runs) {
    if (!partner.contains(run)) diff.gone.push_back(run);
  }
  return diff;
}

std::string ChangesText(const ChangedRun& run) {
  if (run.fields.empty()) return "other contents of the files that it reads";
  std::string text;
  for (const ChangedField& field : run.fields) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", field.name, " ",
                    field.before.empty() ? "-" : field.before, " -> ",
                    field.after.empty() ? "-" : field.after);
  }
  return text;
}

}  // namespace sft::spec
