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

// A document's tokens, without what stands around it, and for each the byte
// behind it, where bytes are counted.
struct EncodedText {
  Ids ids;
  std::vector<int64_t> ends;
};

EncodedText EncodeText(const Tokenizer& tokenizer, const std::string& text,
                       const AddedIds& added, bool count_bytes) {
  EncodedText out;
  out.ids = data::EncodeWhole(tokenizer, text, added);
  out.ids.erase(out.ids.begin(), out.ids.begin() + std::ssize(added.before));
  if (!count_bytes) return out;
  // A text may begin with BOS itself, and none may end behind it.
  const Encoding encoding = tokenizer.EncodeWithOffsets(text);
  const int64_t skipped =
      std::max<int64_t>(0, std::ssize(encoding.offsets) - std::ssize(out.ids));
  for (int64_t i = 0; i < std::ssize(out.ids); ++i) {
    const int64_t at = i + skipped;
    const bool known = at < std::ssize(encoding.offsets);
    out.ends.push_back(known ? encoding.offsets[at].second : std::ssize(text));
  }
  // Bytes that no token names, such as spaces that are dropped, are the last
  // one's.
  if (!out.ends.empty()) out.ends.back() = std::ssize(text);
  return out;
}

}  // namespace

absl::StatusOr<HeldoutWindows> WindowsOf(
    const Tokenizer& tokenizer, const std::vector<std::string>& documents,
    const HeldoutForm& form, const std::string& name) {
  if (form.window < 2) {
    return InputError("heldout_window",
                      absl::StrCat(form.window, " tokens predict nothing"));
  }
  SFT_ASSIGN_OR_RETURN(const AddedIds added,
                       data::AddedIdsOf(tokenizer, form.bos));
  SFT_ASSIGN_OR_RETURN(const std::string bos_detail,
                       BosDetail(tokenizer, form.bos, "plain"));
  // Tokens that a window begins with, and of text that it can hold.
  const int64_t before = std::ssize(added.before);
  const int64_t room = form.window - before;
  if (room < 1) return InputError("heldout_window", "holds no token of text");
  if (form.stride > room) {
    return InputError("heldout_stride",
                      absl::StrCat(form.stride, ": a window holds ", room,
                                   " tokens of text, some would be left out"));
  }
  const int64_t step = form.stride > 0 ? form.stride : room;
  HeldoutWindows held;
  std::vector<std::optional<EncodedText>> encoded(documents.size());
  int64_t left = form.max_tokens > 0 ? form.max_tokens : INT64_MAX;
  bool more = true;
  for (int64_t w = 0; more && left > 0; ++w) {
    more = false;
    for (size_t d = 0; d < documents.size() && left > 0; ++d) {
      StopPoint();
      if (!encoded[d]) {
        encoded[d] =
            EncodeText(tokenizer, documents[d], added, form.count_bytes);
      }
      const EncodedText& text = *encoded[d];
      // Tokens of text: the window's, and the first that none had before.
      const int64_t begin = w * step;
      const int64_t fresh = w == 0 ? 0 : begin - step + room;
      const int64_t end = fresh + std::min({begin + room - fresh, left,
                                            std::ssize(text.ids) - fresh});
      // What is read first predicts, unless BOS or older text stands before it.
      const int64_t first = std::max(fresh, begin + (before > 0 ? 0 : 1));
      if (end <= first) continue;
      more = true;
      left -= end - fresh;
      Ids ids = added.before;
      ids.insert(ids.end(), text.ids.begin() + begin, text.ids.begin() + end);
      held.windows.push_back(
          Unlabelled((static_cast<int64_t>(d) << 20) + w, std::move(ids)));
      for (int64_t t = before + first - begin; t < before + end - begin; ++t) {
        held.wanted.push_back({std::ssize(held.windows) - 1, t - 1,
                               held.windows.back().input_ids[t]});
      }
      if (form.count_bytes) {
        held.bytes.push_back(text.ends[end - 1] -
                             (first > 0 ? text.ends[first - 1] : 0));
      }
    }
  }
  if (held.windows.empty()) return InputError(name, "no text to evaluate");
  held.detail = absl::StrCat(
      "window:", form.window,
      form.stride > 0 ? absl::StrCat("|stride:", form.stride) : "",
      "|max_tokens:", form.max_tokens, "|order:first-windows-first", bos_detail,
      bos_detail.empty() ? "" : " before each window");
  return held;
}

}  // namespace sft::eval
