// What other tools call things: the names and values that people bring, and
// what stands for them in a spec. Only looked at where a spec is refused.
#ifndef HARNESS_SPEC_FOREIGN_NAMES_H_
#define HARNESS_SPEC_FOREIGN_NAMES_H_

#include <string>
#include <string_view>

namespace sft::spec {

// What to write instead of a key, as the end of a message ("here it is
// lora.rank"); "" if nothing is known. Case and '-' for '_' do not matter.
std::string RemedyForKey(std::string_view key);
// The same for a value of a field.
std::string RemedyForValue(std::string_view field, std::string_view value);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_FOREIGN_NAMES_H_
