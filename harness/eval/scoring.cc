#include "harness/eval/scoring.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "harness/data/collator.h"
#include "harness/model/head_loss.h"

namespace sft {
namespace {

// Rows of logits at a time, for each of which the whole head is read: 512 x
// 49,152 f32 are 101 MB.
constexpr int64_t kHeadRows = 512;

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
    const at::Tensor norm_M = LogSums(logits_MV);
    const at::Tensor row = at::tensor(rows, at::kLong).to(device);
    const at::Tensor id = at::tensor(ids, at::kLong).to(device);
    const at::Tensor picked = logits_MV.index({row, id}).to(at::kDouble) -
                              norm_M.index_select(0, row);
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
              const std::vector<Piece>& pieces) {
  Batch batch = FlatBatch(sequences, pieces);
  if (prefixes.empty()) return batch;
  std::map<int64_t, int64_t> place;  // in the batch, of a sequence
  int64_t at = 0;
  for (const Piece& piece : pieces) {
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

std::vector<double> LogProbabilities(Model& model,
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
    std::vector<Piece> pieces;
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
    Batch batch =
        OnDevice(BatchOf(sequences, prefixes, pieces), model.device());
    if (tokens != nullptr) *tokens += total;
    const at::Tensor h_TD = model.HiddenStates(batch).squeeze(0);
    Score(model, h_TD, wanted, mine, flat, out, likeliest);
  }
  return out;
}

}  // namespace sft
