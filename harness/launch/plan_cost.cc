#include "harness/launch/plan_cost.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/launch/aligned_table.h"
#include "harness/launch/plan_search.h"
#include "harness/launch/progress.h"
#include "harness/launch/run_assembly.h"
#include "harness/measure/throughput.h"

namespace sft::launch {
namespace {

// Of the matrix-product rate, what a whole step has been seen to reach.
constexpr double kTypicalUtilisation = 0.6;

int64_t MiB(int64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }

int64_t KeptBytes(const DescribedRun& run) {
  return run.cost.weights_bytes + run.cost.record_bytes;
}

// "12.3k", "4.56M".
std::string ShortCount(int64_t count) {
  if (count < 10'000) return absl::StrCat(count);
  double value = static_cast<double>(count);
  const char* unit = "";
  for (const char* next : {"k", "M", "G", "T"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return absl::StrFormat("%.3g%s", value, unit);
}

// Of the runs whose record does not stand.
std::string Totals(const PlanDescription& plan) {
  int64_t there = 0, tokens = 0, memory = 0, kept = 0, checkpoint = 0;
  double flops = 0, seconds = 0;
  for (const DescribedRun& run : plan.runs) {
    there += run.there;
    if (run.there) continue;
    tokens += run.cost.real_tokens;
    flops += run.cost.flops;
    seconds += run.seconds;
    memory = std::max(memory, run.cost.memory_bytes());
    kept += KeptBytes(run);
    checkpoint = std::max(checkpoint, run.cost.checkpoint_bytes);
  }
  std::string text = absl::StrFormat(
      "%d runs, %d rejected, %d there already\n"
      "left%s: %d real tokens, %.3g FLOPs, about %s with --jobs 1\n"
      "at most %d MiB of memory a run; %d MiB of disk, and %d MiB for a "
      "checkpoint\n",
      plan.runs.size(), plan.rejected.size(), there,
      plan.search.empty() ? "" : ", if all went to their end", tokens, flops,
      FormatSeconds(seconds), MiB(memory), MiB(kept), MiB(checkpoint));
  for (const std::string& line : plan.search) {
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

}  // namespace

absl::StatusOr<PlanDescription> DescribePlan(const spec::RunPlan& plan,
                                             const record::RunStore& store,
                                             KeepWeights keep_weights,
                                             RunCosts& costs) {
  PlanDescription out;
  out.rejected = plan.rejected;
  std::map<std::string, double> rates;  // by dtype and threads
  for (const spec::PlannedRun& run : plan.runs) {
    const spec::RunConfig& config = run.config;
    DescribedRun described;
    described.run_id = run.run_id;
    described.method = config.method;
    described.batching = config.batching;
    absl::StatusOr<RunCost> cost = costs.Of(config);
    if (!cost.ok()) {
      return InputError(absl::StrCat("run ", run.run_id),
                        ToStd(cost.status().message()));
    }
    described.cost = *std::move(cost);
    if (!KeepsWeights(keep_weights, described.cost.trains_adapter)) {
      described.cost.weights_bytes = 0;
    }
    SFT_ASSIGN_OR_RETURN(const model::ModelOptions options,
                         ModelOptionsOf(config));
    double& rate = rates[absl::StrCat(config.dtype, "/", config.threads)];
    if (rate == 0) {
      at::set_num_threads(static_cast<int>(config.threads));
      rate = measure::MatrixProductFlopsPerSecond(options.compute_dtype,
                                                  options.device);
    }
    described.seconds = described.cost.flops / (rate * kTypicalUtilisation);
    described.there = store.Stands(run.run_id);
    std::map<std::string, std::string> axes = run.axes;
    axes.erase("method");
    axes.erase("batching");
    described.axes = axes.empty() ? "-" : spec::AxesText(axes);
    out.runs.push_back(std::move(described));
  }
  std::vector<int64_t> tokens;
  for (const DescribedRun& run : out.runs) {
    tokens.push_back(run.cost.real_tokens);
  }
  SFT_ASSIGN_OR_RETURN(out.search, DescribeSearch(plan, tokens));
  out.notices.assign(costs.notices().begin(), costs.notices().end());
  return out;
}

std::string PlanForPrograms(const PlanDescription& plan) {
  std::string text =
      "run\tmethod\tbatching\taxes\tsteps\trows\treal tokens\ttarget tokens\t"
      "computed tokens\tpredicted time\tpredicted MiB\tFLOPs\tdisk MiB\t"
      "record\n";
  for (const DescribedRun& run : plan.runs) {
    const RunCost& cost = run.cost;
    absl::StrAppend(
        &text, absl::StrFormat(
                   "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t%.4g\t%d"
                   "\t%s\n",
                   run.run_id, run.method, run.batching, run.axes, cost.steps,
                   cost.rows, cost.real_tokens, cost.target_tokens,
                   cost.computed_tokens, FormatSeconds(run.seconds),
                   cost.memory_bytes() >> 20, cost.flops, MiB(KeptBytes(run)),
                   run.there ? "there" : "-"));
  }
  for (const spec::RejectedCell& cell : plan.rejected) {
    absl::StrAppend(&text, "rejected\t", spec::AxesText(cell.axes), "\t",
                    cell.reason, "\n");
  }
  return text + Totals(plan);
}

std::string PlanForTerminal(const PlanDescription& plan, size_t width) {
  AlignedTable table;
  table.columns = {{"run"},
                   {.name = "what", .may_be_cut = true},
                   {.name = "steps", .to_the_right = true},
                   {.name = "tokens", .to_the_right = true},
                   {.name = "FLOPs", .to_the_right = true},
                   {.name = "time", .to_the_right = true},
                   {.name = "MiB", .to_the_right = true},
                   {.name = "disk", .to_the_right = true}};
  for (const DescribedRun& run : plan.runs) {
    std::string what = run.method;
    if (run.method != spec::kUntuned) absl::StrAppend(&what, " ", run.batching);
    if (run.axes != "-") absl::StrAppend(&what, " ", run.axes);
    table.rows.push_back({run.run_id, std::move(what),
                          ShortCount(run.cost.steps),
                          ShortCount(run.cost.real_tokens),
                          absl::StrFormat("%.2g", run.cost.flops),
                          run.there ? "there" : FormatSeconds(run.seconds),
                          ShortCount(run.cost.memory_bytes() >> 20),
                          ShortCount(MiB(KeptBytes(run)))});
  }
  std::string text = RenderAligned(table, width);
  for (const spec::RejectedCell& cell : plan.rejected) {
    absl::StrAppend(&text, "rejected: ", spec::AxesText(cell.axes), ": ",
                    cell.reason, "\n");
  }
  return text + Totals(plan);
}

}  // namespace sft::launch
