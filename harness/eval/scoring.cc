#include "harness/eval/scoring.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "harness/core/stop_point.h"
#include "harness/data/collator.h"
#include "harness/model/ops/head_loss.h"

namespace sft::eval {
namespace {

// More logits than these are read in parts of the vocabulary of kColumns: 16
// MB of logits at a time are still in a processor's cache when they are summed.
// A device wants more work a launch.
constexpr int64_t kLogits = 1 << 22;
constexpr int64_t kLogitsOnDevice = 1 << 28;
constexpr int64_t kColumns = 2048;

// The logits of some rows: each part of the head meets all of them at once.
class RowsReader {
 public:
  RowsReader(model::Model& model, at::Tensor h_RD)
      : model_(model), h_RD_(std::move(h_RD)) {
    const int64_t vocabulary = model.info().vocabulary;
    const bool whole = h_RD_.size(0) * vocabulary <=
                       (h_RD_.is_cpu() ? kLogits : kLogitsOnDevice);
    columns_ = whole ? vocabulary : kColumns;
  }

  // log p of token ids[i] in row rows[i]; `likeliest` as below.
  std::vector<double> Read(const std::vector<int64_t>& rows,
                           const std::vector<int64_t>& ids,
                           std::vector<bool>* likeliest) {
    const int64_t vocabulary = model_.info().vocabulary;
    std::vector<double> picked(ids.size());
    for (int64_t first = 0; first < vocabulary; first += columns_) {
      const int64_t count = std::min(columns_, vocabulary - first);
      const at::Tensor logits_RC = model_.LogitsOf(h_RD_, first, count);
      const at::Tensor sum_R = model::LogSums(logits_RC);
      sums_R_ = sums_R_.defined() ? at::logaddexp(sums_R_, sum_R) : sum_R;
      if (likeliest != nullptr) KeepLargest(logits_RC, first);
      Pick(logits_RC, first, rows, ids, picked);
    }
    const at::Tensor sums = sums_R_.cpu();
    for (size_t i = 0; i < ids.size(); ++i) {
      picked[i] -= sums.const_data_ptr<double>()[rows[i]];
    }
    if (likeliest != nullptr) {
      const at::Tensor largest = largest_R_.cpu();
      likeliest->resize(ids.size());
      for (size_t i = 0; i < ids.size(); ++i) {
        (*likeliest)[i] = largest.const_data_ptr<int64_t>()[rows[i]] == ids[i];
      }
    }
    return picked;
  }

 private:
  void Pick(const at::Tensor& logits_RC, int64_t first,
            const std::vector<int64_t>& rows, const std::vector<int64_t>& ids,
            std::vector<double>& picked) {
    std::vector<int64_t> which, row, column;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] < first || ids[i] >= first + logits_RC.size(1)) continue;
      which.push_back(static_cast<int64_t>(i));
      row.push_back(rows[i]);
      column.push_back(ids[i] - first);
    }
    if (which.empty()) return;
    const auto there = [&](const std::vector<int64_t>& values) {
      return at::tensor(values, at::kLong).to(logits_RC.device());
    };
    const at::Tensor found =
        logits_RC.index({there(row), there(column)}).to(at::kDouble).cpu();
    for (size_t i = 0; i < which.size(); ++i) {
      picked[which[i]] = found.const_data_ptr<double>()[i];
    }
  }

  // The first of equal ones counts, as in argmax().
  void KeepLargest(const at::Tensor& logits_RC, int64_t first) {
    auto [value_R, at_R] = logits_RC.max(1);
    at_R = at_R + first;
    if (largest_R_.defined()) {
      const at::Tensor larger = value_R > value_R_;
      value_R = at::where(larger, value_R, value_R_);
      at_R = at::where(larger, at_R, largest_R_);
    }
    value_R_ = value_R;
    largest_R_ = at_R;
  }

  model::Model& model_;
  at::Tensor h_RD_;
  int64_t columns_ = 0;
  at::Tensor sums_R_;               // f64, log sum e^logit so far
  at::Tensor value_R_, largest_R_;  // largest logit so far, and whose it is
};

// For wanted[i], i in `mine`, at flat row position flat[i]: the log-probability
// of each; behind them, if asked for, whether each is the likeliest, 1 or 0.
std::vector<double> Score(model::Model& model, const at::Tensor& h_TD,
                          const std::vector<Wanted>& wanted,
                          const std::vector<int64_t>& mine,
                          const std::vector<int64_t>& flat,
                          bool with_likeliest) {
  // Wanted tokens of one position share its logits.
  std::vector<int64_t> positions, rows, ids;
  for (size_t i = 0; i < mine.size(); ++i) {
    if (positions.empty() || positions.back() != flat[i]) {
      positions.push_back(flat[i]);
    }
    rows.push_back(std::ssize(positions) - 1);
    ids.push_back(wanted[mine[i]].token);
  }
  const at::Tensor at_R = at::tensor(positions, at::kLong).to(h_TD.device());
  std::vector<bool> first;
  std::vector<double> out =
      RowsReader(model, h_TD.index_select(0, at_R))
          .Read(rows, ids, with_likeliest ? &first : nullptr);
  out.insert(out.end(), first.begin(), first.end());
  return out;
}

