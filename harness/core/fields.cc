#include "harness/core/fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/status.h"

namespace sft {
namespace {

absl::Status FieldError(std::string_view name, std::string_view text,
                        std::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat(
      ToAbsl(name), " = '", ToAbsl(text), "': wanted ", ToAbsl(wanted)));
}

absl::Status CheckRange(std::string_view name, std::string_view text,
                        double value, const Limits& limits) {
  if (value >= limits.min && value <= limits.max) return absl::OkStatus();
  std::string wanted = "a value";
  if (std::isfinite(limits.min)) {
    wanted += " of at least " + CanonicalText(limits.min);
  }
  if (std::isfinite(limits.max)) {
    wanted += std::isfinite(limits.min) ? " and" : " of";
    wanted += " at most " + CanonicalText(limits.max);
  }
  return FieldError(name, text, wanted);
}

// What is wanted, and why a text that looks like it is none.
std::string Wanted(std::string_view what, std::string_view text) {
  std::string wanted(what);
  if (text.empty()) return wanted;
  if (text.back() == '%') return wanted + " (10% is 0.1)";
  if (text.find_first_of(",_ '") != std::string_view::npos) {
    return wanted + " without separators";
  }
  if (std::string_view("kKM").find(text.back()) != std::string_view::npos) {
    return wanted + ", such as 1e3 for a thousand";
  }
  return wanted;
}

absl::Status CheckChoice(std::string_view name, const std::string& value,
                         const Limits& limits) {
  const auto& choices = limits.choices;
  if (choices.empty() ||
      std::find(choices.begin(), choices.end(), value) != choices.end()) {
    return absl::OkStatus();
  }
  return FieldError(name, value, "one of " + absl::StrJoin(choices, ", "));
}

}  // namespace

std::string CanonicalText(bool value) { return value ? "true" : "false"; }
std::string CanonicalText(int64_t value) { return absl::StrCat(value); }
std::string CanonicalText(double value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, end.ptr);
}
std::string CanonicalText(const std::string& value) { return value; }
std::string CanonicalText(const std::vector<std::string>& value) {
  return absl::StrJoin(value, ",");
}

absl::Status ParseField(std::string_view name, std::string_view text,
                        const Limits&, bool& value) {
  // Whatever YAML has ever read as one.
  const std::string lower = absl::AsciiStrToLower(ToAbsl(text));
  if (lower == "true" || lower == "yes" || lower == "on") {
    value = true;
  } else if (lower == "false" || lower == "no" || lower == "off") {
    value = false;
  } else {
    return FieldError(name, text, "true or false");
  }
  return absl::OkStatus();
}

absl::Status ParseField(std::string_view name, std::string_view text,
                        const Limits& limits, int64_t& value) {
  int64_t parsed = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, parsed);
  if (result.ec != std::errc() || result.ptr != end) {
    // 1e3 is what people write for a number of tokens.
    double real = 0;
    const auto as_real = std::from_chars(text.data(), end, real);
    if (as_real.ec != std::errc() || as_real.ptr != end ||
        real != std::floor(real) || std::abs(real) > 9e15) {
      return FieldError(name, text, Wanted("a whole number", text));
    }
    parsed = static_cast<int64_t>(real);
  }
  SFT_RETURN_IF_ERROR(
      CheckRange(name, text, static_cast<double>(parsed), limits));
  value = parsed;
  return absl::OkStatus();
}

absl::Status ParseField(std::string_view name, std::string_view text,
                        const Limits& limits, double& value) {
  double parsed = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, parsed);
  if (result.ec != std::errc() || result.ptr != end || !std::isfinite(parsed)) {
    return FieldError(name, text, Wanted("a number", text));
  }
  SFT_RETURN_IF_ERROR(CheckRange(name, text, parsed, limits));
  SFT_RETURN_IF_ERROR(CheckChoice(name, CanonicalText(parsed), limits));
  value = parsed;
  return absl::OkStatus();
}

absl::Status ParseField(std::string_view name, std::string_view text,
                        const Limits& limits, std::string& value) {
  const std::string parsed(text);
  if (parsed.find_first_of("\n\r") != std::string::npos ||
      parsed.find('\0') != std::string::npos) {
    return FieldError(name, "...", "one line of text");
  }
  SFT_RETURN_IF_ERROR(CheckChoice(name, parsed, limits));
  value = parsed;
  return absl::OkStatus();
}

absl::Status ParseField(std::string_view name, std::string_view text,
                        const Limits& limits, std::vector<std::string>& value) {
  std::vector<std::string> parsed;
  for (absl::string_view part : absl::StrSplit(ToAbsl(text), ',')) {
    std::string item(absl::StripAsciiWhitespace(part));
    if (item.empty()) {
      if (text.empty()) break;
      return FieldError(name, text, "names separated by commas");
    }
    std::string checked;
    SFT_RETURN_IF_ERROR(ParseField(name, item, limits, checked));
    parsed.push_back(std::move(checked));
  }
  value = std::move(parsed);
  return absl::OkStatus();
}

absl::StatusOr<std::string> CanonicalizeField(const FieldSpec& spec,
                                              std::string_view text) {
  auto canonical = [&](auto value) -> absl::StatusOr<std::string> {
    SFT_RETURN_IF_ERROR(ParseField(spec.name, text, spec.limits, value));
    return CanonicalText(value);
  };
  switch (spec.type) {
    case FieldType::kBool:
      return canonical(bool{});
    case FieldType::kInt:
      return canonical(int64_t{});
    case FieldType::kDouble:
      return canonical(double{});
    case FieldType::kString:
      return canonical(std::string{});
    case FieldType::kStringList:
      return canonical(std::vector<std::string>{});
  }
  return absl::InternalError("unknown field type");
}

std::string NearestName(std::string_view name,
                        const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(3, name.size() / 2 + 1);
  for (const std::string& candidate : candidates) {
    std::vector<size_t> row(candidate.size() + 1);
    for (size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= name.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j < row.size(); ++j) {
        const size_t substituted =
            diagonal + (name[i - 1] != candidate[j - 1] ? 1 : 0);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

std::string DidYouMean(std::string_view name,
                       const std::vector<std::string>& known,
                       std::string_view otherwise) {
  const std::string nearest = NearestName(name, known);
  return nearest.empty() ? std::string(otherwise)
                         : absl::StrCat("; did you mean '", nearest, "'?");
}

std::string NearestOrKnown(std::string_view name,
                           const std::vector<std::string>& known) {
  return DidYouMean(name, known,
                    absl::StrCat("; known are ", CanonicalText(known)));
}

}  // namespace sft
