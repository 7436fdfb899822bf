#include "harness/data/prompt_template.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/str_join.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"

namespace sft::data {
namespace {

constexpr size_t kShown = 20;

// " (there are: a, b)".
std::string Known(std::vector<std::string> known) {
  if (known.size() > kShown) known.resize(kShown);
  return absl::StrCat(" (there are: ", absl::StrJoin(known, ", "), ")");
}

}  // namespace

absl::StatusOr<PromptTemplate> PromptTemplate::Parse(std::string_view text) {
  PromptTemplate out;
  std::string plain;
  size_t open = std::string::npos;  // behind the last "{{", in `plain`
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool brace = c == '{' || c == '}';
    if (brace && i + 1 < text.size() && text[i + 1] == c) {
      if (c == '}' && open != std::string::npos && open <= plain.size()) {
        out.doubled_.push_back(CollapseSpace(plain.substr(open)));
      }
      plain += c;
      open = c == '{' ? plain.size() : std::string::npos;
      ++i;
      continue;
    }
    if (c != '{') {
      plain += c;
      continue;
    }
    const size_t end = text.find('}', i);
    if (end == std::string_view::npos) {
      return absl::InvalidArgumentError(
          "template: a '{' is never closed ({{ writes the brace itself)");
    }
    const std::string name(text.substr(i + 1, end - i - 1));
    if (CollapseSpace(name).empty()) {
      return absl::InvalidArgumentError(
          "template: {} names no column, as {text} does");
    }
    if (!plain.empty()) out.parts_.push_back({false, std::move(plain)});
    plain.clear();
    open = std::string::npos;
    out.parts_.push_back({true, name});
    if (!absl::c_linear_search(out.columns_, name))
      out.columns_.push_back(name);
    i = end;
  }
  if (!plain.empty()) out.parts_.push_back({false, std::move(plain)});
  return out;
}

absl::StatusOr<std::string> PromptTemplate::Fill(
    const std::function<absl::StatusOr<std::string>(const std::string&)>&
        value_of) const {
  std::string out;
  for (const Part& part : parts_) {
    if (!part.is_column) {
      out += part.text;
      continue;
    }
    SFT_ASSIGN_OR_RETURN(const std::string value, value_of(part.text));
    out += value;
  }
  return out;
}

absl::Status CheckTemplate(const PromptTemplate& form,
                           const std::vector<std::string>& known,
                           const std::vector<std::string>& answer) {
  for (const std::string& name : form.doubled()) {
    if (!absl::c_linear_search(known, name)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "template: {{", name, "}} writes the text {", name,
        "} into every prompt; a column is filled in by single braces: {", name,
        "}"));
  }
  for (const std::string& name : form.columns()) {
    if (!absl::c_linear_search(known, name)) {
      const std::string near = NearestName(CollapseSpace(name), known);
      return absl::InvalidArgumentError(
          absl::StrCat("template: no column '", name, "'",
                       near.empty() ? "" : "; did you mean {" + near + "}?",
                       Known(known), "; {{ writes a brace itself"));
    }
    if (absl::c_linear_search(answer, name)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "template: {", name,
          "} is the answer's column: the answer would stand in the prompt. The "
          "template is the prompt alone, the answer follows it by itself"));
    }
  }
  if (form.columns().empty()) {
    return absl::InvalidArgumentError(
        "template: it fills in no column, so that every prompt would be the "
        "same; name one in braces, as in {" +
        (known.empty() ? "text" : known.front()) + "}" + Known(known));
  }
  return absl::OkStatus();
}

}  // namespace sft::data