// Sequences that must be read together: one by itself, or a prefix and all
// that go on from it.
struct Group {
  std::vector<int64_t> sequences;
  int64_t tokens = 0;
};

// Those of which something is asked, the longest first.
std::vector<Group> MakeGroups(const std::vector<Example>& sequences,
                              const std::vector<int64_t>& prefixes,
                              const std::vector<int64_t>& first) {
  const int64_t count = std::ssize(sequences);
  std::vector<Group> all(count);
  std::vector<bool> asked(count, false);
  for (int64_t s = 0; s < count; ++s) {
    const int64_t head = prefixes.empty() || prefixes[s] < 0 ? s : prefixes[s];
    asked[head] = asked[head] || first[s] != first[s + 1];
    all[head].sequences.push_back(s);
    all[head].tokens += std::ssize(sequences[s].input_ids);
  }
  std::vector<Group> out;
  for (int64_t s = 0; s < count; ++s) {
    if (asked[s]) out.push_back(std::move(all[s]));
  }
  std::stable_sort(out.begin(), out.end(), [](const Group& a, const Group& b) {
    return a.tokens > b.tokens;
  });
  return out;
}

// The sequences of `pieces` end to end, those with a prefix behind it.
Batch BatchOf(const std::vector<Example>& sequences,
              const std::vector<int64_t>& prefixes,
              const std::vector<data::Piece>& pieces) {
  Batch batch = data::FlatBatch(sequences, pieces);
  if (prefixes.empty()) return batch;
  std::map<int64_t, int64_t> place;  // in the batch, of a sequence
  int64_t at = 0;
  for (const data::Piece& piece : pieces) {
    place[piece.index] = std::ssize(batch.prefixes);
    const int64_t prefix = prefixes[piece.index];
    batch.prefixes.push_back(prefix < 0 ? -1 : place.at(prefix));
    if (prefix >= 0) {
      batch.position_ids_BT.narrow(1, at, piece.length)
          .add_(std::ssize(sequences[prefix].input_ids));
    }
    at += piece.length;
  }
  return batch;
}

}  // namespace

std::vector<Wanted> TargetsOf(const std::vector<Example>& examples) {
  std::vector<Wanted> wanted;
  for (size_t i = 0; i < examples.size(); ++i) {
    const std::vector<int32_t>& labels = examples[i].labels;
    for (size_t t = 1; t < labels.size(); ++t) {
      if (labels[t] == kNoLoss) continue;
      wanted.push_back(
          {static_cast<int64_t>(i), static_cast<int64_t>(t) - 1, labels[t]});
    }
  }
  return wanted;
}

std::vector<double> LogProbabilities(model::Model& model,
                                     const std::vector<Example>& sequences,
                                     const std::vector<Wanted>& wanted,
                                     int64_t max_tokens, int64_t* tokens,
                                     std::vector<bool>* likeliest,
                                     const std::vector<int64_t>& prefixes) {
  // first[s]: where the wanted tokens of sequence s begin.
  std::vector<int64_t> first(sequences.size() + 1, 0);
  for (const Wanted& w : wanted) ++first[w.sequence + 1];
  std::partial_sum(first.begin(), first.end(), first.begin());
  const std::vector<Group> groups = MakeGroups(sequences, prefixes, first);

  std::vector<double> out(wanted.size(), 0.0);
  if (likeliest != nullptr) likeliest->assign(wanted.size(), false);
  for (size_t begin = 0; begin < groups.size();) {
    std::vector<data::Piece> pieces;
    std::vector<int64_t> mine, flat;
    int64_t total = 0;
    size_t end = begin;
    for (; end < groups.size(); ++end) {
      if (total > 0 && total + groups[end].tokens > max_tokens) break;
      for (int64_t s : groups[end].sequences) {
        const int64_t length = std::ssize(sequences[s].input_ids);
        pieces.push_back({s, 0, length});
        for (int64_t i = first[s]; i < first[s + 1]; ++i) {
          mine.push_back(i);
          flat.push_back(total + wanted[i].position);
        }
        total += length;
      }
    }
    begin = end;
    if (tokens != nullptr) *tokens += total;
    const size_t count = mine.size();
    const std::vector<double> scores = Piece(
        [&](const std::vector<double>& kept) {
          return kept.size() == (likeliest == nullptr ? count : 2 * count);
        },
        [&] {
          const Batch batch = data::OnDevice(
              BatchOf(sequences, prefixes, pieces), model.device());
          return Score(model, model.HiddenStates(batch).squeeze(0), wanted,
                       mine, flat, likeliest != nullptr);
        });
    for (size_t i = 0; i < count; ++i) {
      out[mine[i]] = scores[i];
      if (likeliest != nullptr) (*likeliest)[mine[i]] = scores[count + i] != 0;
    }
  }
  return out;
}

}  // namespace sft::eval
