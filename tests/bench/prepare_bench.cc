// Rows a second of cleaning and splitting, and the peak of resident memory.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "harness/core/rng.h"
#include "harness/data/prepare/prepare.h"
#include "harness/data/prepare/rows.h"

namespace sft::bench {
namespace {

// Rows of 20 to 39 words; every tenth is an earlier one again, every tenth
// other one nearly so.
void BM_PrepareTable(benchmark::State& state) {
  const int64_t n = state.range(0);
  auto source = data::SpilledRows::Create(
      std::filesystem::temp_directory_path().string(), "bench");
  if (!source.ok()) {
    state.SkipWithError("no temporary file");
    return;
  }
  Rng rng(1, Stream::kMethod, "prepare_bench");
  std::string first, label;
  for (int64_t i = 0; i < n; ++i) {
    std::string text;
    if (i % 10 == 8) {
      text = first;
    } else if (i % 10 == 9) {
      text = first + " again";
    } else {
      for (uint64_t w = 20 + rng.Below(20); w > 0; --w) {
        text += "word" + std::to_string(rng.Below(50000)) + " ";
      }
      text += "end";
    }
    if (i % 10 == 0) {
      first = text;
      label = rng.Below(2) ? "good" : "bad";
    }
    const absl::Status added = (*source)->Add(
        data::RowFromJson({{"text", text}, {"label", label}}, i + 1,
                          {.text = {"text"}, .label = "label"}));
    if (!added.ok()) state.SkipWithError("cannot be written");
  }
  for (auto _ : state) {
    const auto table = data::PrepareTable(**source, {});
    // The result first: just what was planted is dropped.
    if (!table.ok() || table->report.rows != n ||
        table->report.dropped != n / 5 || table->report.kept != n - n / 5 ||
        table->report.checks[4].rows != n / 10 ||
        table->report.checks[5].rows != n / 10) {
      state.SkipWithError("the planted duplicates were not found");
      return;
    }
  }
  state.SetItemsProcessed(state.iterations() * n);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_rss_MiB"] = static_cast<double>(usage.ru_maxrss) / 1024;
}
BENCHMARK(BM_PrepareTable)
    ->Arg(10000)
    ->Arg(100000)
    ->Arg(1000000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sft::bench
