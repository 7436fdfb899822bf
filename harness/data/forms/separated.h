// Tables of fields between delimiters, CSV and TSV: which characters stand
// between and around fields, and the rows. The form's own characters hold where
// the beginning of the file can be read by them; only where it cannot are
// others tried, and the sink is told.
#ifndef HARNESS_DATA_FORMS_SEPARATED_H_
#define HARNESS_DATA_FORMS_SEPARATED_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "harness/data/forms/table_form.h"

namespace sft::data {

struct Dialect {
  char delimiter = ',';
  std::optional<char> quote = '"';

  bool operator==(const Dialect&) const = default;
};

// "delimiter ';', quote '"'".
std::string DialectText(const Dialect& dialect);

// The dialect of a file that begins with `head`: what is stated in `options`,
// and else `own`, unless it makes ragged rows of what another one reads whole.
Dialect DialectOf(std::string_view head, const Dialect& own,
                  const FormOptions& options);

absl::Status ReadSeparated(const FormInput& input, const Dialect& own,
                           RowSink& sink);

}  // namespace sft::data

#endif  // HARNESS_DATA_FORMS_SEPARATED_H_
