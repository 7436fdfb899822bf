// A conversation has the ids of the model's own template, and loss on the
// answers with what ends them, and on nothing else.
#include <algorithm>

#include "absl/algorithm/container.h"
#include "harness/core/status.h"
#include "harness/data/added_ids.h"
#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/made_up_rows.h"

namespace sft::selfcheck {
namespace {

// What the template makes of a conversation, found without the renderer.
struct TemplateText {
  Encoding encoding;
  // Bytes of the contents, or of what {% generation %} wrote.
  std::vector<std::pair<size_t, size_t>> answers;
};

absl::StatusOr<TemplateText> TemplateTextOf(
    const Tokenizer& tokenizer, const std::vector<ChatTurn>& turns) {
  TemplateText out;
  SFT_ASSIGN_OR_RETURN(const RenderedChat chat,
                       tokenizer.RenderChatWith(turns, "", false));
  const std::string& text = chat.text;
  size_t from = 0;
  for (const ChatTurn& turn : turns) {
    const size_t at = text.find(turn.content, from);
    if (at == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          "its template leaves out '", turn.content, "' of the ", turn.role));
    }
    from = at + turn.content.size();
    if (turn.role == "assistant") out.answers.emplace_back(at, from);
  }
  if (chat.generated.size() == out.answers.size()) out.answers = chat.generated;
  out.encoding = tokenizer.EncodeWithOffsets(text);
  return out;
}

// Compares the row of one rendering; "" if all is well.
std::string Complaint(const Tokenizer& tokenizer, const TemplateText& wanted,
                      size_t first_answer, Example row) {
  const std::vector<int32_t>& ids = wanted.encoding.ids;
  // BOS that `bos` puts before a template's text.
  const std::optional<int32_t> bos = tokenizer.bos_id();
  if (bos && !row.input_ids.empty() && row.input_ids[0] == *bos &&
      (ids.empty() || ids[0] != *bos)) {
    row.input_ids.erase(row.input_ids.begin());
    row.labels.erase(row.labels.begin());
  }
  // A row ends with its answer: a line break behind that is left out.
  const size_t shared = std::min(ids.size(), row.input_ids.size());
  if (!std::equal(ids.begin(),
                  ids.begin() + static_cast<std::ptrdiff_t>(shared),
                  row.input_ids.begin())) {
    return "its ids are not those of the template's text";
  }
  const std::vector<int32_t> stops = tokenizer.stop_ids();
  std::vector<bool> must(row.input_ids.size()), may(row.input_ids.size());
  for (size_t a = first_answer; a < wanted.answers.size(); ++a) {
    const auto [begin, end] = wanted.answers[a];
    size_t t = 0;
    bool ended = false;
    for (; t < shared; ++t) {
      const auto [from, to] = wanted.encoding.offsets[t];
      const auto token_begin = static_cast<size_t>(from);
      const auto token_end = static_cast<size_t>(to);
      if (token_end <= begin || ended) continue;
      if (token_begin < end && token_end > begin) {
        may[t] = true;
        must[t] = token_begin >= begin;  // one may reach in from before
        continue;
      }
      // Behind the answer: through the token that ends it.
      ended = absl::c_linear_search(stops, ids[t]);
      may[t] = true;
      must[t] = ended;
      if (token_begin > end + 8) ended = true;  // nothing ends it
    }
  }
  for (size_t t = 0; t < row.input_ids.size(); ++t) {
    const bool bears = row.labels[t] != kNoLoss;
    if (t >= shared) continue;  // an end of turn that the template lacks
    if (bears && !may[t]) {
      return absl::StrCat("token ", t, " ('",
                          tokenizer.Decode({row.input_ids[t]}, false),
                          "') bears loss, and is no answer's");
    }
    if (!bears && must[t]) {
      return absl::StrCat("token ", t, " ('",
                          tokenizer.Decode({row.input_ids[t]}, false),
                          "') is an answer's, and bears no loss");
    }
  }
  return "";
}

// Of a conversation that came to an example an answer: each is that of the
// turns through its answer.
absl::StatusOr<std::string> ComplaintOfParts(
    const Tokenizer& tokenizer, const std::vector<ChatTurn>& turns,
    const std::vector<Example>& examples) {
  size_t next = 0;
  for (size_t i = 0; i < turns.size(); ++i) {
    if (turns[i].role != "assistant") continue;
    if (next == examples.size()) return "an answer has no example";
    SFT_ASSIGN_OR_RETURN(
        const TemplateText wanted,
        TemplateTextOf(tokenizer,
                       {turns.begin(),
                        turns.begin() + static_cast<std::ptrdiff_t>(i) + 1}));
    const std::string complaint = Complaint(
        tokenizer, wanted, wanted.answers.size() - 1, examples[next++]);
    if (!complaint.empty()) return complaint;
  }
  return next == examples.size() ? "" : "an example has no answer";
}

absl::StatusOr<Finding> CheckChat(const Setting& setting) {
  const Tokenizer& tokenizer = *setting.tokenizer;
  if (setting.is_encoder() || !tokenizer.has_chat_template()) {
    return Finding::NotAsked("the model has no chat template");
  }
  data::Row row;
  row.turns = MadeUpChat();
  const data::Task task;
  SFT_ASSIGN_OR_RETURN(const TemplateText wanted,
                       TemplateTextOf(tokenizer, row.turns));
  const size_t answers = wanted.answers.size();
  for (const auto& [loss_on, first] :
       {std::pair<const char*, size_t>("all_assistant", 0),
        std::pair<const char*, size_t>("last", answers - 1)}) {
    data::RenderOptions options = setting.render_options;
    options.form = "chat";
    options.loss_on = loss_on;
    options.loss_on_prompt = 0;
    options.system_prompt = "";
    options.max_length = std::max<int64_t>(options.max_length, 512);
    SFT_ASSIGN_OR_RETURN(const data::RenderedRows rendered,
                         setting.render({row}, task, options));
    if (rendered.rows_in_parts == 0 && rendered.examples.size() != 1) {
      return Finding::Fail(absl::StrCat(
          "a conversation is refused: ",
          rendered.refused.empty() ? "" : rendered.refused[0].reason));
    }
    std::string complaint;
    if (rendered.rows_in_parts > 0) {
      SFT_ASSIGN_OR_RETURN(
          complaint, ComplaintOfParts(tokenizer, row.turns, rendered.examples));
    } else {
      complaint = Complaint(tokenizer, wanted, first, rendered.examples[0]);
    }
    if (!complaint.empty()) {
      return Finding::Fail(absl::StrCat("loss_on ", loss_on, ": ", complaint));
    }
  }
  return Finding::Pass(absl::StrCat("a conversation of ", row.turns.size(),
                                    " turns, ", wanted.encoding.ids.size(),
                                    " ids, loss on all answers or the last"));
}

}  // namespace

Check ChatEqualsTemplate() {
  return {"chat",
          "a conversation is the model's own template, with loss on the "
          "answers and their ends alone",
          CheckChat};
}

}  // namespace sft::selfcheck
