#include "harness/spec/axis_values.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <utility>

#include "harness/core/fields.h"
#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/spec/cells.h"
#include "harness/spec/spec_messages.h"

namespace sft::spec {
namespace {

using Kind = YamlNode::Kind;
using FormNumbers = std::vector<double>;

// `value`, or the number of few digits that rounding has moved it from.
double NeatNumber(double value) {
  char text[40];
  snprintf(text, sizeof(text), "%.12g", value);
  const double rounded = std::strtod(text, nullptr);
  const double slack =
      8 * std::numeric_limits<double>::epsilon() * std::abs(value);
  return std::abs(rounded - value) <= slack ? rounded : value;
}

// As people would write it: 0.0002317.
double FourDigits(double value) {
  char text[40];
  snprintf(text, sizeof(text), "%.4g", value);
  return std::strtod(text, nullptr);
}

absl::Status BadForm(std::string_view axis, std::string_view form,
                     std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(axis), ": ", ToAbsl(form), ": ", ToAbsl(what)));
}

absl::StatusOr<FormNumbers> SpanRange(std::string_view axis,
                                      const FormNumbers& numbers) {
  const double low = numbers[0], high = numbers[1];
  const double step = numbers.size() > 2 ? numbers[2] : 1;
  if (step == 0) return BadForm(axis, "range", "the step is 0");
  // A sum that comes next to `high` is no value: 0.1 * 3 is above 0.3.
  const double n = std::ceil((high - low) / step - 1e-9);
  if (!(n >= 1)) {
    return BadForm(
        axis, "range",
        absl::StrCat("holds no number from ", CanonicalText(low), " to below ",
                     CanonicalText(high), " by ", CanonicalText(step),
                     "; the second is the end, which is left out"));
  }
  if (n > static_cast<double>(kMaxCells)) {
    return BadForm(axis, "range",
                   absl::StrCat("holds more than ", kMaxCells, " numbers"));
  }
  FormNumbers values;
  for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
    values.push_back(NeatNumber(low + static_cast<double>(i) * step));
  }
  return values;
}

absl::StatusOr<FormNumbers> SpanLogspace(std::string_view axis,
                                         const FormNumbers& numbers) {
  const double low = numbers[0], high = numbers[1], n = numbers[2];
  if (low <= 0 || high <= 0) {
    return BadForm(axis, "logspace", "wanted ends above 0");
  }
  if (n != std::floor(n) || n < 2 || n > static_cast<double>(kMaxCells)) {
    return BadForm(axis, "logspace",
                   absl::StrCat("the third is how many values there are, a "
                                "whole number from 2 to ",
                                kMaxCells, ", found ", CanonicalText(n)));
  }
  const double first = std::log10(low);
  const double step = (std::log10(high) - first) / (n - 1);
  FormNumbers values = {low};
  for (size_t i = 1; i + 1 < static_cast<size_t>(n); ++i) {
    values.push_back(
        NeatNumber(std::pow(10, first + static_cast<double>(i) * step)));
  }
  values.push_back(high);
  return values;
}

// The place `u`, in [0, 1), of the way from low to high.
double DrawUniform(double low, double high, double u) {
  return low + u * (high - low);
}
double DrawLoguniform(double low, double high, double u) {
  return low * std::pow(high / low, u);
}

struct AxisFormRow {
  std::string_view name;
  size_t min_numbers, max_numbers;
  std::string_view example;
  // Of a form that spans its values.
  absl::StatusOr<FormNumbers> (*span)(std::string_view axis,
                                      const FormNumbers&);
  // Of one from which a search draws them; the lowest end that it takes.
  double (*draw)(double low, double high, double u);
  double lowest;
};

constexpr double kAnyEnd = -std::numeric_limits<double>::infinity();
constexpr AxisFormRow kAxisForms[] = {
    {"range", 2, 3, "[0, 8]", SpanRange, nullptr, kAnyEnd},
    {"logspace", 3, 3, "[1e-5, 1e-3, 5]", SpanLogspace, nullptr, kAnyEnd},
    {"uniform", 2, 2, "[0, 0.1]", nullptr, DrawUniform, kAnyEnd},
    {"loguniform", 2, 2, "[1e-5, 1e-3]", nullptr, DrawLoguniform,
     std::numeric_limits<double>::min()},
};

