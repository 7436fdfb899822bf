// A sweep's folder of 100 to 10,000 records as experiments/smoke.yaml makes
// them: merging it, its report, its status, verifying it. The first call for a
// size writes the records, which is not timed: a minute or two for 10,000.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "harness/analysis/report.h"
#include "harness/analysis/run_status.h"
#include "harness/core/files.h"
#include "harness/core/rng.h"
#include "harness/record/manifest_store.h"
#include "harness/record/merge.h"
#include "harness/record/run_paths.h"
#include "harness/record/run_record.h"
#include "harness/record/verify.h"
#include "harness/spec/run_plan.h"
#include "tests/harness/record/sample_record.h"

namespace sft::bench {
namespace {

// The grid of smoke.yaml, and more learning rates until there are enough.
spec::RunPlan SmokePlan(size_t n_runs) {
  spec::RunPlan plan;
  plan.question = "does the chain hold from spec to table?";
  plan.axis_names = {"learning_rate", "method", "batching", "seed"};
  spec::PlannedRun run;
  run.config.model = "glassllm";
  run.config.method = spec::kUntuned;
  run.config.evaluate = {"rotten_tomatoes"};
  run.config.retain = {"wiki_demo"};
  run.run_id = run.untuned_id = absl::StrFormat("%016x", 0);
  plan.runs.push_back(run);
  run.config.train = {"rotten_tomatoes"};
  for (size_t rate = 1; plan.runs.size() < n_runs; ++rate) {
    run.config.learning_rate = 1e-5 * static_cast<double>(rate);
    const size_t first = plan.runs.size();
    for (const char* method : {"full", "lora", "qlora", "hft"}) {
      for (const char* batching : {"padded", "padding_free", "packed"}) {
        for (int64_t seed = 0; seed < 2 && plan.runs.size() < n_runs; ++seed) {
          run.config.method = method;
          run.config.batching = batching;
          run.config.seed = seed;
          run.run_id = absl::StrFormat("%016x", plan.runs.size());
          // The first method's run of the same batching and seed.
          run.baseline_id =
              plan.runs.size() < first + 6
                  ? run.run_id
                  : absl::StrFormat("%016x",
                                    first + (plan.runs.size() - first) % 6);
          run.axes = {
              {"method", method},
              {"batching", batching},
              {"seed", absl::StrCat(seed)},
              {"learning_rate", absl::StrCat(run.config.learning_rate)}};
          plan.runs.push_back(run);
        }
      }
    }
  }
  return plan;
}

MetricRecord Measured(const char* name, const char* unit, size_t items,
                      Rng& rng) {
  MetricRecord metric;
  metric.name = name;
  metric.unit = unit;
  for (size_t i = 0; i < items; ++i) {
    metric.items.push_back(rng.Uniform() < 0.7 ? 1 : 0);
    metric.value += metric.items.back() / static_cast<double>(items);
  }
  return metric;
}

// As many series, scores, facts and texts as a record of smoke.yaml has.
record::RunRecord SmokeRecord(const spec::PlannedRun& run) {
  const bool is_untuned = run.config.method == spec::kUntuned;
  record::RunRecord record;
  record.run_id = run.run_id;
  record.status = RunStatus::kOk;
  record.config = run.config;
  record.axes = run.axes;
  record.requested_spec = std::string(519, '#');
  Rng rng(1, Stream::kInit, run.run_id);
  for (int i = 1; i <= (is_untuned ? 0 : 4); ++i) {
    record.steps.push_back(
        {i, 0, rng.Uniform(), 1e-3, rng.Uniform(), 200, 8, 3, 4, 0.1, 0.1});
  }
  for (int64_t round = 0; round < (is_untuned ? 1 : 2); ++round) {
    EvalRecord test;
    test.task = "rotten_tomatoes";
    test.split = "test";
    test.round = round;
    test.tokens = 800;
    test.metrics = {Measured("accuracy", "fraction", 20, rng),
                    Measured("f1_macro", "fraction", 0, rng)};
    for (int64_t i = 0; i < 20; ++i) {
      const bool right = test.metrics[0].items[static_cast<size_t>(i)] == 1;
      test.row_ids.push_back(i);
      test.references.push_back(i % 2);
      test.predictions.push_back(right ? i % 2 : 1 - i % 2);
    }
    EvalRecord validation = test;
    validation.split = "validation";
    validation.predictions = validation.references = {};
    validation.row_ids.resize(10);
    validation.metrics = {
        Measured("validation_loss", "nats/token", 10, rng),
        Measured("validation_target_tokens", "tokens", 10, rng)};
    EvalRecord heldout = validation;
    heldout.task = "wiki_demo";
    heldout.split = "heldout";
    heldout.row_ids.resize(2);
    heldout.metrics = {Measured("cross_entropy", "nats/token", 2, rng),
                       Measured("cross_entropy_tokens", "tokens", 2, rng),
                       Measured("perplexity", "1", 0, rng)};
    for (EvalRecord* eval : {&test, &validation, &heldout}) {
      record.evals.push_back(*eval);
    }
  }
  for (int i = 0; i < 26; ++i) {
    record.facts[absl::StrCat("data.rotten_tomatoes.train.count_", i)] = i;
    if (i >= 8) continue;
    record.texts[absl::StrCat("round0.some_", i, "_sha256")] =
        std::string(64, 'a');
    record.measured[absl::StrCat("some_", i, "_wall_seconds")] = rng.Uniform();
    record.provenance_build[absl::StrCat("library_", i)] = "1.2.3";
    record.memory.predicted_bytes[absl::StrCat("use_", i)] = 1 << 20;
  }
  record.forgetting = {{"wiki_demo/cross_entropy_change", 0.1},
                       {"rotten_tomatoes/accuracy_change", 0.1}};
  return record;
}

// Written once for each size, and removed at the end.
const std::string* FolderOf(size_t n_runs, benchmark::State& state) {
  static std::map<size_t, std::unique_ptr<record::ScratchFolder>> folders;
  std::unique_ptr<record::ScratchFolder>& folder = folders[n_runs];
  if (folder != nullptr) return &folder->path();
  folder = std::make_unique<record::ScratchFolder>();
  const record::RunPaths paths{folder->path()};
  const spec::RunPlan plan = SmokePlan(n_runs);
  bool written =
      MakeFolders(paths.Runs()).ok() && record::WriteManifest(paths, plan).ok();
  for (const spec::PlannedRun& run : plan.runs) {
    written =
        written &&
        record::WriteRunRecord(SmokeRecord(run), paths.Record(run.run_id)).ok();
  }
  if (written) return &folder->path();
  state.SkipWithError("the records cannot be written");
  return nullptr;
}

// The most that this process has held, in MiB.
double PeakMebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

template <class Work>
void OnRecords(benchmark::State& state, const Work& work) {
  const auto n = static_cast<size_t>(state.range(0));
  const std::string* folder = FolderOf(n, state);
  if (folder == nullptr) return;
  // From here on: what was held before is not this work's.
  std::ofstream("/proc/self/clear_refs") << "5";
  for (auto _ : state) {
    if (!work(*folder, n)) {
      state.SkipWithError("another result than that of the records");
      return;
    }
  }
  state.counters["peak_mib"] = PeakMebibytes();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_MergeRecords(benchmark::State& state) {
  OnRecords(state, [](const std::string& folder, size_t n) {
    const auto merged = record::MergeRecords({folder}, folder + "/merged.h5");
    return merged.ok() && *merged == n;
  });
}
void BM_ReportOfRecords(benchmark::State& state) {
  OnRecords(state, [](const std::string& folder, size_t n) {
    const auto report = analysis::BuildReport(folder);
    return report.ok() && report->main.rows.size() >= n / 2;
  });
}
void BM_ReportOfMerged(benchmark::State& state) {
  OnRecords(state, [](const std::string& folder, size_t n) {
    const std::string file = folder + "/merged.h5";
    if (!FileExists(file) && !record::MergeRecords({folder}, file).ok()) {
      return false;
    }
    const auto report = analysis::BuildReport(file);
    return report.ok() && report->main.rows.size() >= n / 2;
  });
}
void BM_StatusOfRecords(benchmark::State& state) {
  OnRecords(state, [](const std::string& folder, size_t n) {
    const auto status = analysis::ReadStatus(folder);
    return status.ok() && static_cast<size_t>(status->done) == n;
  });
}
void BM_VerifyRecords(benchmark::State& state) {
  OnRecords(state, [](const std::string& folder, size_t n) {
    const auto verified = record::VerifyPath(folder);
    if (!verified.ok() || verified->size() != n) return false;
    for (const record::VerifiedFile& file : *verified) {
      if (!file.status.ok()) return false;
    }
    return true;
  });
}

void Sizes(benchmark::internal::Benchmark* bench) {
  bench->RangeMultiplier(10)
      ->Range(100, 10000)
      ->Iterations(1)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}
BENCHMARK(BM_MergeRecords)->Apply(Sizes);
BENCHMARK(BM_ReportOfRecords)->Apply(Sizes);
BENCHMARK(BM_ReportOfMerged)->Apply(Sizes);
BENCHMARK(BM_StatusOfRecords)->Apply(Sizes);
BENCHMARK(BM_VerifyRecords)->Apply(Sizes);

}  // namespace
}  // namespace sft::bench
