#include "harness/data/class_names.h"

#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/data/unicode.h"

namespace sft::data {
namespace {

// The names of the first group of several, as a list.
std::string FirstGroup(const std::vector<std::string>& names,
                       std::string (*key_of)(const std::string&)) {
  std::map<std::string, std::vector<std::string>> groups;
  for (const std::string& name : names) {
    groups[key_of(name)].push_back(absl::StrCat("'", ShownText(name), "'"));
  }
  for (const auto& [key, group] : groups) {
    if (group.size() > 1) return absl::StrJoin(group, ", ");
  }
  return "";
}

// All numerals of one number have one key.
std::string FoldedName(const std::string& name) {
  const std::string folded = FoldedText(name);
  double number = 0;
  // Longer ones may be several numbers of one double.
  if (folded.size() > 15 ||
      folded.find_first_not_of("0123456789+-.e") != std::string::npos ||
      !absl::SimpleAtod(folded, &number)) {
    return folded;
  }
  return absl::StrFormat("%.17g", number + 0.0);  // -0 is 0
}

}  // namespace

AlikeNames FindAlikeNames(const std::vector<std::string>& names) {
  AlikeNames out;
  out.unseen = FirstGroup(names, SeenText);
  out.by_case = FirstGroup(names, FoldedName);
  return out;
}

}  // namespace sft::data
