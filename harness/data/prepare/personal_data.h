// Patterns of personal data; each scan takes linear time.
#ifndef HARNESS_DATA_PREPARE_PERSONAL_DATA_H_
#define HARNESS_DATA_PREPARE_PERSONAL_DATA_H_

#include <string_view>
#include <vector>

namespace sft::data {

// Of "e-mail", "phone", "IBAN", "card" and "IP", those that `text` seems to
// hold, each once.
std::vector<const char*> PersonalData(std::string_view text);

}  // namespace sft::data

#endif  // HARNESS_DATA_PREPARE_PERSONAL_DATA_H_
