// Packing the published length histograms (SFTBENCH_DATA), and a million rows
// drawn from one of them.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/core/rng.h"
#include "harness/data/length_histogram.h"
#include "methods/histogram_packing.h"
#include "methods/packer.h"
#include "tests/support/paths.h"

namespace sft::bench {
namespace {

using Counts = std::vector<int64_t>;

// Empty, with the reason told, where the file is not to be had.
Counts HistogramOr(benchmark::State& state, const std::string& name) {
  const auto data = support::ExtraDataDir();
  const auto path =
      data.value_or("") / "length_histograms" / std::string(name + ".csv");
  if (!data.has_value() || !std::filesystem::exists(path)) {
    state.SkipWithError("no length_histograms below SFTBENCH_DATA");
    return {};
  }
  const auto counts = data::ReadLengthHistogram(path.string());
  if (!counts.ok()) {
    state.SkipWithError("the histogram cannot be read");
    return {};
  }
  return *counts;
}

// Why these are no packs of the histogram's rows, or nullptr.
const char* Wrong(const std::vector<methods::HistogramPack>& packs, Counts left,
                  int64_t capacity, int64_t max_per_pack, int64_t& number) {
  number = 0;
  for (const methods::HistogramPack& pack : packs) {
    int64_t tokens = 0;
    for (const methods::LengthRun& run : pack.runs) {
      left[run.length] -= run.rows * pack.count;
      tokens += run.length * run.rows;
    }
    if (tokens > capacity) return "a pack is above its capacity";
    if (max_per_pack > 0 && pack.rows > max_per_pack) {
      return "a pack has too many rows";
    }
    number += pack.count;
  }
  for (int64_t n : left) {
    if (n != 0) return "a row is missing or stands twice";
  }
  return nullptr;
}

void BM_PackHistogram(benchmark::State& state, const std::string& name,
                      methods::PackStrategy strategy, int64_t max_per_pack,
                      int64_t wanted_packs) {
  const Counts counts = HistogramOr(state, name);
  if (counts.empty()) return;
  const auto capacity = static_cast<int64_t>(counts.size()) - 1;
  int64_t rows = 0, tokens = 0, packs = 0;
  for (int64_t l = 1; l <= capacity; ++l) {
    rows += counts[l];
    tokens += l * counts[l];
  }
  // The result first.
  const char* wrong =
      Wrong(methods::PackHistogram(counts, capacity, strategy, max_per_pack),
            counts, capacity, max_per_pack, packs);
  // Least squares round as the processor's products do.
  const int64_t slack = strategy == methods::PackStrategy::kLeastSquares
                            ? wanted_packs / 5000
                            : 0;
  if (wrong == nullptr && std::abs(packs - wanted_packs) > slack) {
    wrong = "not the known number of packs";
  }
  if (wrong != nullptr) {
    state.SkipWithError(wrong);
    return;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        methods::PackHistogram(counts, capacity, strategy, max_per_pack));
  }
  state.SetItemsProcessed(state.iterations() * rows);
  state.counters["efficiency"] =
      static_cast<double>(tokens) / static_cast<double>(packs * capacity);
}

#define PACK_HISTOGRAM(label, file, strategy, bound, packs)           \
  BENCHMARK_CAPTURE(BM_PackHistogram, label, file,                    \
                    methods::PackStrategy::k##strategy, bound, packs) \
      ->Unit(benchmark::kMillisecond)

PACK_HISTOGRAM(wikipedia_ffd, "wikipedia_512", FirstFitDecreasing, 0, 8138483);
PACK_HISTOGRAM(wikipedia_bfd, "wikipedia_512", BestFitDecreasing, 0, 8138483);
PACK_HISTOGRAM(wikipedia_lpfhp, "wikipedia_512", LongestPackFirst, 0, 8138483);
PACK_HISTOGRAM(wikipedia_spfhp_3, "wikipedia_512", ShortestPackFirst, 3,
               9094695);
PACK_HISTOGRAM(wikipedia_spfhp_12, "wikipedia_512", ShortestPackFirst, 12,
               8166708);
PACK_HISTOGRAM(wikipedia_lpfhp_12, "wikipedia_512", LongestPackFirst, 12,
               8149619);
PACK_HISTOGRAM(wikipedia_nnlshp_3, "wikipedia_512", LeastSquares, 3, 8155056);
PACK_HISTOGRAM(squad_ffd, "squad11_384", FirstFitDecreasing, 0, 40631);
PACK_HISTOGRAM(squad_bfd, "squad11_384", BestFitDecreasing, 0, 40631);
PACK_HISTOGRAM(squad_spfhp, "squad11_384", ShortestPackFirst, 0, 40711);
PACK_HISTOGRAM(squad_lpfhp, "squad11_384", LongestPackFirst, 0, 40631);
PACK_HISTOGRAM(squad_nnlshp_3, "squad11_384", LeastSquares, 3, 40775);

// Rows one by one, as the collator has them.
void BM_PackRows(benchmark::State& state, methods::PackStrategy strategy) {
  const Counts counts = HistogramOr(state, "wikipedia_512");
  if (counts.empty()) return;
  constexpr int64_t kRows = 1000000;
  const auto capacity = static_cast<int64_t>(counts.size()) - 1;
  Counts below = counts;  // rows of at most l tokens
  for (size_t l = 1; l < below.size(); ++l) below[l] += below[l - 1];
  Rng rng(1, Stream::kMethod, "packer_bench");
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < kRows; ++i) {
    const auto drawn =
        static_cast<int64_t>(rng.Below(static_cast<uint64_t>(below.back())));
    lengths.push_back(std::upper_bound(below.begin(), below.end(), drawn) -
                      below.begin());
  }
  const methods::PackResult packed = methods::PackLengths(
      lengths, capacity, strategy, methods::PackOverflow::kTruncate);
  int64_t tokens = 0;
  std::vector<int64_t> left = lengths;
  for (const auto& bin : packed.bins) {
    int64_t filled = 0;
    for (const data::Piece& piece : bin) {
      left[piece.index] -= piece.length;
      filled += piece.length;
    }
    if (filled > capacity) state.SkipWithError("a pack is above its capacity");
    tokens += filled;
  }
  if (std::any_of(left.begin(), left.end(), [](int64_t n) { return n != 0; })) {
    state.SkipWithError("a token is missing or stands twice");
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(methods::PackLengths(
        lengths, capacity, strategy, methods::PackOverflow::kTruncate));
  }
  state.SetItemsProcessed(state.iterations() * kRows);
  state.counters["efficiency"] =
      static_cast<double>(tokens) /
      static_cast<double>(static_cast<int64_t>(packed.bins.size()) * capacity);
}

#define PACK_ROWS(label, strategy)                                          \
  BENCHMARK_CAPTURE(BM_PackRows, label, methods::PackStrategy::k##strategy) \
      ->Unit(benchmark::kMillisecond)

PACK_ROWS(ffd, FirstFitDecreasing);
PACK_ROWS(bfd, BestFitDecreasing);
PACK_ROWS(next_fit, NextFit);
PACK_ROWS(wrapped, Wrapped);
PACK_ROWS(spfhp, ShortestPackFirst);
PACK_ROWS(lpfhp, LongestPackFirst);
PACK_ROWS(nnlshp, LeastSquares);

}  // namespace
}  // namespace sft::bench
