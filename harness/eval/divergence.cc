#include "harness/eval/divergence.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "harness/core/stop_point.h"
#include "harness/data/collator.h"
#include "harness/eval/eval_support.h"

namespace sft::eval {
namespace {

// Rows of logits of both models at a time: 32 of 50,000 words in f64 are 13 MB.
constexpr int64_t kDivergenceRows = 32;

// KL of each row, hidden states [M, D] of either model.
std::vector<double> RowDivergences(model::Model& base, model::Model& tuned,
                                   const at::Tensor& base_MD,
                                   const at::Tensor& tuned_MD) {
  std::vector<double> out;
  const int64_t rows = base_MD.size(0);
  for (int64_t begin = 0; begin < rows; begin += kDivergenceRows) {
    const int64_t count = std::min(kDivergenceRows, rows - begin);
    const auto log_p = [&](model::Model& model, const at::Tensor& h_MD) {
      return at::log_softmax(
          model.Logits(h_MD.narrow(0, begin, count)).to(at::kDouble), 1);
    };
    const at::Tensor base_RV = log_p(base, base_MD);
    const at::Tensor tuned_RV = log_p(tuned, tuned_MD);
    const at::Tensor kl_R =
        (base_RV.exp() * (base_RV - tuned_RV)).sum(1).cpu().contiguous();
    const double* values = kl_R.const_data_ptr<double>();
    out.insert(out.end(), values, values + count);
  }
  return out;
}

}  // namespace

absl::StatusOr<EvalRecord> EvaluateDivergence(
    model::Model& base, model::Model& tuned,
    const std::vector<Example>& sequences, const std::vector<Wanted>& wanted,
    const std::string& task, const std::string& detail,
    const EvalOptions& options) {
  const Stopwatch watch;
  if (wanted.empty()) return InputError(task, "no token to compare models at");
  EvalRecord record = StartRecord(task, options);
  for (const Example& one : sequences) record.row_ids.push_back(one.row_id);
  const EvalScope scope(tuned);
  const EvalScope base_scope(base);
  std::vector<double> sums(sequences.size(), 0.0);
  std::vector<int64_t> counts(sequences.size(), 0);
  size_t next = 0;  // of `wanted`
  for (size_t begin = 0; begin < sequences.size();) {
    std::vector<data::Piece> pieces;
    std::vector<int64_t> positions, owners;
    int64_t total = 0;
    size_t end = begin;
    for (; end < sequences.size(); ++end) {
      const int64_t length = std::ssize(sequences[end].input_ids);
      if (total > 0 && total + length > options.max_tokens_a_batch) break;
      const int64_t own = static_cast<int64_t>(end);
      pieces.push_back({own, 0, length});
      for (; next < wanted.size() && wanted[next].sequence == own; ++next) {
        positions.push_back(total + wanted[next].position);
        owners.push_back(own);
      }
      total += length;
    }
    begin = end;
    if (positions.empty()) continue;
    record.tokens += total;
    const std::vector<double> values = Piece(
        [&](const std::vector<double>& kept) {
          return kept.size() == positions.size();
        },
        [&] {
          const auto hidden = [&](model::Model& model) {
            const Batch batch = data::OnDevice(
                data::FlatBatch(sequences, pieces), model.device());
            return model.HiddenStates(batch).squeeze(0).index_select(
                0, at::tensor(positions, at::kLong).to(model.device()));
          };
          return RowDivergences(base, tuned, hidden(base), hidden(tuned));
        });
    for (size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i])) {
        return absl::OutOfRangeError(
            absl::StrCat(task, ": the divergence is no finite number"));
      }
      sums[static_cast<size_t>(owners[i])] += values[i];
      ++counts[static_cast<size_t>(owners[i])];
    }
  }
  record.metrics = {metrics::MeanNats("kl_from_base", sums, counts, detail),
                    metrics::TokenCounts("kl_tokens", counts)};
  record.wall_seconds = watch.WallSeconds();
  return record;
}

}  // namespace sft::eval
