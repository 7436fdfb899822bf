#include "harness/data/forms/split_names.h"

#include <cctype>
#include <map>

namespace sft::data {

std::string SplitOfName(std::string_view name) {
  static const auto& kinds =
      *new std::map<std::string, std::string>{{"train", "train"},
                                              {"training", "train"},
                                              {"validation", "validation"},
                                              {"valid", "validation"},
                                              {"val", "validation"},
                                              {"dev", "validation"},
                                              {"development", "validation"},
                                              {"test", "test"},
                                              {"testing", "test"},
                                              {"eval", "test"},
                                              {"evaluation", "test"}};
  std::string word;
  for (const char c : std::string(name) + ".") {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    const auto found = kinds.find(word);
    if (found != kinds.end()) return found->second;
    word.clear();
  }
  return "";
}

}  // namespace sft::data
