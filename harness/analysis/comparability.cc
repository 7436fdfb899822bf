#include "harness/analysis/comparability.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/record_origin.h"
#include "harness/analysis/selection.h"

namespace sft::analysis {
namespace {

using NamedTexts = std::map<std::string, std::string>;

// Both have it, and it differs.
bool TextsDiffer(const NamedTexts& one, const NamedTexts& other,
                 const std::string& name) {
  const auto a = one.find(name), b = other.find(name);
  return a != one.end() && b != other.end() && a->second != b->second;
}

bool ShareNoRow(const EvalRecord& one, const EvalRecord& other) {
  if (one.row_ids == other.row_ids) return false;
  const std::set<int64_t> rows(one.row_ids.begin(), one.row_ids.end());
  return !rows.empty() && !other.row_ids.empty() &&
         std::none_of(other.row_ids.begin(), other.row_ids.end(),
                      [&](int64_t id) { return rows.count(id) > 0; });
}

bool SameRows(const EvalRecord& one, const EvalRecord& other) {
  if (one.row_ids == other.row_ids) return true;
  return std::set<int64_t>(one.row_ids.begin(), one.row_ids.end()) ==
         std::set<int64_t>(other.row_ids.begin(), other.row_ids.end());
}

std::string BudgetText(const spec::RunConfig& config) {
  if (config.budget_steps > 0) {
    return absl::StrCat(config.budget_steps, " steps");
  }
  if (config.budget_target_tokens > 0) {
    return absl::StrCat(config.budget_target_tokens, " target tokens");
  }
  if (config.budget_epochs > 0) {
    return absl::StrCat(CanonicalText(config.budget_epochs), " epochs");
  }
  return absl::StrCat(CanonicalText(config.budget_wall_seconds), " seconds");
}

// Every comparison that a report makes: cell and other.
std::vector<std::pair<size_t, size_t>> ComparedCells(const Results& results) {
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const ResultCell& cell = results.cells[i];
    if (cell.is_untuned) continue;
    const std::optional<size_t> untuned =
        results.CellOf(results.runs[cell.runs[0]].planned.untuned_id);
    const std::optional<size_t> baseline = BaselineCell(results, cell);
    if (untuned.has_value()) pairs.emplace_back(i, *untuned);
    if (baseline.has_value() && *baseline != i && baseline != untuned) {
      pairs.emplace_back(i, *baseline);
    }
  }
  return pairs;
}

std::string PairText(const Results& results, size_t cell, size_t other) {
  return absl::StrCat(CellLabel(results, results.cells[cell]), " and ",
                      CellLabel(results, results.cells[other]));
}

// "the first three" of these.
void AddLine(const std::string& what, const std::set<std::string>& whose,
             std::vector<std::string>& notes) {
  if (whose.empty()) return;
  std::vector<std::string> some(whose.begin(), whose.end());
  constexpr size_t kShown = 3;
  const size_t more = some.size() > kShown ? some.size() - kShown : 0;
  some.resize(some.size() - more);
  notes.push_back(absl::StrCat(
      what, absl::StrJoin(some, "; "),
      more > 0 ? absl::StrCat("; and ", more, " more") : std::string(), "."));
}

void NoteBuilds(const Results& results, std::vector<std::string>& notes) {
  int64_t dirty = 0;
  std::map<std::string, std::set<std::string>> values;
  for (const CollectedRun& run : results.runs) {
    if (!run.record.has_value()) continue;
    const NamedTexts& build = run.record->provenance_build;
    dirty += IsDirtyBuild(*run.record) ? 1 : 0;
    for (const char* name : {"kernels", "device", "torch", "threads"}) {
      const auto it = build.find(name);
      if (it != build.end()) values[name].insert(it->second);
    }
  }
  if (dirty > 0) {
    notes.push_back(absl::StrCat(
        dirty, dirty == 1 ? " record comes" : " records come",
        " from a build with changes that its revision does not name: nobody "
        "can make it again from that revision."));
  }
  for (const auto& [name, all] : values) {
    if (all.size() < 2) continue;
    notes.push_back(
        absl::StrCat("Records were computed with different ", name, " (",
                     absl::StrJoin(all, ", "),
                     "): their scores may differ by rounding, their times by "
                     "more."));
  }
}

}  // namespace

