// The words of a refused spec: what was found, what is wanted, and the remedy
// for what newcomers write most. Only called where something is refused.
#ifndef HARNESS_SPEC_SPEC_MESSAGES_H_
#define HARNESS_SPEC_SPEC_MESSAGES_H_

#include <string>
#include <string_view>
#include <vector>

#include "harness/spec/yaml_tree.h"

namespace sft::spec {

// "unknown key 'r' under set:; here it is lora.rank". `value` is what stands
// at the key, nullptr if that does not matter.
std::string UnknownKeyText(const YamlNode& key, const YamlNode* value,
                           std::string_view where,
                           const std::vector<std::string>& known);
// "grid: wanted a map, found a list, such as grid: {seed: [0, 1]}".
std::string WrongKindText(std::string_view name, YamlNode::Kind wanted,
                          const YamlNode& found);
// "unknown method 'lroa'; did you mean 'lora'?".
std::string UnknownNameText(std::string_view kind, const std::string& name,
                            const std::vector<std::string>& known);
// Why held-out text `name` can be no task and no training set.
std::string HeldOutText(const std::string& name);
// Why `text`, which is neither listed nor a folder or file, is no model.
std::string UnknownModelText(const std::string& text,
                             const std::vector<std::string>& listed);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_SPEC_MESSAGES_H_
