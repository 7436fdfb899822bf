#include "harness/data/choice_answer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/numbers.h"
#include "harness/core/status.h"
#include "harness/data/jsonl.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

using Json = nlohmann::json;

constexpr size_t kLetters = 26;

std::string Scalar(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

absl::StatusOr<std::vector<std::string>> Texts(const Json& list,
                                               const std::string& what) {
  if (!list.is_array()) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": wanted a list, found ", list.type_name()));
  }
  std::vector<std::string> texts;
  for (const Json& item : list) {
    if (item.is_null() || item.is_structured()) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, ": wanted texts in it, found ", item.type_name()));
    }
    texts.push_back(Scalar(item));
    if (texts.back().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, ": number ", texts.size(), " is empty"));
    }
  }
  return texts;
}

std::optional<int64_t> Place(const std::vector<std::string>& list,
                             const std::string& one) {
  const auto it = std::find(list.begin(), list.end(), one);
  if (it == list.end()) return std::nullopt;
  return it - list.begin();
}

absl::Status TwoReadings(const std::string& answer, const std::string& first,
                         int64_t a, const std::string& second, int64_t b,
                         const std::string& remedy) {
  return absl::InvalidArgumentError(
      absl::StrCat("answer ", answer, " can be read in two ways: as ", first,
                   " it is choice ", a, ", as ", second, " choice ", b,
                   " (from 0); ", remedy));
}

}  // namespace

absl::StatusOr<Choices> ReadChoices(const Json& value) {
  if (value.is_string()) {
    absl::StatusOr<Json> parsed = formats::ParseJson(value.get<std::string>());
    if (!parsed.ok() || !parsed->is_structured()) {
      return absl::InvalidArgumentError(
          "choices: wanted a list, in a text one as JSON, such as [\"a\", "
          "\"b\"]");
    }
    return ReadChoices(*parsed);
  }
  Choices choices;
  if (value.is_object()) {
    const auto text = value.find("text"), label = value.find("label");
    if (text == value.end() || label == value.end()) {
      return absl::InvalidArgumentError(
          "choices: wanted a list, or {\"text\": [...], \"label\": [...]}");
    }
    SFT_ASSIGN_OR_RETURN(choices.texts, Texts(*text, "choices.text"));
    SFT_ASSIGN_OR_RETURN(choices.labels, Texts(*label, "choices.label"));
    if (choices.labels.size() != choices.texts.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("choices: ", choices.texts.size(), " texts with ",
                       choices.labels.size(), " labels"));
    }
    for (size_t i = 0; i < choices.labels.size(); ++i) {
      if (Place(choices.labels, choices.labels[i]) != static_cast<int64_t>(i)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "choices: label '", choices.labels[i], "' stands twice"));
      }
    }
  } else {
    SFT_ASSIGN_OR_RETURN(choices.texts, Texts(value, "choices"));
  }
  if (choices.texts.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "choices: wanted two or more, found ", choices.texts.size()));
  }
  for (size_t i = 0; i < choices.texts.size(); ++i) {
    if (Place(choices.texts, choices.texts[i]) != static_cast<int64_t>(i)) {
      return absl::InvalidArgumentError(
          absl::StrCat("choices: '", choices.texts[i].substr(0, 80),
                       "' stands twice: which is right?"));
    }
  }
  return choices;
}

absl::StatusOr<int64_t> IndexOfAnswer(const Json& answer,
                                      const Choices& choices, bool text_table) {
  const int64_t count = static_cast<int64_t>(choices.texts.size());
  const std::string text = Scalar(answer);
  const std::string shown = answer.is_string()
                                ? absl::StrCat("'", text.substr(0, 80), "'")
                                : text.substr(0, 80);
  if (answer.is_structured()) {
    return absl::InvalidArgumentError(
        absl::StrCat("answer: wanted an index, a text or a letter, found ",
                     answer.type_name()));
  }
  std::optional<int64_t> index;
  if (answer.is_number_integer()) {
    index = answer.get<int64_t>();
  } else if (answer.is_number_float()) {
    const double value = answer.get<double>();
    if (value == std::floor(value) && std::abs(value) < 1e6) {
      index = static_cast<int64_t>(value);
    }
  }
  if (answer.is_number() && index) {
    if (*index < 0 || *index >= count) {
      return absl::InvalidArgumentError(
          absl::StrCat("answer ", shown, ": wanted an index from 0 to ",
                       count - 1, " of ", count, " choices"));
    }
    const auto label = Place(choices.labels, text);
    if (label && *label != *index) {
      return TwoReadings(shown, "an index", *index, "a label", *label,
                         "a label is written as text, in quotes");
    }
    return *index;
  }
  const auto label = Place(choices.labels, text);
  if (label) return *label;
  const auto same = Place(choices.texts, text);
  std::optional<int64_t> letter;
  if (choices.labels.empty() && text.size() == 1 && text[0] >= 'A' &&
      text[0] < 'A' + static_cast<int>(std::min<size_t>(kLetters, count))) {
    letter = text[0] - 'A';
  }
  int64_t number = 0;
  if (text_table && absl::SimpleAtoi(text, &number) && number >= 0 &&
      number < count) {
    index = number;
  }
  if (same && letter && *same != *letter) {
    return TwoReadings(shown, "a choice's text", *same, "a letter", *letter,
                       "write the index, a number without quotes");
  }
  if (same && index && *same != *index) {
    return TwoReadings(shown, "a choice's text", *same, "an index", *index,
                       "write letters, or JSON lines, where 1 is an index and "
                       "\"1\" a text");
  }
  if (same) return *same;
  if (letter) return *letter;
  if (index) return *index;
  const char last =
      static_cast<char>('A' + std::min<int64_t>(kLetters, count) - 1);
  const std::string letters = absl::StrFormat("A to %c", last);
  return absl::InvalidArgumentError(absl::StrCat(
      "answer ", shown, " is none of ", count,
      " choices: wanted the text of one, ",
      choices.labels.empty() ? letters : "a label of them",
      text_table ? " or an index from 0"
                 : " or an index from 0 (a number without quotes)"));
}

}  // namespace sft::data
