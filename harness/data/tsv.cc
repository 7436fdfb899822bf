#include "harness/data/tsv.h"

#include <vector>

#include "absl/strings/str_split.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"

namespace sft::data {

absl::StatusOr<TextTable> ReadTsv(const std::string& path,
                                  const TsvOptions& options) {
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> lines, ReadLines(path));
  TextTable table;
  for (size_t i = options.header ? 1 : 0; i < lines.size(); ++i) {
    const std::string_view line =
        i == 0 ? WithoutByteOrderMark(lines[i]) : std::string_view(lines[i]);
    if (line.empty()) continue;
    TextRecord record;
    record.line = static_cast<int64_t>(i) + 1;
    const std::string where = absl::StrCat(path, ":", record.line);
    std::string why = Utf8Complaint(line);
    if (why.empty()) {
      record.fields = absl::StrSplit(ToAbsl(line), '\t');
      const int64_t fields = static_cast<int64_t>(record.fields.size());
      if (fields != options.columns) {
        why = absl::StrCat(fields, " fields, wanted ", options.columns);
      }
    }
    if (why.empty()) {
      table.records.push_back(std::move(record));
    } else {
      table.refused.push_back({where, why});
    }
  }
  if (table.records.empty()) {
    return InputError(path, absl::StrCat("no usable record (",
                                         table.refused.size(), " refused)"));
  }
  return table;
}

}  // namespace sft::data
