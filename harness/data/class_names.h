// Names of classes that are alike: mostly one class, written in several ways.
#ifndef HARNESS_DATA_CLASS_NAMES_H_
#define HARNESS_DATA_CLASS_NAMES_H_

#include <string>
#include <vector>

namespace sft::data {

struct AlikeNames {
  // Of names that differ in white space, in characters that are not shown or in
  // Unicode's form, which nobody sees; and of names that differ in case too, in
  // compatible forms such as full width, or as numerals of one number do (1,
  // 1.0, 01). "" if there are none.
  std::string unseen, by_case;
};
// Each is a list such as "'pos', ' pos', 'pos '".
AlikeNames FindAlikeNames(const std::vector<std::string>& names);

}  // namespace sft::data

#endif  // HARNESS_DATA_CLASS_NAMES_H_
