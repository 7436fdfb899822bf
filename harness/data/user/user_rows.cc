#include "harness/data/user/user_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/data/answer_spans.h"
#include "harness/data/choice_answer.h"
#include "harness/data/entity_answer.h"
#include "harness/data/jsonl.h"
#include "harness/data/prompt_template.h"
#include "harness/data/unicode.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

using Json = nlohmann::json;

// A text, a number or a truth value as text.
std::string TextOf(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

absl::Status WantedText(const std::string& what, const Json& found) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": wanted a text, found ", found.type_name()));
}

// A list of words, or a text with spaces between them; in a table of texts a
// list may stand as JSON.
std::vector<std::string> Words(const Json& value, bool text_table) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    if (text_table && !text.empty() && text[0] == '[') {
      const absl::StatusOr<Json> parsed = formats::ParseJson(text);
      if (parsed.ok() && parsed->is_array()) return Words(*parsed, false);
    }
    return absl::StrSplit(text, ' ', absl::SkipEmpty());
  }
  std::vector<std::string> words;
  if (!value.is_array()) return {TextOf(value)};
  for (const Json& word : value) words.push_back(TextOf(word));
  return words;
}

class RowMaker {
 public:
  RowMaker(const Json& record, const Task& task, const spec::UserData& data,
           bool text_table)
      : record_(record), task_(task), data_(data), text_table_(text_table) {}

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
    if (value != nullptr &&
        !(value->is_string() && value->get_ref<const std::string&>().empty())) {
      return value;
    }
    return absl::InvalidArgumentError(absl::StrCat("column '", Column(part),
                                                   "' (", part,
                                                   ") is missing or "
                                                   "empty"));
  }
  absl::StatusOr<std::string> Text(const std::string& part) const {
    SFT_ASSIGN_OR_RETURN(const Json* value, Wanted(part));
    if (value->is_structured()) return WantedText(Column(part), *value);
    return TextOf(*value);
  }
  absl::StatusOr<std::string> TextOrNone(const std::string& part) const {
    const Json* value = Find(part);
    if (value == nullptr) return std::string();
    if (value->is_structured()) return WantedText(Column(part), *value);
    return TextOf(*value);
  }

  // data.prompt_template, or the task's own, with {column} filled in.
  absl::StatusOr<std::string> Prompt(std::string_view standard) const {
    SFT_ASSIGN_OR_RETURN(const PromptTemplate form,
                         PromptTemplate::Parse(data_.prompt_template.empty()
                                                   ? standard
                                                   : data_.prompt_template));
    return form.Fill(
        [this](const std::string& name) -> absl::StatusOr<std::string> {
          auto it = record_.find(name);
          if (it == record_.end()) it = record_.find(Column(name));
          if (it == record_.end()) {
            return absl::InvalidArgumentError(absl::StrCat(
                "template: no column '", name, "' ({{ is a brace itself)"));
          }
          if (it->is_null()) return std::string();
          if (it->is_array()) return absl::StrJoin(Words(*it, false), " ");
          return TextOf(*it);
        });
  }
  absl::Status Ask(std::string_view standard, const std::string& answer) {
    SFT_ASSIGN_OR_RETURN(std::string prompt, Prompt(standard));
    row_.turns = {{"user", std::move(prompt)}, {"assistant", answer}};
    return absl::OkStatus();
  }

  absl::Status Classification() {
    SFT_ASSIGN_OR_RETURN(row_.text, Text("text"));
    SFT_ASSIGN_OR_RETURN(row_.text_pair, TextOrNone("text_pair"));
    SFT_ASSIGN_OR_RETURN(const std::string label, Text("label"));
    const auto found =
        std::find(task_.labels.begin(), task_.labels.end(), label);
    if (found == task_.labels.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("label '", ShownText(label), "' is none of ",
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
      *out = Words(*value, text_table_);
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
    absl::StatusOr<AnswerSpans> spans =
        ReadAnswerSpans(Find("answers"), Find("answer_start"),
                        Find("is_impossible"), row_.text_pair, text_table_);
    if (!spans.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "column '", Column("answers"), "': ", spans.status().message()));
    }
    row_.references = std::move(spans->texts);
    row_.answer_begins = std::move(spans->begins);
    return Ask("Context: {context}\nQuestion: {question}\nAnswer:",
               row_.references.empty() ? task_.no_answer : row_.references[0]);
  }

  absl::Status Generation() {
    SFT_ASSIGN_OR_RETURN(row_.text, Text("source"));
    SFT_ASSIGN_OR_RETURN(const Json* target, Wanted("target"));
    if (target->is_object()) return WantedText(Column("target"), *target);
    for (const Json& one :
         target->is_array() ? *target : Json::array({*target})) {
      if (one.is_structured() || one.is_null()) {
        return WantedText(Column("target"), one);
      }
      row_.references.push_back(TextOf(one));
      if (row_.references.back().empty()) {
        return absl::InvalidArgumentError("target: a reference is empty");
      }
    }
    if (row_.references.empty()) {
      return absl::InvalidArgumentError("target: no reference in it");
    }
    return Ask("{source}\n", row_.references[0]);
  }

  absl::Status MultipleChoice() {
    SFT_ASSIGN_OR_RETURN(const Json* value, Wanted("choices"));
    SFT_ASSIGN_OR_RETURN(const Choices choices, ReadChoices(*value));
    // ARC's name for it.
    const bool arc = data_.columns.count("answer") == 0 &&
                     !record_.contains("answer") &&
                     record_.contains("answerKey");
    SFT_ASSIGN_OR_RETURN(const Json* answer,
                         Wanted(arc ? "answerKey" : "answer"));
    SFT_ASSIGN_OR_RETURN(row_.label,
                         IndexOfAnswer(*answer, choices, text_table_));
    row_.choices = choices.texts;
    SFT_RETURN_IF_ERROR(Text("question").status());
    return Ask("Question: {question}\nAnswer:", row_.choices[row_.label]);
  }

  absl::Status Instruction() {
    const Json* messages = Find("messages");
    const bool plain = Find("instruction") != nullptr;
    const bool named = data_.columns.count("instruction") != 0;
    if (messages != nullptr && plain && !named &&
        data_.columns.count("messages") == 0) {
      return absl::InvalidArgumentError(
          "both messages and instruction are there; columns: says which is "
          "meant, as in {messages: messages}");
    }
    if (messages != nullptr && !(plain && named)) return Messages(*messages);
    SFT_RETURN_IF_ERROR(Text("instruction").status());
    SFT_ASSIGN_OR_RETURN(const std::string output, Text("output"));
    SFT_ASSIGN_OR_RETURN(const std::string input, TextOrNone("input"));
    return Ask(input.empty() ? "{instruction}" : "{instruction}\n\n{input}",
               output);
  }
  absl::Status Messages(const Json& value) {
    Json list = value;
    if (value.is_string()) {
      SFT_ASSIGN_OR_RETURN(list, formats::ParseJson(value.get<std::string>()));
    }
    if (!list.is_array()) {
      return absl::InvalidArgumentError("messages: wanted a list");
    }
    for (const Json& message : list) {
      if (!message.is_object()) {
        return absl::InvalidArgumentError("messages: wanted objects in it");
      }
      if (message.contains("from") && !message.contains("role")) {
        return absl::InvalidArgumentError(kShareGptRemedy);
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
  const spec::UserData& data_;
  bool text_table_;
  Row row_;
};

}  // namespace

std::vector<std::string> TagsOfColumn(const Json& record,
                                      const std::string& column,
                                      bool text_table) {
  const auto it = record.find(column);
  if (it == record.end() || it->is_null()) return {};
  return Words(*it, text_table);
}

bool IsTextTable(const spec::UserData& data, std::string_view path) {
  if (data.format != "auto") {
    return data.format == "csv" || data.format == "tsv";
  }
  std::string name(path);
  if (absl::EndsWith(name, ".gz")) name.resize(name.size() - 3);
  return absl::EndsWith(name, ".csv") || absl::EndsWith(name, ".tsv");
}

absl::StatusOr<Row> UserRow(const Json& record, int64_t line, const Task& task,
                            const spec::UserData& data, bool text_table) {
  return RowMaker(record, task, data, text_table).Make(line);
}

}  // namespace sft::data
