#include "harness/eval/scoring.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "harness/data/collator.h"

namespace sft {
namespace {

// Rows of logits at a time: 128 x 49,152 f32 are 25 MB.
constexpr int64_t kHeadRows = 128;

// For wanted[i], i in `mine`, at flat row position flat[i]: out[i].
void Score(Model& model, const at::Tensor& h_TD,
           const std::vector<Wanted>& wanted, const std::vector<int64_t>& mine,
           const std::vector<int64_t>& flat, std::vector<double>& out,
           std::vector<bool>* likeliest) {
  for (size_t begin = 0; begin < mine.size();) {
    // Wanted tokens of one position share its logits.
    std::vector<int64_t> positions, rows, ids;
    size_t end = begin;
    for (; end < mine.size(); ++end) {
      if (positions.empty() || positions.back() != flat[end]) {
        if (static_cast<int64_t>(positions.size()) == kHeadRows) break;
        positions.push_back(flat[end]);
      }
      rows.push_back(static_cast<int64_t>(positions.size()) - 1);
      ids.push_back(wanted[mine[end]].token);
    }
    const at::Device device = h_TD.device();
    const at::Tensor at_M = at::tensor(positions, at::kLong).to(device);
    const at::Tensor logits_MV = model.Logits(h_TD.index_select(0, at_M));
    const at::Tensor norm_M = at::logsumexp(logits_MV, {1});
    const at::Tensor row = at::tensor(rows, at::kLong).to(device);
    const at::Tensor id = at::tensor(ids, at::kLong).to(device);
    const at::Tensor picked = logits_MV.index({row, id}).to(at::kDouble) -
                              norm_M.index_select(0, row).to(at::kDouble);
    const at::Tensor host = picked.cpu().contiguous();
    const double* values = host.data_ptr<double>();
    for (size_t i = begin; i < end; ++i) out[mine[i]] = values[i - begin];
    if (likeliest != nullptr) {
      const at::Tensor first =
          logits_MV.argmax(1).index_select(0, row).eq(id).cpu();
      for (size_t i = begin; i < end; ++i) {
        (*likeliest)[mine[i]] = first.const_data_ptr<bool>()[i - begin];
      }
    }
    begin = end;
  }
}

}  // namespace

std::vector<double> LogProbabilities(Model& model,
                                     const std::vector<Example>& sequences,
                                     const std::vector<Wanted>& wanted,
                                     int64_t max_tokens, int64_t* tokens,
                                     std::vector<bool>* likeliest) {
  const int64_t count = static_cast<int64_t>(sequences.size());
  const auto length = [&](int64_t s) {
    return static_cast<int64_t>(sequences[s].input_ids.size());
  };
  // first[s]: where the wanted tokens of sequence s begin.
  std::vector<int64_t> first(count + 1, 0);
  for (const Wanted& w : wanted) ++first[w.sequence + 1];
  std::partial_sum(first.begin(), first.end(), first.begin());

  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return length(a) > length(b); });

  std::vector<double> out(wanted.size(), 0.0);
  if (likeliest != nullptr) likeliest->assign(wanted.size(), false);
  for (size_t begin = 0; begin < order.size();) {
    std::vector<Piece> pieces;
    std::vector<int64_t> mine, flat;
    int64_t total = 0;
    size_t end = begin;
    for (; end < order.size(); ++end) {
      const int64_t s = order[end];
      if (!pieces.empty() && total + length(s) > max_tokens) break;
      if (first[s] == first[s + 1]) continue;  // nothing is asked of it
      pieces.push_back({s, 0, length(s)});
      for (int64_t i = first[s]; i < first[s + 1]; ++i) {
        mine.push_back(i);
        flat.push_back(total + wanted[i].position);
      }
      total += length(s);
    }
    begin = end;
    if (pieces.empty()) continue;
    Batch batch = FlatBatch(sequences, pieces);
    batch = OnDevice(std::move(batch), model.device());
    if (tokens != nullptr) *tokens += total;
    const at::Tensor h_TD = model.HiddenStates(batch).squeeze(0);
    Score(model, h_TD, wanted, mine, flat, out, likeliest);
  }
  return out;
}

}  // namespace sft
