// What begins a text (BOS, <s>, [CLS]) stands once before a row, and only where
// the tokenizer, its template or `bos` wants it.
#include <algorithm>

#include "harness/core/status.h"
#include "harness/data/added_ids.h"
#include "harness/selfcheck/checks.h"

namespace sft::selfcheck {
namespace {

// How often `begin` is repeated at the beginning of `ids`.
int64_t TimesAtFront(std::vector<int32_t> ids,
                     const std::vector<int32_t>& begin) {
  int64_t times = 0;
  while (data::BeginsWith(ids, begin)) {
    ids.erase(ids.begin(), ids.begin() + std::ssize(begin));
    ++times;
  }
  return times;
}

absl::StatusOr<Finding> CheckBeginning(const Setting& setting) {
  const Tokenizer& tokenizer = *setting.tokenizer;
  SFT_ASSIGN_OR_RETURN(const std::vector<Example> rows, ExamplesOf(setting));
  std::vector<int32_t> begin;
  bool wanted = true;
  std::string by;
  if (setting.is_encoder()) {
    const std::optional<InputLayout> layout = tokenizer.input_layout();
    if (layout) begin = layout->before;
    by = "its layout";
  } else {
    SFT_ASSIGN_OR_RETURN(
        const std::string form,
        data::EffectiveForm(setting.task, tokenizer, setting.render_options));
    SFT_ASSIGN_OR_RETURN(
        const AddedIds added,
        data::AddedIdsOfForm(tokenizer, setting.config.bos, form));
    begin = added.before;
    by = "its tokenizer";
    if (begin.empty() && tokenizer.bos_id()) {
      begin = {*tokenizer.bos_id()};
      wanted = false;
      if (form == "chat") {
        SFT_ASSIGN_OR_RETURN(
            const std::string text,
            tokenizer.RenderChat(setting.rows[0].turns, false));
        wanted = data::BeginsWith(tokenizer.Encode(text), begin);
        by = "its template";
      }
    }
  }
  if (begin.empty()) {
    return Finding::NotAsked("its tokenizer has no token that begins a text");
  }
  for (const Example& row : rows) {
    const int64_t times = TimesAtFront(row.input_ids, begin);
    if (times == (wanted ? 1 : 0)) continue;
    return Finding::Fail(absl::StrCat("row ", row.row_id, " begins ", times,
                                      " times with id ", begin[0], ", wanted ",
                                      wanted ? "once" : "not at all"));
  }
  return Finding::Pass(wanted ? absl::StrCat("id ", begin[0],
                                             " begins each of ", rows.size(),
                                             " rows once, as ", by, " wants it")
                              : absl::StrCat("no row begins with id ", begin[0],
                                             ", which nothing prescribes"));
}

}  // namespace

Check BeginsOnce() {
  return {"bos", "what begins a text stands once before a row, if it is wanted",
          CheckBeginning};
}

}  // namespace sft::selfcheck
