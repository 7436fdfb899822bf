// The values of an axis as people write them: a list, or a form that spans or
// draws them, such as {range: [0, 8]}. The forms are one table. What is drawn
// is drawn by the search of the spec, as often as that says: value i is a
// function of its seed, the axis and i, whatever else the spec holds.
#ifndef HARNESS_SPEC_AXIS_VALUES_H_
#define HARNESS_SPEC_AXIS_VALUES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/fields.h"
#include "harness/spec/yaml_tree.h"

namespace sft::spec {

// A form by its name and numbers, as written: {"loguniform", {1e-5, 1e-3}}.
struct AxisForm {
  std::string name;
  std::vector<double> numbers;
  // Values are drawn from it, one by one; else it spans them.
  bool is_drawn = false;
};

// `node`, a map, as a form; the error says what is wrong with it.
absl::StatusOr<AxisForm> ReadAxisForm(std::string_view axis,
                                      const YamlNode& node);

// The numbers of a form that spans them, in their order:
//   range: [low, high(, step)]   low, low + step, ... below high
//   logspace: [low, high, n]     n numbers from low to high, equal ratios
// They are neat: 0.3, where sums give 0.30000000000000004. A drawn form is an
// error.
absl::StatusOr<std::vector<double>> NumbersOf(std::string_view axis,
                                              const AxisForm& form);

// How often axes are drawn, and by what seed.
struct AxisDraws {
  int64_t draws = 0;  // 0: there is no search that draws
  int64_t seed = 0;
};
// The values that are drawn of a form: uniform over [low, high], or so in their
// logarithm, to four digits; of whole numbers (`whole`) the ends included. An
// axis of one name draws at the same places of all its forms, so that methods
// whose ranges differ are tried at like points of them.
absl::StatusOr<std::vector<double>> DrawnOf(std::string_view axis,
                                            const AxisForm& form,
                                            const AxisDraws& draws, bool whole);

// What stands on an axis, one scalar (or, of axes of lists, list) each: the
// items of a list, or the numbers of a form, on its line.
struct AxisContent {
  std::vector<YamlNode> items;
  bool is_drawn = false;
};
absl::StatusOr<AxisContent> ReadAxisContent(const FieldSpec& field,
                                            const YamlNode& node,
                                            const AxisDraws& draws);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_AXIS_VALUES_H_
