#include "harness/eval/heldout_windows.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/data/added_ids.h"
#include "harness/eval/answers.h"
#include "harness/eval/row_answers.h"

namespace sft::eval {
namespace {

using Ids = std::vector<int32_t>;

Example Unlabelled(int64_t row_id, Ids ids) {
  Example example;
  example.row_id = row_id;
  example.labels.assign(ids.size(), kNoLoss);
  example.input_ids = std::move(ids);
  return example;
}

}  // namespace

absl::StatusOr<HeldoutWindows> WindowsOf(
    const Tokenizer& tokenizer, const std::vector<std::string>& documents,
    int64_t window, int64_t max_tokens, const std::string& name,
    const std::string& bos) {
  if (window < 2) {
    return InputError("heldout_window",
                      absl::StrCat(window, " tokens predict nothing"));
  }
  SFT_ASSIGN_OR_RETURN(const AddedIds added, data::AddedIdsOf(tokenizer, bos));
  SFT_ASSIGN_OR_RETURN(const std::string bos_detail,
                       BosDetail(tokenizer, bos, "plain"));
  // Tokens that a window begins with, and of text that it can hold.
  const int64_t before = std::ssize(added.before);
  const int64_t room = window - before;
  if (room < 1) return InputError("heldout_window", "holds no token of text");
  const auto encode = [&](const std::string& document) {
    Ids ids = data::EncodeWhole(tokenizer, document, added);
    ids.erase(ids.begin(), ids.begin() + before);
    return ids;
  };
  HeldoutWindows held;
  std::vector<std::optional<Ids>> encoded(documents.size());
  int64_t left = max_tokens > 0 ? max_tokens : INT64_MAX;
  const int64_t least = before > 0 ? 1 : 2;  // else nothing is predicted
  bool more = true;
  for (int64_t w = 0; more && left >= least; ++w) {
    more = false;
    for (size_t d = 0; d < documents.size() && left >= least; ++d) {
      StopPoint();
      if (!encoded[d]) encoded[d] = encode(documents[d]);
      const int64_t begin = w * room;
      const int64_t length = std::min(
          {room, left, static_cast<int64_t>(encoded[d]->size()) - begin});
      if (length < least) continue;
      more = true;
      left -= length;
      const auto from = encoded[d]->begin() + begin;
      Ids ids = added.before;
      ids.insert(ids.end(), from, from + length);
      held.windows.push_back(
          Unlabelled((static_cast<int64_t>(d) << 20) + w, std::move(ids)));
      for (int64_t t = std::max<int64_t>(1, before); t < before + length; ++t) {
        held.wanted.push_back({std::ssize(held.windows) - 1, t - 1,
                               held.windows.back().input_ids[t]});
      }
    }
  }
  if (held.windows.empty()) return InputError(name, "no text to evaluate");
  held.detail = absl::StrCat("window:", window, "|max_tokens:", max_tokens,
                             "|order:first-windows-first", bos_detail,
                             bos_detail.empty() ? "" : " before each window");
  return held;
}

}  // namespace sft::eval
