// What often lies where a table should: said by name, with the remedy.
#ifndef HARNESS_DATA_FORMS_NOT_A_TABLE_H_
#define HARNESS_DATA_FORMS_NOT_A_TABLE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace sft::data {

// `head`: the first bytes of the file, some thousands. InvalidArgument if it is
// empty, in UTF-16 or UTF-32, a Git LFS pointer, a web page or an archive.
absl::Status CheckIsATable(const std::string& path, std::string_view head);

// What to do with a .json file that has no rows: columns of values as pandas
// writes them, one object.
std::string NoArrayRemedy(std::string_view head);

// "", or why a .jsonl file that begins with a bracket is one JSON array.
std::string ArrayRemedy(std::string_view head);

// A complaint of a byte, with what makes UTF-8 of the file.
std::string WithEncodingRemedy(const std::string& complaint);

}  // namespace sft::data

#endif  // HARNESS_DATA_FORMS_NOT_A_TABLE_H_
