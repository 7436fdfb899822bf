// One VisitFields per options struct drives parsing, printing, describing and
// hashing, so that an option is written down once.
//
//   struct LoraOptions {
//     int64_t rank = 16;
//     template <class V> void VisitFields(V& v) {
//       v("lora.rank", rank, Limits{.min = 1, .max = 4096}, "rank r of B A");
//     }
//   };
//
// What came to a struct when there were records already stands in its kLater:
// ids leave such a field out at its default, so that theirs hold.
//
// A value's canonical text: integers in decimal, doubles in the shortest form
// that reads back to the same bits, true/false, lists joined by commas.
#ifndef HARNESS_CORE_FIELDS_H_
#define HARNESS_CORE_FIELDS_H_

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sft {

enum class FieldType { kBool, kInt, kDouble, kString, kStringList };

// What a value may be; `choices` empty = any string.
struct Limits {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};
};

struct FieldSpec {
  std::string name;
  FieldType type = FieldType::kString;
  std::string default_text;
  Limits limits;
  std::string help;
  bool is_later = false;  // than the first records
};

std::string CanonicalText(bool value);
std::string CanonicalText(int64_t value);
std::string CanonicalText(double value);
std::string CanonicalText(const std::string& value);
std::string CanonicalText(const std::vector<std::string>& value);

// Reads `text` as the field's type; the error names the field, the value and
// what was wanted.
absl::Status ParseField(std::string_view name, std::string_view text,
                        const Limits& limits, bool& value);
absl::Status ParseField(std::string_view name, std::string_view text,
                        const Limits& limits, int64_t& value);
absl::Status ParseField(std::string_view name, std::string_view text,
                        const Limits& limits, double& value);
absl::Status ParseField(std::string_view name, std::string_view text,
                        const Limits& limits, std::string& value);
absl::Status ParseField(std::string_view name, std::string_view text,
                        const Limits& limits, std::vector<std::string>& value);

// `text` in canonical form, or why it is no value of `spec`.
absl::StatusOr<std::string> CanonicalizeField(const FieldSpec& spec,
                                              std::string_view text);

// The candidate with the smallest edit distance, "" if none is near.
std::string NearestName(std::string_view name,
                        const std::vector<std::string>& candidates);
// The end of a message about an unknown name: "; did you mean 'lora'?", or
// `otherwise` if none is near.
std::string DidYouMean(std::string_view name,
                       const std::vector<std::string>& known,
                       std::string_view otherwise = "");
// As above; if none is near, "; known are full,lora".
std::string NearestOrKnown(std::string_view name,
                           const std::vector<std::string>& known);

inline FieldType TypeOf(const bool&) { return FieldType::kBool; }
inline FieldType TypeOf(const int64_t&) { return FieldType::kInt; }
inline FieldType TypeOf(const double&) { return FieldType::kDouble; }
inline FieldType TypeOf(const std::string&) { return FieldType::kString; }
inline FieldType TypeOf(const std::vector<std::string>&) {
  return FieldType::kStringList;
}

// Whether T::kLater, if there is one, names the field.
template <class T>
bool IsLater(std::string_view name) {
  if constexpr (requires { T::kLater; }) {
    return std::find(std::begin(T::kLater), std::end(T::kLater), name) !=
           std::end(T::kLater);
  } else {
    static_cast<void>(name);
    return false;
  }
}

// The fields of T with their defaults.
template <class T>
std::vector<FieldSpec> DescribeFields() {
  std::vector<FieldSpec> fields;
  T options;
  auto visitor = [&fields](std::string_view name, auto& value,
                           const Limits& limits, std::string_view help) {
    fields.push_back({std::string(name), TypeOf(value), CanonicalText(value),
                      limits, std::string(help), IsLater<T>(name)});
  };
  options.VisitFields(visitor);
  return fields;
}

// Sets every field of `options` that `values` names; other names are left to
// other structs.
template <class T>
absl::Status ReadFields(const std::map<std::string, std::string>& values,
                        T& options) {
  absl::Status status = absl::OkStatus();
  auto visitor = [&](std::string_view name, auto& value, const Limits& limits,
                     std::string_view) {
    auto it = values.find(std::string(name));
    if (it == values.end() || !status.ok()) return;
    status = ParseField(name, it->second, limits, value);
  };
  options.VisitFields(visitor);
  return status;
}

// name -> canonical text of every field.
template <class T>
std::map<std::string, std::string> PrintFields(const T& options) {
  std::map<std::string, std::string> out;
  T copy = options;
  auto visitor = [&out](std::string_view name, auto& value, const Limits&,
                        std::string_view) {
    out[std::string(name)] = CanonicalText(value);
  };
  copy.VisitFields(visitor);
  return out;
}

}  // namespace sft

#endif  // HARNESS_CORE_FIELDS_H_
