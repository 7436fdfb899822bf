// Lines of a file that should be a table of text.
#ifndef HARNESS_DATA_FORMS_TEXT_LINES_H_
#define HARNESS_DATA_FORMS_TEXT_LINES_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/forms/not_a_table.h"
#include "harness/data/forms/table_form.h"
#include "harness/data/line_reader.h"

namespace sft::data {

inline absl::StatusOr<LineReader> OpenText(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(LineReader lines, LineReader::Open(path, kMaxRowBytes));
  SFT_ASSIGN_OR_RETURN(const std::string_view head, lines.Head());
  SFT_RETURN_IF_ERROR(CheckIsATable(path, head));
  return lines;
}

inline std::string_view LineOf(const LineReader& lines) {
  return lines.number() == 1 ? WithoutByteOrderMark(lines.line())
                             : std::string_view(lines.line());
}

// What is said of a row above kMaxRowBytes.
inline std::string RowTooLong() {
  return absl::StrCat("a row above ", kMaxRowBytes, " bytes");
}

}  // namespace sft::data

#endif  // HARNESS_DATA_FORMS_TEXT_LINES_H_
