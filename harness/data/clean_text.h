// Texts of files, made fit to be shown or split.
#ifndef HARNESS_DATA_CLEAN_TEXT_H_
#define HARNESS_DATA_CLEAN_TEXT_H_

#include <string>
#include <string_view>

namespace sft::data {

// Nothing but ASCII white space.
bool IsBlank(std::string_view text);

// White space of both ends cut off, runs of it within made one space.
std::string CollapseSpace(std::string_view text);

// `text` up to `max_bytes`, cut behind a whole word where there is one.
std::string FirstWords(const std::string& text, size_t max_bytes);

}  // namespace sft::data

#endif  // HARNESS_DATA_CLEAN_TEXT_H_
