// What readers ask of a text before they believe it.
#ifndef HARNESS_DATA_CLEAN_TEXT_H_
#define HARNESS_DATA_CLEAN_TEXT_H_

#include <string>
#include <string_view>

namespace sft::data {

// "byte 0xa3 at column 258 is no UTF-8", "" if the text is good. NUL is not.
std::string Utf8Complaint(std::string_view text);

// Nothing but ASCII white space.
bool IsBlank(std::string_view text);

// White space of both ends cut off, runs of it within made one space.
std::string CollapseSpace(std::string_view text);

// `text` up to `max_bytes`, cut behind a whole word where there is one.
std::string FirstWords(const std::string& text, size_t max_bytes);

}  // namespace sft::data

#endif  // HARNESS_DATA_CLEAN_TEXT_H_
