// What to do with a file that no table comes of: another format, another
// separator, a column that is not there. For messages; what the head of a file
// gives away is in not_a_table.h.
#ifndef HARNESS_DATA_FORMS_TABLE_REMEDIES_H_
#define HARNESS_DATA_FORMS_TABLE_REMEDIES_H_

#include <string>
#include <vector>

namespace sft::data {

// What a file of another kind is read by, from its name without its packing.
std::string FormatRemedy(const std::string& name);

// Of a table that came out as one column though another separator is in it, or
// whose lines end in CR; `fields` are those of its first line. "" or ": ...".
std::string SeparatorRemedy(const std::vector<std::string>& fields);

// That `column` is none of `known`, with the nearest of them, and with what
// SeparatorRemedy says.
std::string NoColumnRemedy(const std::string& column,
                           const std::vector<std::string>& known,
                           const std::vector<std::string>& fields);

}  // namespace sft::data

#endif  // HARNESS_DATA_FORMS_TABLE_REMEDIES_H_
