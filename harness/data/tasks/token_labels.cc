// Named entities: a BIO tag for each word. An encoder tags the words; a decoder
// writes the entities, which are read back as tags.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/data/entity_answer.h"
#include "harness/data/tasks/kinds.h"
#include "harness/data/tasks/user_record.h"

namespace sft::data {
namespace {

absl::StatusOr<std::vector<HeadWindow>> WordWindows(const HeadInput& in) {
  const Row& row = in.row;
  const std::vector<std::string> classes = TagClasses(in.task);
  if (row.words.empty() || row.words.size() != row.tags.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        row.words.size(), " words with ", row.tags.size(), " tags"));
  }
  TextSide side;
  std::vector<int64_t> begins;
  for (size_t w = 0; w < row.words.size(); ++w) {
    const auto found = std::find(classes.begin(), classes.end(), row.tags[w]);
    if (found == classes.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "word ", w + 1, ": tag '", row.tags[w], "' is none of the task's"));
    }
    const std::vector<int32_t> ids = in.tokenizer.Encode(
        (in.layout.space_before_words ? " " : "") + row.words[w]);
    if (ids.empty()) {
      begins.push_back(-1);
      continue;
    }
    begins.push_back(side.size());
    side.labels.push_back(static_cast<int32_t>(found - classes.begin()));
    side.labels.insert(side.labels.end(), ids.size() - 1, kNoLoss);
    side.ids.insert(side.ids.end(), ids.begin(), ids.end());
  }
  std::vector<HeadWindow> windows = {
      WholeWindow(in.layout, side, std::nullopt, in.max_length)};
  const int64_t kept = side.size() - windows[0].cut_tokens;
  const int64_t first = std::ssize(in.layout.before);
  for (int64_t begin : begins) {
    const bool is_kept = begin >= 0 && begin < kept;
    windows[0].word_tokens.push_back(is_kept ? first + begin : -1);
  }
  return windows;
}

UserParts TokenLabelsParts(const spec::UserData&,
                           const std::vector<std::string>&) {
  return {.prompt = {"words"}, .answer = {"tags"}};
}

absl::Status CheckTags(const Row& row, const Task& task) {
  if (row.words.size() != row.tags.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        row.words.size(), " words with ", row.tags.size(), " tags"));
  }
  std::string before = "O";
  for (size_t w = 0; w < row.tags.size(); ++w) {
    const std::string& tag = row.tags[w];
    const std::string type = tag.size() > 2 ? tag.substr(2) : "";
    const bool known =
        tag == "O" || ((tag[0] == 'B' || tag[0] == 'I') && tag[1] == '-' &&
                       std::find(task.labels.begin(), task.labels.end(),
                                 type) != task.labels.end());
    if (!known) {
      return absl::InvalidArgumentError(absl::StrCat(
          "word ", w + 1, ": tag '", tag, "' is neither O nor B- or I- of ",
          CanonicalText(task.labels).substr(0, 200)));
    }
    if (tag[0] == 'I' && (before == "O" || before.substr(2) != type)) {
      return absl::InvalidArgumentError(
          absl::StrCat("word ", w + 1, ": ", tag, " follows ", before,
                       ", wanted B-", type, " first"));
    }
    before = tag;
  }
  return absl::OkStatus();
}

absl::Status FillTokenLabels(const UserRecord& record, const Task& task,
                             Row& row) {
  for (auto [part, out] : {std::make_pair("words", &row.words),
                           std::make_pair("tags", &row.tags)}) {
    SFT_ASSIGN_OR_RETURN(const nlohmann::json* value, record.Wanted(part));
    *out = record.Words(*value);
  }
  SFT_RETURN_IF_ERROR(CheckTags(row, task));
  return record.Ask(
      "Text: {words}\nEntities:", EntityAnswer(row.words, row.tags), row);
}

absl::Status AddTypes(const UserRecord& record, std::set<std::string>& types) {
  const nlohmann::json* value = record.Find("tags");
  if (value == nullptr) return absl::OkStatus();
  for (const std::string& tag : record.Words(*value)) {
    int64_t number = 0;
    if (absl::SimpleAtoi(tag, &number)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tag ", tag, ": wanted names, as B-person, not numbers"));
    }
    if (tag.size() > 2 && tag[1] == '-') types.insert(tag.substr(2));
  }
  return absl::OkStatus();
}

std::string TypeComplaint(const std::string& type) {
  const std::string why = EntityTypeComplaint(type);
  if (why.empty()) return "";
  return absl::StrCat("entity type '", type, "' ", why,
                      ", which the written form 'type: words; type: words' "
                      "cannot carry; name it otherwise in the file, such as "
                      "with _");
}

}  // namespace

TaskKindRow TokenLabelsKind() {
  TaskKindRow row{.name = "token_labels",
                  .summary = "named entities: a BIO tag for each word",
                  .generates = true,
                  .writes_tags = true};
  row.head =
      HeadForm{HeadKind::kToken,
               [](const Task& task) { return 1 + 2 * std::ssize(task.labels); },
               WordWindows};
  UserForm user = PlainUserForm(row.name, {"span_f1", "span_f1_strict"});
  user.formats = {"conll"};
  user.parts = TokenLabelsParts;
  user.fill = FillTokenLabels;
  user.label_noun = "B- tag of an entity";
  user.add_labels = AddTypes;
  user.label_complaint = TypeComplaint;
  row.user = std::move(user);
  return row;
}

}  // namespace sft::data