const AxisFormRow* FindForm(std::string_view name) {
  for (const AxisFormRow& row : kAxisForms) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<AxisForm> ReadAxisForm(std::string_view axis,
                                      const YamlNode& node) {
  std::vector<std::string> names;
  for (const AxisFormRow& row : kAxisForms) names.emplace_back(row.name);
  if (node.entries.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        ToAbsl(axis), ": wanted a list or one of ", CanonicalText(names),
        ", such as {range: [0, 8]}, found a map of ", node.entries.size(),
        " keys"));
  }
  const auto& [key, values] = node.entries[0];
  const AxisFormRow* row = FindForm(key.text);
  if (row == nullptr) {
    return absl::InvalidArgumentError(UnknownKeyText(
        key, &values, absl::StrCat(" as the values of ", ToAbsl(axis)), names));
  }
  const std::string wanted = absl::StrCat(
      "wanted ", row->min_numbers,
      row->max_numbers > row->min_numbers
          ? absl::StrCat(" or ", row->max_numbers)
          : "",
      " numbers, as in {", ToAbsl(row->name), ": ", ToAbsl(row->example), "}");
  if (values.kind != Kind::kList || values.items.size() < row->min_numbers ||
      values.items.size() > row->max_numbers) {
    return BadForm(axis, row->name,
                   absl::StrCat(wanted, ", found ",
                                values.kind == Kind::kList
                                    ? absl::StrCat(values.items.size())
                                    : std::string(ToAbsl(values.KindName()))));
  }
  AxisForm form;
  form.name = key.text;
  form.is_drawn = row->span == nullptr;
  for (const YamlNode& item : values.items) {
    if (item.kind != Kind::kScalar) {
      return BadForm(axis, row->name,
                     absl::StrCat(wanted, ", found ", ToAbsl(item.KindName())));
    }
    SFT_RETURN_IF_ERROR(
        ParseField(absl::StrCat(ToAbsl(axis), ": ", ToAbsl(row->name)),
                   item.text, Limits{}, form.numbers.emplace_back()));
  }
  return form;
}

absl::StatusOr<std::vector<double>> NumbersOf(std::string_view axis,
                                              const AxisForm& form) {
  const AxisFormRow* row = FindForm(form.name);
  if (row != nullptr && row->span != nullptr) {
    return row->span(axis, form.numbers);
  }
  return BadForm(axis, form.name,
                 "values are drawn from it, which needs search: {kind: random, "
                 "draws: 20}, and this spec has no draws; {logspace: [1e-5, "
                 "1e-3, 5]} and {range: [0, 8]} span values");
}

absl::StatusOr<std::vector<double>> DrawnOf(std::string_view axis,
                                            const AxisForm& form,
                                            const AxisDraws& draws,
                                            bool whole) {
  const AxisFormRow* row = FindForm(form.name);
  if (row == nullptr || row->draw == nullptr) {
    return BadForm(axis, form.name, "spans its values; none is drawn of it");
  }
  const double low = form.numbers[0], high = form.numbers[1];
  if (low < row->lowest) {
    return BadForm(axis, form.name, "wanted ends above 0");
  }
  if (!(low < high)) {
    return BadForm(
        axis, form.name,
        absl::StrCat("wanted a first end below the second, found ",
                     CanonicalText(low), " and ", CanonicalText(high)));
  }
  if (whole && (low != std::floor(low) || high != std::floor(high))) {
    return BadForm(
        axis, form.name,
        absl::StrCat("wanted whole numbers as ends, found ", CanonicalText(low),
                     " and ", CanonicalText(high)));
  }
  FormNumbers values;
  for (int64_t i = 0; i < draws.draws; ++i) {
    Rng rng(static_cast<uint64_t>(draws.seed), Stream::kSearch,
            absl::StrCat(ToAbsl(axis), "/", i));
    const double u = rng.Uniform();
    double value = whole ? std::floor(row->draw(low, high + 1, u))
                         : FourDigits(row->draw(low, high, u));
    values.push_back(std::clamp(value, low, high));
  }
  return values;
}

absl::StatusOr<AxisContent> ReadAxisContent(const FieldSpec& field,
                                            const YamlNode& node,
                                            const AxisDraws& draws) {
  const std::string& axis = field.name;
  AxisContent content;
  if (node.kind == Kind::kList) {
    content.items = node.items;
    return content;
  }
  if (node.kind != Kind::kMap) {
    return absl::InvalidArgumentError(WrongKindText(axis, Kind::kList, node));
  }
  SFT_ASSIGN_OR_RETURN(const AxisForm form, ReadAxisForm(axis, node));
  content.is_drawn = form.is_drawn && draws.draws > 0;
  const bool whole = field.type == FieldType::kInt;
  if (content.is_drawn && !whole && field.type != FieldType::kDouble) {
    return BadForm(axis, form.name, "what is drawn are numbers; wanted a list");
  }
  if (content.is_drawn && axis == "seed") {
    return BadForm(axis, form.name,
                   "cells are compared by the mean over their seeds, the same "
                   "for all; wanted a list, or {range: [0, 3]}");
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<double> numbers,
                       content.is_drawn ? DrawnOf(axis, form, draws, whole)
                                        : NumbersOf(axis, form));
  for (const double number : numbers) {
    YamlNode& item = content.items.emplace_back();
    item.kind = Kind::kScalar;
    item.line = node.line;
    item.text = CanonicalText(number);
  }
  return content;
}

}  // namespace sft::spec
