#include "harness/data/user_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/entity_answer.h"
#include "harness/data/jsonl.h"

namespace sft {
namespace {

using Json = nlohmann::json;

std::string TextOf(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// A list as one; a text that is a list in JSON; else the text by itself.
std::vector<std::string> ListOf(const Json& value) {
  Json list = value;
  if (value.is_string()) {
    absl::StatusOr<Json> parsed = ParseJson(value.get<std::string>());
    if (parsed.ok() && parsed->is_array()) list = *parsed;
  }
  std::vector<std::string> out;
  if (!list.is_array()) return {TextOf(list)};
  for (const Json& item : list) out.push_back(TextOf(item));
  return out;
}

// A list of words, or a text with spaces between them.
std::vector<std::string> Words(const Json& value) {
  std::vector<std::string> words = ListOf(value);
  if (words.size() == 1) {
    const std::string text = words.front();
    words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  }
  return words;
}

class RowMaker {
 public:
  RowMaker(const Json& record, const Task& task, const UserData& data)
      : record_(record), task_(task), data_(data) {}

  absl::StatusOr<Row> Make(int64_t line) {
    row_.id = line;
    SFT_RETURN_IF_ERROR(Fill());
    return std::move(row_);
  }

 private:
  absl::Status Fill() {
    switch (task_.kind) {
      case TaskKind::kClassification:
        return Classification();
      case TaskKind::kTokenLabels:
        return TokenLabels();
      case TaskKind::kQuestionAnswering:
        return QuestionAnswering();
      case TaskKind::kGeneration:
        return Generation();
      case TaskKind::kMultipleChoice:
        return MultipleChoice();
      case TaskKind::kLanguageModeling: {
        SFT_ASSIGN_OR_RETURN(row_.text, Text("text"));
        return absl::OkStatus();
      }
      default:
        return Instruction();
    }
  }

  std::string Column(const std::string& part) const {
    const auto it = data_.columns.find(part);
    return it == data_.columns.end() ? part : it->second;
  }
  // nullptr where the column is absent or null.
  const Json* Find(const std::string& part) const {
    const auto it = record_.find(Column(part));
    return it == record_.end() || it->is_null() ? nullptr : &*it;
  }
  absl::StatusOr<const Json*> Wanted(const std::string& part) const {
    const Json* value = Find(part);
    if (value != nullptr && !(value->is_string() && value->empty())) {
      return value;
    }
    return absl::InvalidArgumentError(absl::StrCat("column '", Column(part),
                                                   "' (", part,
                                                   ") is missing or "
                                                   "empty"));
  }
  absl::StatusOr<std::string> Text(const std::string& part) const {
    SFT_ASSIGN_OR_RETURN(const Json* value, Wanted(part));
    std::string text = TextOf(*value);
    if (!text.empty()) return text;
    return absl::InvalidArgumentError(
        absl::StrCat("column '", Column(part), "' (", part, ") is empty"));
  }
  std::string TextOrNone(const std::string& part) const {
    const Json* value = Find(part);
    return value == nullptr ? "" : TextOf(*value);
  }

  // data.prompt_template, or the task's own, with {column} filled in.
  absl::StatusOr<std::string> Prompt(std::string_view standard) const {
    const std::string_view form =
        data_.prompt_template.empty() ? standard : data_.prompt_template;
    std::string out;
    for (size_t i = 0; i < form.size(); ++i) {
      const bool doubled = i + 1 < form.size() && form[i + 1] == form[i];
      if ((form[i] == '{' || form[i] == '}') && doubled) {
        out += form[i++];
        continue;
      }
      if (form[i] != '{') {
        out += form[i];
        continue;
      }
      const size_t end = form.find('}', i);
      if (end == std::string_view::npos) {
        return absl::InvalidArgumentError("template: a '{' is never closed");
      }
      const std::string name(form.substr(i + 1, end - i - 1));
      auto it = record_.find(name);
      if (it == record_.end()) it = record_.find(Column(name));
      if (it == record_.end()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "template: no column '", name, "' ({{ is a brace itself)"));
      }
      out += it->is_null()    ? ""
             : it->is_array() ? absl::StrJoin(ListOf(*it), " ")
                              : TextOf(*it);
      i = end;
    }
    return out;
  }
  absl::Status Ask(std::string_view standard, const std::string& answer) {
    SFT_ASSIGN_OR_RETURN(std::string prompt, Prompt(standard));
    row_.turns = {{"user", std::move(prompt)}, {"assistant", answer}};
    return absl::OkStatus();
  }

