#include "methods/packing_figures.h"

#include <algorithm>
#include <optional>

#include "harness/core/fields.h"
#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "methods/histogram_packing.h"
#include "methods/nnls_packing.h"

namespace sft::methods {
namespace {

constexpr int64_t kMaxRowsInOrder = int64_t{1} << 27;
constexpr char kToMax[] = "padded_to_max";
constexpr char kToLongest[] = "padded_to_longest";
constexpr char kBucketed[] = "padded_bucketed";

std::optional<PackStrategy> StrategyOf(const std::string& name) {
  for (const auto& [known, strategy] : AllPackStrategies()) {
    if (name == known) return strategy;
  }
  return std::nullopt;
}

int64_t CeilDivide(int64_t a, int64_t b) { return a / b + (a % b > 0); }

using Counts = std::vector<int64_t>;

// Rows longer than max_length become such of max_length.
Counts Cut(const PackingQuestion& question, PackingFigures& figures) {
  Counts counts = question.counts_by_length;
  const int64_t max_length = question.max_length;
  for (auto l = static_cast<int64_t>(counts.size()) - 1; l > max_length; --l) {
    counts[max_length] += counts[l];
    figures.truncated_rows += counts[l];
    figures.truncated_tokens += counts[l] * (l - max_length);
  }
  counts.resize(max_length + 1, 0);
  return counts;
}

absl::StatusOr<std::vector<int64_t>> ShuffledRows(const std::string& name,
                                                  const Counts& counts,
                                                  int64_t rows, uint64_t seed) {
  if (rows > kMaxRowsInOrder) {
    return InputError(name,
                      absl::StrCat("goes by the order of rows, and ", rows,
                                   " are too many to lay out: wanted at most ",
                                   kMaxRowsInOrder, ", or leave it out"));
  }
  std::vector<int64_t> lengths;
  lengths.reserve(rows);
  for (size_t l = 1; l < counts.size(); ++l) {
    lengths.insert(lengths.end(), counts[l], static_cast<int64_t>(l));
  }
  Rng(seed, Stream::kDataOrder, "packing figures").Shuffle(lengths);
  return lengths;
}

void CountHistogram(const Counts& counts, PackStrategy strategy,
                    const PackingQuestion& question, PackingFigures& figures) {
  figures.max_per_pack = question.max_per_pack;
  if (strategy == PackStrategy::kLeastSquares) {
    const int64_t bound = question.max_per_pack;
    figures.max_per_pack = bound > 0 ? std::min(bound, kMaxLeastSquaresDepth)
                                     : kMaxLeastSquaresDepth;
  }
  for (const HistogramPack& pack : PackHistogram(
           counts, question.max_length, strategy, figures.max_per_pack)) {
    figures.packs += pack.count;
  }
}

void CountNextFit(const std::vector<int64_t>& lengths,
                  const PackingQuestion& question, PackingFigures& figures) {
  figures.max_per_pack = question.max_per_pack;
  int64_t space = 0, rows = 0;
  for (int64_t length : lengths) {
    if (length > space ||
        (question.max_per_pack > 0 && rows == question.max_per_pack)) {
      ++figures.packs;
      space = question.max_length;
      rows = 0;
    }
    space -= length;
    ++rows;
  }
}

void CountLongest(const std::vector<int64_t>& lengths, int64_t batch_size,
                  PackingFigures& figures) {
  const auto rows = static_cast<int64_t>(lengths.size());
  for (int64_t i = 0; i < rows; i += std::min(batch_size, rows - i)) {
    const int64_t size = std::min(batch_size, rows - i);
    figures.slots += size * *std::max_element(lengths.begin() + i,
                                              lengths.begin() + i + size);
  }
}

// Rows in ascending order, batch after batch: all but the batches where the
// length changes have rows of one length.
void CountBucketed(const Counts& counts, int64_t batch_size,
                   PackingFigures& figures) {
  int64_t open = 0, width = 0;  // rows of the batch not yet full
  for (int64_t l = 1; l < static_cast<int64_t>(counts.size()); ++l) {
    int64_t rows = counts[l];
    if (rows == 0) continue;
    width = l;
    if (open > 0) {
      const int64_t taken = std::min(rows, batch_size - open);
      open += taken;
      rows -= taken;
      if (open < batch_size) continue;
      figures.slots += batch_size * l;
    }
    open = rows % batch_size;
    figures.slots += (rows - open) * l;
  }
  figures.slots += open * width;
}

}  // namespace

double PackingFigures::efficiency() const {
  return slots > 0 ? static_cast<double>(tokens) / static_cast<double>(slots)
                   : 0.0;
}

double PackingFigures::rows_per_pack() const {
  return packs > 0 ? static_cast<double>(rows) / static_cast<double>(packs)
                   : 0.0;
}

std::vector<std::string> PackingNames() {
  std::vector<std::string> names = PackStrategyNames();
  names.insert(names.end(), {kToMax, kToLongest, kBucketed});
  return names;
}

absl::StatusOr<PackingFigures> MeasurePacking(const std::string& name,
                                              const PackingQuestion& question) {
  const std::vector<std::string> names = PackingNames();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no packing strategy is called '", name, "'", DidYouMean(name, names)));
  }
  PackingFigures figures;
  figures.strategy = name;
  const std::optional<PackStrategy> strategy = StrategyOf(name);
  const bool wrapped = strategy == PackStrategy::kWrapped;
  if (strategy.has_value() && !wrapped) {
    SFT_RETURN_IF_ERROR(
        CheckPacking(*strategy, question.max_length, question.max_per_pack));
  }
  const Counts counts =
      wrapped ? question.counts_by_length : Cut(question, figures);
  for (size_t l = 1; l < counts.size(); ++l) {
    figures.rows += counts[l];
    figures.tokens += counts[l] * static_cast<int64_t>(l);
  }
  std::vector<int64_t> lengths;
  if (strategy == PackStrategy::kNextFit || name == kToLongest) {
    SFT_ASSIGN_OR_RETURN(
        lengths, ShuffledRows(name, counts, figures.rows, question.seed));
  }

  const Stopwatch watch;
  if (wrapped) {
    figures.packs = CeilDivide(figures.tokens, question.max_length);
  } else if (strategy == PackStrategy::kNextFit) {
    CountNextFit(lengths, question, figures);
  } else if (strategy.has_value()) {
    CountHistogram(counts, *strategy, question, figures);
  } else {
    figures.packs = figures.rows;
    if (name == kToLongest) {
      CountLongest(lengths, question.batch_size, figures);
    } else if (name == kBucketed) {
      CountBucketed(counts, question.batch_size, figures);
    }
  }
  if (strategy.has_value() || name == kToMax) {
    figures.slots = figures.packs * question.max_length;
  }
  figures.seconds = watch.WallSeconds();
  figures.steps = CeilDivide(figures.packs, question.batch_size);
  return figures;
}

}  // namespace sft::methods
