// Fields between tabs, without quotes unless rows need them.
#include "harness/data/forms/forms.h"
#include "harness/data/forms/separated.h"

namespace sft::data {

TableForm TsvForm() {
  return {.name = "tsv",
          .summary = "fields between tabs",
          .endings = {".tsv"},
          .text_values = true,
          .read = [](const FormInput& input, RowSink& sink) {
            return ReadSeparated(input, {'\t', std::nullopt}, sink);
          }};
}

}  // namespace sft::data