std::string WhyIncomparable(const record::RunRecord& one,
                            const record::RunRecord& other,
                            const std::string& task,
                            const std::string& metric) {
  if (one.config.model == other.config.model) {
    for (const char* name : {"model_sha256", "tokenizer_sha256"}) {
      if (TextsDiffer(one.texts, other.texts, name)) {
        return absl::StrCat(name, " of ", one.config.model, " differs");
      }
    }
  }
  const EvalRecord* mine = TestEval(one, task);
  const EvalRecord* theirs = TestEval(other, task);
  const MetricRecord* a = FindMetric(mine, metric);
  const MetricRecord* b = FindMetric(theirs, metric);
  if (a == nullptr || b == nullptr) return "";
  if (a->signature != b->signature) {
    return absl::StrCat(metric, " was computed as '", a->signature,
                        "' and as '", b->signature, "'");
  }
  if (ShareNoRow(*mine, *theirs)) return "no test row is the same";
  return "";
}

std::string OtherTrainingRows(const record::RunRecord& one,
                              const record::RunRecord& other) {
  const spec::RunConfig &a = one.config, &b = other.config;
  if (a.train != b.train || a.seed != b.seed || a.max_length != b.max_length ||
      a.train_limit != b.train_limit || a.replay_from != b.replay_from ||
      a.replay_share != b.replay_share || a.model != b.model ||
      a.prompt_form != b.prompt_form || a.method == spec::kUntuned ||
      b.method == spec::kUntuned) {
    return "";
  }
  std::vector<std::string> stages;
  for (const auto& [name, digest] : one.texts) {
    absl::string_view stage = name;
    if (absl::ConsumePrefix(&stage, "data.") &&
        absl::ConsumeSuffix(&stage, ".train_sha256") &&
        TextsDiffer(one.texts, other.texts, name)) {
      stages.emplace_back(stage);
    }
  }
  return absl::StrJoin(stages, ", ");
}

std::string WhyIncomparable(const Results& results, size_t cell, size_t other,
                            const std::string& task,
                            const std::string& metric) {
  for (const auto& [one, partner] :
       PairedRecords(results, results.cells[cell], results.cells[other])) {
    std::string why = WhyIncomparable(*one, *partner, task, metric);
    if (!why.empty()) return why;
  }
  return "";
}

std::vector<std::string> NotesOnComparability(const Results& results) {
  std::set<std::string> refused, rows, trained, budgets;
  std::vector<std::string> tasks = EvaluatedTasks(results);
  for (std::string& task : RetainedTasks(results)) {
    tasks.push_back(std::move(task));
  }
  for (const auto& [cell, other] : ComparedCells(results)) {
    const std::string whose = PairText(results, cell, other);
    for (const std::string& task : tasks) {
      const MetricRecord* primary = PrimaryMetric(results, task);
      if (primary == nullptr) continue;
      const std::string why =
          WhyIncomparable(results, cell, other, task, primary->name);
      if (!why.empty()) {
        refused.insert(absl::StrCat(whose, " on ", task, ": ", why));
      }
    }
    for (const auto& [one, partner] :
         PairedRecords(results, results.cells[cell], results.cells[other])) {
      for (const std::string& task : tasks) {
        const EvalRecord* mine = TestEval(*one, task);
        const EvalRecord* theirs = TestEval(*partner, task);
        if (mine != nullptr && theirs != nullptr && !SameRows(*mine, *theirs) &&
            !ShareNoRow(*mine, *theirs)) {
          rows.insert(absl::StrCat(whose, " on ", task));
        }
      }
      if (!OtherTrainingRows(*one, *partner).empty()) trained.insert(whose);
      const std::string budget = BudgetText(one->config);
      const std::string theirs = BudgetText(partner->config);
      if (partner->config.method != spec::kUntuned && budget != theirs) {
        budgets.insert(absl::StrCat(whose, ", ", budget, " and ", theirs));
      }
    }
  }
  std::vector<std::string> notes;
  AddLine("Not compared: ", refused, notes);
  AddLine("Test rows differ, and those that both have are compared: ", rows,
          notes);
  AddLine("Training rows differ though the data's names are the same: ",
          trained, notes);
  AddLine("Budgets differ: ", budgets, notes);
  NoteBuilds(results, notes);
  return notes;
}

}  // namespace sft::analysis
