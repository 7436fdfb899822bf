// What a flag may be, in one wording for help, errors and completion.
#ifndef EXPERIMENTS_DECLARED_OPTIONS_H_
#define EXPERIMENTS_DECLARED_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/fields.h"

namespace sft::experiments {

// The error of each is "wants WHAT, not 'VALUE'"; `accepts` may rewrite the
// value into the form that CLI11 reads.
CLI::Validator Checked(const std::string& what,
                       const std::function<bool(std::string&)>& accepts);
// Any text but none, as of a variable of the shell that is not set.
CLI::Validator NotEmpty(const std::string& what);
CLI::Validator OneOf(const std::vector<std::string>& choices);
CLI::Validator WholeNumber(
    double least = -std::numeric_limits<double>::infinity(),
    double most = std::numeric_limits<double>::infinity());
CLI::Validator Number(double least = -std::numeric_limits<double>::infinity(),
                      double most = std::numeric_limits<double>::infinity());

// Values as those of a spec's field, or of another options struct's.
CLI::Validator ValuesOf(const std::vector<FieldSpec>& fields,
                        std::string_view name);
template <class Options>
CLI::Validator ValuesOf(std::string_view name) {
  return ValuesOf(DescribeFields<Options>(), name);
}

// A flag whose value is a list, by commas.
CLI::Option* AddList(CLI::App& app, const std::string& name,
                     std::vector<std::string>& list, const std::string& help);

// As the help has them: words in their order, then flags.
std::vector<const CLI::Option*> ShownOptions(const CLI::App& app);
// "SPEC", "--out"; of a flag that is on by default what turns it off.
std::string ShownName(const CLI::Option& option);
std::string Placeholder(const CLI::Option& option);  // "" of a switch
std::vector<std::string> ChoicesOf(const CLI::Option& option);
std::string AllowedValues(const CLI::Option& option);  // "" = any text

}  // namespace sft::experiments

#endif  // EXPERIMENTS_DECLARED_OPTIONS_H_
