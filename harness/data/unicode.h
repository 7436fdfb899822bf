// Unicode normalization, form NFC.
#ifndef HARNESS_DATA_UNICODE_H_
#define HARNESS_DATA_UNICODE_H_

#include <nlohmann/json.hpp>
#include <string>

namespace sft::data {

// Brings valid UTF-8 to NFC; true if that changed it.
bool NormalizeNfc(std::string& text);
// Without what nobody sees: differences of Unicode's canonical forms and of its
// white space (runs of it are one, none is at the ends), and characters that
// are not shown at all, such as U+200B or a soft hyphen.
std::string SeenText(const std::string& text);
// That, without differences of case and of Unicode's compatible forms, such as
// full width.
std::string FoldedText(const std::string& text);
// Control characters, unusual white space and what SeenText leaves out written
// as \u200b, so that a message shows them.
std::string ShownText(const std::string& text);
// Every string of `value`, not the keys; nested at most as deep as a parser
// allowed.
bool NormalizeJson(nlohmann::json& value);
// Is every string of `value` in that form?
bool IsNfc(const nlohmann::json& value);

}  // namespace sft::data

#endif  // HARNESS_DATA_UNICODE_H_