  absl::Status Classification() {
    SFT_ASSIGN_OR_RETURN(row_.text, Text("text"));
    row_.text_pair = TextOrNone("text_pair");
    SFT_ASSIGN_OR_RETURN(const std::string label, Text("label"));
    const auto found =
        std::find(task_.labels.begin(), task_.labels.end(), label);
    if (found == task_.labels.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("label '", label, "' is none of ",
                       CanonicalText(task_.labels).substr(0, 200)));
    }
    row_.label = found - task_.labels.begin();
    return Ask(row_.text_pair.empty() ? "{text}\nLabel:"
                                      : "{text}\n{text_pair}\nLabel:",
               label);
  }

  absl::Status TokenLabels() {
    for (auto [part, out] : {std::make_pair("words", &row_.words),
                             std::make_pair("tags", &row_.tags)}) {
      SFT_ASSIGN_OR_RETURN(const Json* value, Wanted(part));
      *out = Words(*value);
    }
    SFT_RETURN_IF_ERROR(CheckTags());
    SFT_ASSIGN_OR_RETURN(std::string prompt,
                         Prompt("Text: {words}\nEntities:"));
    row_.turns = {{"user", std::move(prompt)},
                  {"assistant", EntityAnswer(row_.words, row_.tags)}};
    return absl::OkStatus();
  }
  absl::Status CheckTags() {
    if (row_.words.size() != row_.tags.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          row_.words.size(), " words with ", row_.tags.size(), " tags"));
    }
    std::string before = "O";
    for (size_t w = 0; w < row_.tags.size(); ++w) {
      const std::string& tag = row_.tags[w];
      const std::string type = tag.size() > 2 ? tag.substr(2) : "";
      const bool known =
          tag == "O" || ((tag[0] == 'B' || tag[0] == 'I') && tag[1] == '-' &&
                         std::find(task_.labels.begin(), task_.labels.end(),
                                   type) != task_.labels.end());
      if (!known) {
        return absl::InvalidArgumentError(absl::StrCat(
            "word ", w + 1, ": tag '", tag, "' is neither O nor B- or I- of ",
            CanonicalText(task_.labels).substr(0, 200)));
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

  absl::Status QuestionAnswering() {
    SFT_ASSIGN_OR_RETURN(row_.text, Text("question"));
    SFT_ASSIGN_OR_RETURN(row_.text_pair, Text("context"));
    SFT_ASSIGN_OR_RETURN(const Json* answers, Wanted("answers"));
    const Json* starts = Find("answer_start");
    // As the Hugging Face copies of SQuAD have it.
    if (answers->is_object()) {
      const auto own = answers->find("answer_start");
      if (own != answers->end()) starts = &*own;
      const auto text = answers->find("text");
      if (text == answers->end()) {
        return absl::InvalidArgumentError("answers: no \"text\" in it");
      }
      row_.references = ListOf(*text);
    } else {
      row_.references = ListOf(*answers);
    }
    if (row_.references.empty()) {
      return absl::InvalidArgumentError("answers: the list is empty");
    }
    std::vector<std::string> begins;
    if (starts != nullptr) begins = ListOf(*starts);
    for (size_t i = 0; i < row_.references.size(); ++i) {
      size_t at = row_.text_pair.find(row_.references[i]);
      int64_t characters = 0;
      if (i < begins.size() && absl::SimpleAtoi(begins[i], &characters)) {
        at = ByteOfCharacter(row_.text_pair, characters);
      }
      if (at == std::string::npos ||
          row_.text_pair.compare(at, row_.references[i].size(),
                                 row_.references[i]) != 0) {
        return absl::InvalidArgumentError(absl::StrCat(
            "answer ", i + 1, " '", row_.references[i].substr(0, 80),
            "' does not stand in the context",
            i < begins.size() ? " at character " + begins[i] : ""));
      }
      row_.answer_begins.push_back(static_cast<int64_t>(at));
    }
    return Ask("Context: {context}\nQuestion: {question}\nAnswer:",
               row_.references[0]);
  }
  // npos where the text has fewer characters (code points).
  static size_t ByteOfCharacter(std::string_view text, int64_t characters) {
    if (characters < 0) return std::string::npos;
    size_t at = 0;
    for (; characters > 0 && at < text.size(); --characters) {
      at += DecodeUtf8At(text, at).size_bytes;
    }
    return characters == 0 ? at : std::string::npos;
  }

  absl::Status Generation() {
    SFT_ASSIGN_OR_RETURN(row_.text, Text("source"));
    SFT_ASSIGN_OR_RETURN(const Json* target, Wanted("target"));
    row_.references = target->is_array()
                          ? ListOf(*target)
                          : std::vector<std::string>{TextOf(*target)};
    if (row_.references.empty() || row_.references[0].empty()) {
      return absl::InvalidArgumentError("target: no reference in it");
    }
    return Ask("{source}\n", row_.references[0]);
  }

  absl::Status MultipleChoice() {
    SFT_ASSIGN_OR_RETURN(const Json* choices, Wanted("choices"));
    row_.choices = ListOf(*choices);
    SFT_ASSIGN_OR_RETURN(const std::string answer, Text("answer"));
    const auto found =
        std::find(row_.choices.begin(), row_.choices.end(), answer);
    row_.label = found - row_.choices.begin();
    int64_t index = 0;
    if (found == row_.choices.end() && absl::SimpleAtoi(answer, &index)) {
      row_.label = index;
    }
    if (row_.choices.size() < 2 || row_.label < 0 ||
        row_.label >= static_cast<int64_t>(row_.choices.size())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "answer '", answer.substr(0, 80), "' is none of ",
          row_.choices.size(), " choices (their text, or an index from 0)"));
    }
    SFT_RETURN_IF_ERROR(Text("question").status());
    return Ask("Question: {question}\nAnswer:", row_.choices[row_.label]);
  }

  absl::Status Instruction() {
    if (const Json* messages = Find("messages")) return Messages(*messages);
    SFT_RETURN_IF_ERROR(Text("instruction").status());
    SFT_ASSIGN_OR_RETURN(const std::string output, Text("output"));
    return Ask(TextOrNone("input").empty() ? "{instruction}"
                                           : "{instruction}\n\n{input}",
               output);
  }
  absl::Status Messages(const Json& value) {
    Json list = value;
    if (value.is_string()) {
      SFT_ASSIGN_OR_RETURN(list, ParseJson(value.get<std::string>()));
    }
    if (!list.is_array()) {
      return absl::InvalidArgumentError("messages: wanted a list");
    }
    for (const Json& message : list) {
      if (!message.is_object()) {
        return absl::InvalidArgumentError("messages: wanted objects in it");
      }
      SFT_ASSIGN_OR_RETURN(const std::string role, JsonText(message, "role"));
      SFT_ASSIGN_OR_RETURN(const std::string content,
                           JsonText(message, "content"));
      if (role != "system" && role != "user" && role != "assistant") {
        return absl::InvalidArgumentError(absl::StrCat(
            "messages: role '", role, "': wanted system, user or assistant"));
      }
      row_.turns.push_back({role, content});
    }
    if (row_.turns.size() < 2 || row_.turns.back().role != "assistant") {
      return absl::InvalidArgumentError(
          "messages: the last one is no assistant's");
    }
    return absl::OkStatus();
  }

  const Json& record_;
  const Task& task_;
  const UserData& data_;
  Row row_;
};

}  // namespace

std::vector<std::string> ListOfColumn(const Json& record,
                                      const std::string& column) {
  const auto it = record.find(column);
  if (it == record.end() || it->is_null()) return {};
  return Words(*it);
}

absl::StatusOr<Row> UserRow(const Json& record, int64_t line, const Task& task,
                            const UserData& data) {
  return RowMaker(record, task, data).Make(line);
}

}  // namespace sft
