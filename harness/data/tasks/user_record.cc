#include "harness/data/tasks/user_record.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/status.h"
#include "harness/data/prompt_template.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

using Json = nlohmann::json;

std::vector<std::string> WordsOf(const Json& value, bool text_table) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    if (text_table && !text.empty() && text[0] == '[') {
      const absl::StatusOr<Json> parsed = formats::ParseJson(text);
      if (parsed.ok() && parsed->is_array()) return WordsOf(*parsed, false);
    }
    return absl::StrSplit(text, ' ', absl::SkipEmpty());
  }
  std::vector<std::string> words;
  if (!value.is_array()) return {TextOf(value)};
  for (const Json& word : value) words.push_back(TextOf(word));
  return words;
}

}  // namespace

std::string ColumnOf(const spec::UserData& data, const std::string& part) {
  const auto it = data.columns.find(part);
  return it == data.columns.end() ? part : it->second;
}

std::string TextOf(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

absl::Status WantedText(const std::string& what, const Json& found) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": wanted a text, found ", found.type_name()));
}

bool UserRecord::Names(const std::string& part) const {
  return data_.columns.contains(part);
}

bool UserRecord::HasColumn(const std::string& column) const {
  return record_.contains(column);
}

const Json* UserRecord::Find(const std::string& part) const {
  const auto it = record_.find(Column(part));
  return it == record_.end() || it->is_null() ? nullptr : &*it;
}

absl::StatusOr<const Json*> UserRecord::Wanted(const std::string& part) const {
  const Json* value = Find(part);
  if (value != nullptr &&
      !(value->is_string() && value->get_ref<const std::string&>().empty())) {
    return value;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "column '", Column(part), "' (", part, ") is missing or empty"));
}

absl::StatusOr<std::string> UserRecord::Text(const std::string& part) const {
  SFT_ASSIGN_OR_RETURN(const Json* value, Wanted(part));
  if (value->is_structured()) return WantedText(Column(part), *value);
  return TextOf(*value);
}

absl::StatusOr<std::string> UserRecord::TextOrNone(
    const std::string& part) const {
  const Json* value = Find(part);
  if (value == nullptr) return std::string();
  if (value->is_structured()) return WantedText(Column(part), *value);
  return TextOf(*value);
}

std::vector<std::string> UserRecord::Words(const Json& value) const {
  return WordsOf(value, text_table_);
}

absl::StatusOr<std::string> UserRecord::Prompt(
    std::string_view standard) const {
  SFT_ASSIGN_OR_RETURN(
      const PromptTemplate form,
      PromptTemplate::Parse(data_.prompt_template.empty()
                                ? standard
                                : std::string_view(data_.prompt_template)));
  return form.Fill(
      [this](const std::string& name) -> absl::StatusOr<std::string> {
        auto it = record_.find(name);
        if (it == record_.end()) it = record_.find(Column(name));
        if (it == record_.end()) {
          return absl::InvalidArgumentError(absl::StrCat(
              "template: no column '", name, "' ({{ is a brace itself)"));
        }
        if (it->is_null()) return std::string();
        if (it->is_array()) return absl::StrJoin(WordsOf(*it, false), " ");
        return TextOf(*it);
      });
}

absl::Status UserRecord::Ask(std::string_view standard,
                             const std::string& answer, Row& row) const {
  SFT_ASSIGN_OR_RETURN(std::string prompt, Prompt(standard));
  row.turns = {{"user", std::move(prompt)}, {"assistant", answer}};
  return absl::OkStatus();
}

}  // namespace sft::data
