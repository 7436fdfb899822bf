#include "methods/packing.h"

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace sft::methods {
namespace {

// What planning did, over all passes so far.
struct PackCounts {
  int64_t bins = 0;
  int64_t capacity_tokens = 0;
  int64_t tokens = 0;
  int64_t truncated_rows = 0;
  int64_t truncated_tokens = 0;
  int64_t split_rows = 0;
  int64_t lost_target_tokens = 0;

  std::map<std::string, double> Report() const {
    const auto number = [](int64_t n) { return static_cast<double>(n); };
    return {
        {"packing.bins", number(bins)},
        {"packing.efficiency",
         capacity_tokens > 0 ? number(tokens) / number(capacity_tokens) : 0.0},
        {"packing.truncated_rows", number(truncated_rows)},
        {"packing.truncated_tokens", number(truncated_tokens)},
        {"packing.split_rows", number(split_rows)},
        {"packing.lost_target_tokens", number(lost_target_tokens)}};
  }
};

int64_t LengthOf(const Example& example) {
  return static_cast<int64_t>(example.input_ids.size());
}

int64_t TargetsIn(const Example& example, int64_t begin, int64_t end) {
  return std::count_if(example.labels.begin() + begin,
                       example.labels.begin() + end,
                       [](int32_t label) { return label != kNoLoss; });
}

// Of sequences of their own: nothing precedes a piece's first token.
int64_t TargetsOfPieces(const std::vector<Example>& examples,
                        const std::vector<data::Piece>& pieces) {
  int64_t targets = 0;
  for (const data::Piece& piece : pieces) {
    const Example& example = examples[piece.index];
    const int64_t skip = example.head == HeadKind::kNextToken ? 1 : 0;
    targets +=
        TargetsIn(example, piece.begin + skip, piece.begin + piece.length);
  }
  return targets;
}

data::BatchSize FlatSize(const std::vector<Example>& examples,
                         const std::vector<data::Piece>& pieces) {
  data::BatchSize size;
  for (const data::Piece& piece : pieces) {
    size.sequences.push_back(piece.length);
  }
  size.target_tokens = TargetsOfPieces(examples, pieces);
  return size;
}

// --- padded and padding_free ----------------------------------------------

// Both plan the same rows into the same micro-batches.
class RowCollator : public data::Collator {
 public:
  RowCollator(bool bucketed, int64_t batch_size, int64_t max_length)
      : bucketed_(bucketed), batch_size_(batch_size), max_length_(max_length) {}

  std::vector<data::MicroBatchPlan> PlanPass(
      const std::vector<Example>& examples, const std::vector<int64_t>& order,
      Rng& rng) const override {
    std::vector<data::Piece> rows;
    for (int64_t index : order) {
      const Example& example = examples[index];
      const int64_t length = LengthOf(example);
      const int64_t kept = std::min(length, max_length_);
      if (kept == 0) continue;
      if (kept < length) {
        ++counts_.truncated_rows;
        counts_.truncated_tokens += length - kept;
        counts_.lost_target_tokens += TargetsIn(example, kept, length);
      }
      rows.push_back({index, 0, kept});
    }
    if (bucketed_) {
      std::stable_sort(rows.begin(), rows.end(),
                       [](const data::Piece& a, const data::Piece& b) {
                         return a.length < b.length;
                       });
    }
    std::vector<data::MicroBatchPlan> plans;
    for (size_t i = 0; i < rows.size(); i += batch_size_) {
      const size_t end = std::min(rows.size(), i + batch_size_);
      plans.push_back({{rows.begin() + i, rows.begin() + end}});
      CountBatch(plans.back());
    }
    if (bucketed_) rng.Shuffle(plans);
    return plans;
  }

  std::map<std::string, double> Report() const override {
    return counts_.Report();
  }

 protected:
  // Slots that a batch of these pieces computes.
  virtual int64_t Slots(const data::MicroBatchPlan& plan) const = 0;
  int64_t max_length() const { return max_length_; }

 private:
  void CountBatch(const data::MicroBatchPlan& plan) const {
    counts_.bins += static_cast<int64_t>(plan.pieces.size());
    for (const data::Piece& piece : plan.pieces) counts_.tokens += piece.length;
    counts_.capacity_tokens += Slots(plan);
  }

  bool bucketed_;
  int64_t batch_size_;
  int64_t max_length_;
  mutable PackCounts counts_;
};

class PaddedCollator : public RowCollator {
 public:
  PaddedCollator(const PaddedOptions& options, int64_t batch_size,
                 int64_t max_length)
      : RowCollator(options.order == "bucketed", batch_size, max_length),
        pad_to_(options.pad_to == "max" ? max_length : 0) {}

  Batch Collate(const std::vector<Example>& examples,
                const data::MicroBatchPlan& plan) const override {
    // Right pads are seen by no real token, so any id would do.
    return data::PaddedBatch(examples, plan.pieces, pad_to_, /*pad_id=*/0);
  }
  data::BatchSize SizeOf(const std::vector<Example>& examples,
                         const data::MicroBatchPlan& plan) const override {
    return {.sequences = std::vector<int64_t>(plan.pieces.size(), Width(plan)),
            .target_tokens = TargetsOfPieces(examples, plan.pieces)};
  }

 protected:
  int64_t Slots(const data::MicroBatchPlan& plan) const override {
    return Width(plan) * static_cast<int64_t>(plan.pieces.size());
  }

 private:
  int64_t Width(const data::MicroBatchPlan& plan) const {
    int64_t width = pad_to_;
    for (const data::Piece& p : plan.pieces) width = std::max(width, p.length);
    return width;
  }

  int64_t pad_to_;
};

class PaddingFreeCollator : public RowCollator {
 public:
  PaddingFreeCollator(const PaddingFreeOptions& options, int64_t batch_size,
                      int64_t max_length)
      : RowCollator(options.order == "bucketed", batch_size, max_length) {}

  Batch Collate(const std::vector<Example>& examples,
                const data::MicroBatchPlan& plan) const override {
    return data::FlatBatch(examples, plan.pieces);
  }
  data::BatchSize SizeOf(const std::vector<Example>& examples,
                         const data::MicroBatchPlan& plan) const override {
    return FlatSize(examples, plan.pieces);
  }

 protected:
  int64_t Slots(const data::MicroBatchPlan& plan) const override {
    int64_t tokens = 0;
    for (const data::Piece& piece : plan.pieces) tokens += piece.length;
    return tokens;
  }
};

// --- packed -----------------------------------------------------------------

int64_t TokensIn(const std::vector<data::Piece>& bin) {
  int64_t tokens = 0;
  for (const data::Piece& piece : bin) tokens += piece.length;
  return tokens;
}

class PackedCollator : public data::Collator {
 public:
  PackedCollator(const PackedOptions& options, int64_t batch_size,
                 int64_t max_length)
      : strategy_(options.pack_strategy()),
        overflow_(options.pack_overflow()),
        max_per_pack_(options.max_per_pack),
        batch_size_(batch_size),
        max_length_(max_length) {}

  std::vector<data::MicroBatchPlan> PlanPass(
      const std::vector<Example>& examples, const std::vector<int64_t>& order,
      Rng& rng) const override {
    std::vector<int64_t> lengths;
    for (int64_t index : order) lengths.push_back(LengthOf(examples[index]));
    PackResult packed =
        PackLengths(lengths, max_length_, strategy_, overflow_, max_per_pack_);
    for (auto& bin : packed.bins) {
      for (data::Piece& piece : bin) piece.index = order[piece.index];
    }
    Count(examples, order, packed);
    rng.Shuffle(packed.bins);

    std::vector<data::MicroBatchPlan> plans;
    for (size_t i = 0; i < packed.bins.size(); i += batch_size_) {
      const size_t end = std::min(packed.bins.size(), i + batch_size_);
      // Collate() finds the ends of wrapped bins by their being full; the one
      // that is not goes last.
      std::stable_partition(packed.bins.begin() + i, packed.bins.begin() + end,
                            [this](const std::vector<data::Piece>& bin) {
                              return !wrapped() || TokensIn(bin) == max_length_;
                            });
      data::MicroBatchPlan plan;
      for (size_t b = i; b < end; ++b) {
        plan.pieces.insert(plan.pieces.end(), packed.bins[b].begin(),
                           packed.bins[b].end());
      }
      plans.push_back(std::move(plan));
    }
    return plans;
  }

  Batch Collate(const std::vector<Example>& examples,
                const data::MicroBatchPlan& plan) const override {
    if (!wrapped()) return data::FlatBatch(examples, plan.pieces);
    // A bin becomes one row, as if its pieces were one text.
    std::vector<Example> bins;
    for (const data::Piece& piece : plan.pieces) {
      if (bins.empty() || LengthOf(bins.back()) == max_length_) {
        bins.emplace_back();
        bins.back().row_id = examples[piece.index].row_id;
      }
      const Example& from = examples[piece.index];
      Example& bin = bins.back();
      TORCH_CHECK(from.head == HeadKind::kNextToken,
                  "wrapped packing cuts rows, and a head reads whole ones");
      TORCH_CHECK(LengthOf(bin) + piece.length <= max_length_,
                  "a wrapped bin of more than ", max_length_, " tokens");
      const auto end = piece.begin + piece.length;
      bin.input_ids.insert(bin.input_ids.end(),
                           from.input_ids.begin() + piece.begin,
                           from.input_ids.begin() + end);
      bin.labels.insert(bin.labels.end(), from.labels.begin() + piece.begin,
                        from.labels.begin() + end);
    }
    std::vector<data::Piece> rows;
    for (size_t b = 0; b < bins.size(); ++b) {
      rows.push_back({static_cast<int64_t>(b), 0, LengthOf(bins[b])});
    }
    return data::FlatBatch(bins, rows);
  }

  data::BatchSize SizeOf(const std::vector<Example>& examples,
                         const data::MicroBatchPlan& plan) const override {
    if (!wrapped()) return FlatSize(examples, plan.pieces);
    data::BatchSize size;
    for (const data::Piece& piece : plan.pieces) {
      const bool begins =
          size.sequences.empty() || size.sequences.back() == max_length_;
      if (begins) size.sequences.push_back(0);
      size.sequences.back() += piece.length;
      size.target_tokens +=
          TargetsIn(examples[piece.index], piece.begin + (begins ? 1 : 0),
                    piece.begin + piece.length);
    }
    return size;
  }

  std::map<std::string, double> Report() const override {
    return counts_.Report();
  }

 private:
  bool wrapped() const { return strategy_ == PackStrategy::kWrapped; }

  void Count(const std::vector<Example>& examples,
             const std::vector<int64_t>& order,
             const PackResult& packed) const {
    int64_t kept_targets = 0, all_targets = 0;
    for (const auto& bin : packed.bins) {
      for (size_t p = 0; p < bin.size(); ++p) {
        const data::Piece& piece = bin[p];
        counts_.tokens += piece.length;
        // A piece's first token has nothing before it to be predicted from,
        // but within a wrapped bin.
        const bool next_token =
            examples[piece.index].head == HeadKind::kNextToken;
        const int64_t skip = !next_token || (wrapped() && p > 0) ? 0 : 1;
        kept_targets += TargetsIn(examples[piece.index], piece.begin + skip,
                                  piece.begin + piece.length);
      }
    }
    for (int64_t index : order) all_targets += examples[index].target_tokens();
    const int64_t bins = static_cast<int64_t>(packed.bins.size());
    counts_.bins += bins;
    counts_.capacity_tokens += bins * max_length_;
    counts_.truncated_rows += packed.truncated_rows;
    counts_.truncated_tokens += packed.truncated_tokens;
    counts_.split_rows += packed.split_rows;
    counts_.lost_target_tokens += all_targets - kept_targets;
  }

  PackStrategy strategy_;
  PackOverflow overflow_;
  int64_t max_per_pack_;
  int64_t batch_size_;
  int64_t max_length_;
  mutable PackCounts counts_;
};

}  // namespace

PackStrategy PackedOptions::pack_strategy() const {
  for (const auto& [name, known] : AllPackStrategies()) {
    if (strategy == name) return known;
  }
  TORCH_CHECK(false, "no packing strategy is called '", strategy, "'");
}

PackOverflow PackedOptions::pack_overflow() const {
  return overflow == "split" ? PackOverflow::kSplit : PackOverflow::kTruncate;
}

std::unique_ptr<data::Collator> MakePaddedCollator(const PaddedOptions& options,
                                                   int64_t batch_size,
                                                   int64_t max_length) {
  return std::make_unique<PaddedCollator>(options, batch_size, max_length);
}
std::unique_ptr<data::Collator> MakePaddingFreeCollator(
    const PaddingFreeOptions& options, int64_t batch_size, int64_t max_length) {
  return std::make_unique<PaddingFreeCollator>(options, batch_size, max_length);
}
std::unique_ptr<data::Collator> MakePackedCollator(const PackedOptions& options,
                                                   int64_t batch_size,
                                                   int64_t max_length) {
  return std::make_unique<PackedCollator>(options, batch_size, max_length);
}

}  // namespace sft::methods
