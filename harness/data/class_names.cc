#include "harness/data/class_names.h"

#include <map>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/data/prepare/unicode.h"

namespace sft {
namespace {

// The names of the first group of several, as a list.
std::string FirstGroup(const std::vector<std::string>& names,
                       std::string (*key_of)(const std::string&)) {
  std::map<std::string, std::vector<std::string>> groups;
  for (const std::string& name : names) {
    groups[key_of(name)].push_back(absl::StrCat("'", name, "'"));
  }
  for (const auto& [key, group] : groups) {
    if (group.size() > 1) return absl::StrJoin(group, ", ");
  }
  return "";
}

}  // namespace

AlikeNames FindAlikeNames(const std::vector<std::string>& names) {
  AlikeNames out;
  out.unseen = FirstGroup(names, [](const std::string& name) {
    std::string key = name;
    NormalizeNfc(key);
    return CollapseSpace(key);
  });
  out.by_case = FirstGroup(names, FoldedText);
  return out;
}

}  // namespace sft
