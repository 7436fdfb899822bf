// JSON lines: an object a line.
#include <string>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/conversation.h"
#include "harness/data/forms/forms.h"
#include "harness/data/forms/json_rows.h"
#include "harness/data/forms/text_lines.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

absl::Status ReadJsonLines(const FormInput& input, RowSink& sink) {
  SFT_ASSIGN_OR_RETURN(LineReader lines, OpenText(input.path));
  SFT_ASSIGN_OR_RETURN(const std::string_view head, lines.Head());
  const std::string remedy = ArrayRemedy(head);
  if (!remedy.empty()) return InputError(input.path, remedy);
  while (true) {
    SFT_ASSIGN_OR_RETURN(const bool more, lines.Next());
    if (!more) return absl::OkStatus();
    if (lines.too_long()) {
      SFT_RETURN_IF_ERROR(sink.Bad(lines.number(), RowTooLong()));
      continue;
    }
    const std::string_view line = LineOf(lines);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    SFT_RETURN_IF_ERROR(AddJsonRow(line, lines.number(), sink));
  }
}

}  // namespace

absl::Status AddJsonRow(std::string_view text, int64_t number, RowSink& sink) {
  absl::StatusOr<nlohmann::json> value = formats::ParseJson(text);
  if (!value.ok()) {
    const std::string complaint = WithEncodingRemedy(Utf8Complaint(text));
    return sink.Bad(number, complaint.empty() ? ToStd(value.status().message())
                                              : complaint);
  }
  if (!value->is_object()) return sink.Bad(number, "JSON, but no object");
  if (sink.keeps_order_of_tools()) KeepOrderOfTools(text, *value);
  return sink.Row(*std::move(value), number);
}

TableForm JsonLinesForm() {
  return {.name = "jsonl",
          .summary = "JSON lines, an object each",
          .endings = {".jsonl", ".ndjson"},
          .read = ReadJsonLines};
}

}  // namespace sft::data
