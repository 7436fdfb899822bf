// A sweep's folder with made-up results, for tests.
#ifndef TESTS_HARNESS_ANALYSIS_SWEEP_H_
#define TESTS_HARNESS_ANALYSIS_SWEEP_H_

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "harness/analysis/tables.h"
#include "harness/core/files.h"
#include "harness/core/rng.h"
#include "harness/record/manifest_store.h"
#include "harness/record/run_paths.h"
#include "harness/record/run_record.h"
#include "harness/spec/run_plan.h"
#include "tests/harness/record/sample_record.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::analysis {

inline constexpr char kSweepSpec[] = R"(
question: which method, <at> what | cost?
train: [rotten_tomatoes]
evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}
budget: {target_tokens: 1000}
grid: {method: [full, lora], batching: [padded, packed], seed: [0, 1]}
cases:
  - {when: {method: [lora]}, grid: {lora.rank: [8, 64]}}
baseline: {method: full}
select: {by: validation_loss, per: [method, batching]}
)";

// What a run of `config` could have measured; better with rank and training.
inline record::RunRecord MadeUpRecord(const spec::PlannedRun& run) {
  const spec::RunConfig& config = run.config;
  const bool untuned = config.method == spec::kUntuned;
  const auto rank = config.method_options.find("lora.rank");
  const bool large =
      rank != config.method_options.end() && rank->second == "64";
  const double skill = untuned ? 0.5 : large ? 0.9 : 0.8;
  record::RunRecord record;
  record.run_id = run.run_id;
  record.status = RunStatus::kOk;
  record.config = config;
  record.axes = run.axes;
  Rng rng(static_cast<uint64_t>(config.seed), Stream::kInit, run.run_id);
  EvalRecord test;
  test.task = "rotten_tomatoes";
  test.split = "test";
  test.round = untuned ? 0 : 1;
  MetricRecord accuracy;
  accuracy.name = "accuracy";
  accuracy.unit = "fraction";
  for (int i = 0; i < 400; ++i) {
    const bool right = rng.Uniform() < skill;
    accuracy.items.push_back(right ? 1 : 0);
    accuracy.value += right / 400.0;
    test.row_ids.push_back(1000 - i);
    test.references.push_back(i % 2);
    test.predictions.push_back(right ? i % 2 : 1 - i % 2);
  }
  MetricRecord f1;
  f1.name = "f1_macro";
  f1.value = accuracy.value - 0.001;
  test.metrics = {accuracy, f1};
  MetricRecord loss;
  loss.name = "validation_loss";
  loss.value = 1 - skill + 0.01 * rng.Uniform();
  loss.unit = "nats/token";
  loss.higher_is_better = false;
  EvalRecord validation;
  validation.task = test.task;
  validation.split = "validation";
  validation.round = test.round;
  validation.metrics = {loss};
  record.evals = {test, validation};
  record.facts = {{"trainable_parameters", untuned ? 0. : 1e6}};
  if (!untuned) {
    record.forgetting = {{"wiki_demo/cross_entropy_change", 0.01 * skill}};
    record.facts["optimizer_steps"] = 20;
    record.facts["real_tokens"] = 5000;
    record.facts["target_tokens"] = 1000;
    record.measured = {{"train_wall_seconds", 10},
                       {"train_peak_rss_bytes", 3. * (1 << 20)}};
  }
  record.provenance_build = {{"revision", "abcdef"}};
  return record;
}

// Held-out text of 24 windows, each a loss.
inline void AddHeldoutText(record::RunRecord& record,
                           const std::function<double(int window)>& loss_of) {
  EvalRecord eval;
  eval.task = "wiki_demo";
  eval.split = "heldout";
  eval.round = record.config.method == spec::kUntuned ? 0 : 1;
  MetricRecord metric;
  metric.name = "cross_entropy";
  metric.unit = "nats/token";
  metric.higher_is_better = false;
  for (int i = 0; i < 24; ++i) {
    eval.row_ids.push_back(i);
    metric.items.push_back(loss_of(i));
    metric.value += loss_of(i) / 24;
  }
  eval.metrics = {metric};
  record.evals.push_back(eval);
}

struct Sweep {
  record::ScratchFolder folder;
  spec::RunPlan plan;
  record::RunPaths paths{folder.path()};

  explicit Sweep(const std::string& spec = kSweepSpec) {
    plan = *spec::PlanOf(spec);
    (void)MakeFolders(paths.Runs());
    (void)record::WriteManifest(paths, plan);
  }
  // Writes the records of the runs that `change` returns true for.
  void Write(const std::function<bool(record::RunRecord&)>& change) const {
    for (const spec::PlannedRun& run : plan.runs) {
      record::RunRecord record = MadeUpRecord(run);
      if (!change(record)) continue;
      const bool is_final = record.status == RunStatus::kOk ||
                            record.status == RunStatus::kDiverged;
      (void)record::WriteRunRecord(record, is_final
                                               ? paths.Record(run.run_id)
                                               : paths.Attempt(run.run_id, 1));
    }
  }
};

inline bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline size_t ColumnOf(const Table& table, const std::string& key) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].key == key) return i;
  }
  FAIL("no column " << key);
  return 0;
}

inline std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace sft::analysis

#endif  // TESTS_HARNESS_ANALYSIS_SWEEP_H_
