// Unicode normalization, form NFC.
#ifndef HARNESS_DATA_PREPARE_UNICODE_H_
#define HARNESS_DATA_PREPARE_UNICODE_H_

#include <nlohmann/json.hpp>
#include <string>

namespace sft {

// Brings valid UTF-8 to NFC; true if that changed it.
bool NormalizeNfc(std::string& text);
// Without differences of case, of Unicode's forms and of white space (runs of
// it are one, none is at the ends).
std::string FoldedText(const std::string& text);
// Every string of `value`, not the keys; nested at most as deep as a parser
// allowed.
bool NormalizeJson(nlohmann::json& value);
// Is every string of `value` in that form?
bool IsNfc(const nlohmann::json& value);

}  // namespace sft

#endif  // HARNESS_DATA_PREPARE_UNICODE_H_
