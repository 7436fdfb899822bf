#include "experiments/declared_options.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace sft::experiments {
namespace {

std::string WantsText(const std::string& what, const std::string& value) {
  return absl::StrCat("wants ", what, ", not '", value, "'");
}

// "1 or more", "0 to 1", "" where there are no bounds.
std::string BoundsText(double least, double most) {
  // 9e15: as far as doubles are whole.
  const bool below = std::isfinite(least), above = most < 9e15;
  if (below && above) {
    return absl::StrCat(CanonicalText(least), " to ", CanonicalText(most));
  }
  if (below) return absl::StrCat(CanonicalText(least), " or more");
  if (above) return absl::StrCat("at most ", CanonicalText(most));
  return "";
}

// Into the digits that CLI11 reads: of "1e3" and "010" it makes others.
template <class T>
CLI::Validator Bounded(const std::string& what, double least, double most) {
  return Checked(what, [least, most](std::string& text) {
    T value{};
    if (!ParseField("", text, Limits{least, most, {}}, value).ok()) {
      return false;
    }
    text = CanonicalText(value);
    return true;
  });
}

// Of "TYPE:what its value may be", which is how CLI11 keeps them.
std::pair<std::string, std::string> TypeAndAllowed(const CLI::Option& option) {
  const std::string text = option.get_type_name();
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

CLI::Validator Checked(const std::string& what,
                       const std::function<bool(std::string&)>& accepts) {
  return CLI::Validator(
      [what, accepts](std::string& value) -> std::string {
        const std::string written = value;
        return accepts(value) ? "" : WantsText(what, written);
      },
      what);
}

CLI::Validator NotEmpty(const std::string& what) {
  // Help has no need to say it.
  return Checked(what, [](std::string& text) { return !text.empty(); })
      .description("");
}

CLI::Validator OneOf(const std::vector<std::string>& choices) {
  return CLI::Validator(
      [choices](std::string& value) -> std::string {
        if (std::find(choices.begin(), choices.end(), value) != choices.end()) {
          return "";
        }
        return absl::StrCat(
            WantsText("one of " + absl::StrJoin(choices, ", "), value),
            DidYouMean(value, choices));
      },
      CLI::IsMember(choices).get_description());
}

CLI::Validator WholeNumber(double least, double most) {
  const std::string bounds = BoundsText(least, most);
  return Bounded<int64_t>(
      absl::StrCat("a whole number", bounds.empty() ? "" : ", ", bounds), least,
      most);
}

CLI::Validator Number(double least, double most) {
  const std::string bounds = BoundsText(least, most);
  return Bounded<double>(bounds.empty() ? "a number" : bounds, least, most);
}

CLI::Validator ValuesOf(const std::vector<FieldSpec>& fields,
                        std::string_view name) {
  const auto field = std::find_if(
      fields.begin(), fields.end(),
      [name](const FieldSpec& known) { return known.name == name; });
  TORCH_CHECK(field != fields.end(), "no field is called ", name);
  const Limits& limits = field->limits;
  if (!limits.choices.empty()) return OneOf(limits.choices);
  return field->type == FieldType::kInt ? WholeNumber(limits.min, limits.max)
                                        : Number(limits.min, limits.max);
}

CLI::Option* AddList(CLI::App& app, const std::string& name,
                     std::vector<std::string>& list, const std::string& help) {
  return app.add_option_function<std::string>(
      name,
      [&list](const std::string& text) {
        list.clear();
        if (!text.empty()) list = absl::StrSplit(text, ',');
      },
      help);
}

std::vector<const CLI::Option*> ShownOptions(const CLI::App& app) {
  // Of no group is what is only read for the sake of old scripts.
  std::vector<const CLI::Option*> shown = app.get_options(
      [](const CLI::Option* option) { return !option->get_group().empty(); });
  std::stable_partition(shown.begin(), shown.end(), [](const CLI::Option* o) {
    return o->get_positional();
  });
  return shown;
}

std::string ShownName(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true);
  const auto& off = option.get_fnames();
  return absl::StrCat("--", off.empty() ? option.get_lnames()[0] : off[0]);
}

std::string Placeholder(const CLI::Option& option) {
  if (option.get_positional() || option.get_expected_max() == 0) return "";
  const std::string type = TypeAndAllowed(option).first;
  if (type == "INT") return "N";
  if (type == "FLOAT") return "X";
  return type == "TEXT" && !ChoicesOf(option).empty() ? "NAME" : type;
}

std::vector<std::string> ChoicesOf(const CLI::Option& option) {
  const std::string allowed = TypeAndAllowed(option).second;
  if (!absl::StartsWith(allowed, "{")) return {};
  return absl::StrSplit(allowed.substr(1, allowed.size() - 2), ',');
}

std::string AllowedValues(const CLI::Option& option) {
  const std::vector<std::string> choices = ChoicesOf(option);
  return choices.empty() ? TypeAndAllowed(option).second
                         : absl::StrJoin(choices, ", ");
}

}  // namespace sft::experiments
