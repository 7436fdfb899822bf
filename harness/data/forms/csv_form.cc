// Comma-separated values, or fields between semicolons, tabs, bars.
#include "harness/data/forms/forms.h"
#include "harness/data/forms/separated.h"

namespace sft::data {

TableForm CsvForm() {
  return {.name = "csv",
          .summary = "fields between commas, or what the file has there",
          .endings = {".csv"},
          .text_values = true,
          .read = [](const FormInput& input, RowSink& sink) {
            return ReadSeparated(input, {',', '"'}, sink);
          }};
}

}  // namespace sft::data
