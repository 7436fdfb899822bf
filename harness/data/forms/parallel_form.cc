// Two files of text, of which line i of one translates line i of the other.
#include "harness/core/status.h"
#include "harness/data/forms/forms.h"
#include "harness/data/parallel.h"

namespace sft::data {
namespace {

absl::Status ReadPairs(const FormInput& input, RowSink& sink) {
  if (input.target.empty()) {
    return InputError(input.path,
                      "format: parallel wants target:, the file "
                      "of the translations");
  }
  SFT_ASSIGN_OR_RETURN(const ParallelTable read,
                       ReadParallel(input.path, input.target));
  SFT_RETURN_IF_ERROR(sink.Columns({"source", "target"}, 1));
  for (const RefusedRow& row : read.refused) {
    SFT_RETURN_IF_ERROR(sink.Refuse(row));
  }
  for (const SentencePair& pair : read.pairs) {
    SFT_RETURN_IF_ERROR(sink.Row(
        {{"source", pair.source}, {"target", pair.target}}, pair.line));
  }
  return absl::OkStatus();
}

}  // namespace

TableForm ParallelForm() {
  return {.name = "parallel",
          .summary = "a file of texts, and one of their translations",
          .read = ReadPairs};
}

}  // namespace sft::data
