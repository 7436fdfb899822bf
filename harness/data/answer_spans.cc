#include "harness/data/answer_spans.h"

#include <optional>

#include "absl/strings/numbers.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/jsonl.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

using Json = nlohmann::json;

// npos where the text has fewer characters (code points).
size_t ByteOfCharacter(std::string_view text, int64_t characters) {
  if (characters < 0) return std::string::npos;
  size_t at = 0;
  for (; characters > 0 && at < text.size(); --characters) {
    at += DecodeUtf8At(text, at).size_bytes;
  }
  return characters == 0 ? at : std::string::npos;
}

class SpanReader {
 public:
  SpanReader(const std::string& context, bool text_table)
      : context_(context), text_table_(text_table) {}

  absl::Status Read(const Json& answers, const Json* starts) {
    if (text_table_ && answers.is_string()) {
      const std::string& text = answers.get_ref<const std::string&>();
      if (context_.find(text) == std::string::npos &&
          (text[0] == '[' || text[0] == '{')) {
        absl::StatusOr<Json> parsed = formats::ParseJson(text);
        if (parsed.ok() && parsed->is_structured()) {
          return Read(*parsed, starts);
        }
      }
    }
    if (answers.is_object()) return ReadObject(answers, starts);
    if (!answers.is_array()) return AddOne(answers, starts);
    const bool objects = !answers.empty() && answers[0].is_object();
    if (objects && starts != nullptr) {
      return absl::InvalidArgumentError(
          "answer_start stands in a column and in answers");
    }
    if (objects) {
      for (const Json& answer : answers) {
        if (!answer.is_object()) {
          return absl::InvalidArgumentError(
              "answers: wanted either texts or objects in the list");
        }
        SFT_RETURN_IF_ERROR(ReadObject(answer, nullptr));
      }
      return absl::OkStatus();
    }
    return AddAll(answers, starts);
  }

  AnswerSpans& spans() { return spans_; }

 private:
  absl::Status ReadObject(const Json& object, const Json* starts) {
    const auto text = object.find("text");
    if (text == object.end()) {
      return absl::InvalidArgumentError("answers: no \"text\" in it");
    }
    const auto own = object.find("answer_start");
    if (own != object.end() && !own->is_null()) {
      if (starts != nullptr) {
        return absl::InvalidArgumentError(
            "answer_start stands in a column and in answers");
      }
      starts = &*own;
    }
    return text->is_array() ? AddAll(*text, starts) : AddOne(*text, starts);
  }

  absl::Status AddAll(const Json& texts, const Json* starts) {
    Json list;
    if (starts != nullptr) {
      list = *starts;
      if (list.is_string()) {  // of a table of texts
        absl::StatusOr<Json> parsed =
            formats::ParseJson(list.get<std::string>());
        if (parsed.ok()) list = *parsed;
      }
      if (!list.is_array()) list = Json::array({list});
      if (list.size() != texts.size()) {
        return absl::InvalidArgumentError(absl::StrCat(
            texts.size(), " answers with ", list.size(), " answer_start"));
      }
    }
    for (size_t i = 0; i < texts.size(); ++i) {
      SFT_RETURN_IF_ERROR(
          AddOne(texts[i], starts == nullptr ? nullptr : &list[i]));
    }
    return absl::OkStatus();
  }

  absl::Status AddOne(const Json& answer, const Json* start) {
    if (answer.is_null() || answer.is_structured()) {
      return absl::InvalidArgumentError(
          absl::StrCat("answers: wanted a text, found ", answer.type_name()));
    }
    const std::string text =
        answer.is_string() ? answer.get<std::string>() : answer.dump();
    const size_t number = spans_.texts.size() + 1;
    if (text.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("answer ", number,
                       " is empty; a question without an answer has the list "
                       "[], or is_impossible: true"));
    }
    std::optional<int64_t> characters;
    if (start != nullptr) {
      const Json& value =
          start->is_array() && start->size() == 1 ? (*start)[0] : *start;
      int64_t parsed = 0;
      if (value.is_number_integer()) {
        characters = value.get<int64_t>();
      } else if (value.is_string() &&
                 absl::SimpleAtoi(value.get<std::string>(), &parsed)) {
        characters = parsed;
      } else {
        return absl::InvalidArgumentError(
            absl::StrCat("answer_start: wanted whole numbers, found ",
                         start->dump().substr(0, 80)));
      }
    }
    const size_t at = characters ? ByteOfCharacter(context_, *characters)
                                 : context_.find(text);
    if (at == std::string::npos || context_.compare(at, text.size(), text)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "answer ", number, " '", text.substr(0, 80),
          "' does not stand in the context",
          characters ? absl::StrCat(" at character ", *characters) : ""));
    }
    spans_.texts.push_back(text);
    spans_.begins.push_back(static_cast<int64_t>(at));
    return absl::OkStatus();
  }

  const std::string& context_;
  bool text_table_;
  AnswerSpans spans_;
};

// SQuAD 2's flag, if there is one; a text in a table of texts.
absl::StatusOr<std::optional<bool>> ReadFlag(const Json* given) {
  if (given == nullptr) return std::nullopt;
  const Json& value = *given;
  if (value.is_boolean()) return value.get<bool>();
  const std::string text =
      value.is_string() ? value.get<std::string>() : value.dump();
  bool flag = false;
  if (text.empty()) return std::nullopt;
  if (absl::SimpleAtob(text, &flag)) return flag;
  return absl::InvalidArgumentError(absl::StrCat(
      "is_impossible: wanted true or false, found ", text.substr(0, 80)));
}

}  // namespace

absl::StatusOr<AnswerSpans> ReadAnswerSpans(const Json* answers,
                                            const Json* starts,
                                            const Json* impossible,
                                            const std::string& context,
                                            bool text_table) {
  SFT_ASSIGN_OR_RETURN(const std::optional<bool> flag, ReadFlag(impossible));
  const bool none = flag.value_or(false);
  const bool blank =
      answers == nullptr || (answers->is_string() && answers->empty()) ||
      (answers->is_string() && answers->get<std::string>().empty());
  SpanReader reader(context, text_table);
  if (!blank) {
    if (starts != nullptr && starts->is_string() &&
        starts->get<std::string>().empty()) {
      starts = nullptr;
    }
    SFT_RETURN_IF_ERROR(reader.Read(*answers, starts));
  } else if (!none) {
    return absl::InvalidArgumentError(
        "no answer; a question without one has the list [], or "
        "is_impossible: true");
  }
  if (none && !reader.spans().texts.empty()) {
    return absl::InvalidArgumentError(
        "is_impossible is true, but there is an answer: " +
        reader.spans().texts[0].substr(0, 80));
  }
  if (flag == false && reader.spans().texts.empty()) {
    return absl::InvalidArgumentError(
        "is_impossible is false, but there is no answer");
  }
  return std::move(reader.spans());
}

}  // namespace sft::data
