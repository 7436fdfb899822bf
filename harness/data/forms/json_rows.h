// One JSON text as a row, or as the rows that it holds.
#ifndef HARNESS_DATA_FORMS_JSON_ROWS_H_
#define HARNESS_DATA_FORMS_JSON_ROWS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "harness/data/forms/table_form.h"

namespace sft::data {

// An object; what is none, or no JSON, is a bad row.
absl::Status AddJsonRow(std::string_view text, int64_t number, RowSink& sink);

}  // namespace sft::data

#endif  // HARNESS_DATA_FORMS_JSON_ROWS_H_
