#include "harness/data/csv.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"

namespace sft::data {

void CsvParser::Refuse(std::string_view why) {
  if (error_.empty()) error_ = std::string(why);
}

bool CsvParser::Feed(std::string_view line) {
  ++lines_;
  size_t i = 0;
  if (open_) {
    if (error_.empty()) field_ += '\n';
  } else {
    record_ = {};
    record_.line = lines_;
    record_bytes_ = 0;
    error_.clear();
    field_.clear();
  }
  record_bytes_ += static_cast<int64_t>(line.size()) + 1;
  if (record_bytes_ > max_record_bytes_) {
    // Read on to its end, but keep nothing of it.
    Refuse(absl::StrCat("a record above ", max_record_bytes_, " bytes"));
    field_.clear();
    record_.fields.clear();
  }
  const bool keep = record_bytes_ <= max_record_bytes_;
  bool quoted = open_;
  while (true) {
    if (!quoted && i < line.size() && line[i] == quote_ && !open_) {
      quoted = true;
      open_ = true;
      ++i;
    }
    if (open_) {
      while (i < line.size()) {
        if (line[i] != quote_) {
          if (keep) field_ += line[i];
          ++i;
        } else if (i + 1 < line.size() && line[i + 1] == quote_) {
          if (keep) field_ += line[i];
          i += 2;
        } else {
          open_ = false;
          ++i;
          break;
        }
      }
      if (open_) return false;  // goes on in the next line
      if (i < line.size() && line[i] != delimiter_) {
        Refuse("text behind a closing quote");
      }
    }
    while (i < line.size() && line[i] != delimiter_) {
      if (line[i] == quote_) Refuse("a quote within an unquoted field");
      if (keep) field_ += line[i];
      ++i;
    }
    if (keep) record_.fields.push_back(std::move(field_));
    field_.clear();
    quoted = false;
    if (i >= line.size()) return true;
    ++i;  // the delimiter
  }
}

absl::StatusOr<TextTable> ReadCsv(const std::string& path,
                                  const CsvOptions& options) {
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> lines, ReadLines(path));
  TextTable table;
  CsvParser parser(options.max_record_bytes);
  size_t columns = static_cast<size_t>(options.columns);
  bool expect_header = options.header;
  bool first_line = true;
  for (const std::string& line : lines) {
    const std::string_view text =
        first_line ? WithoutByteOrderMark(line) : std::string_view(line);
    first_line = false;
    if (text.empty() && !parser.open()) {
      parser.Feed(text);  // counts the line; an empty one is no record
      continue;
    }
    if (!parser.Feed(text)) continue;
    const std::string where = absl::StrCat(path, ":", parser.line());
    std::string why = parser.error();
    for (const std::string& field : parser.record().fields) {
      if (why.empty()) why = Utf8Complaint(field);
    }
    const size_t fields = parser.record().fields.size();
    if (expect_header) {
      expect_header = false;
      if (!why.empty()) return InputError(where, why);
      if (!options.header_names.empty() &&
          parser.record().fields != options.header_names) {
        return InputError(
            where, absl::StrCat("the header is '",
                                absl::StrJoin(parser.record().fields, ","),
                                "', wanted '",
                                absl::StrJoin(options.header_names, ","), "'"));
      }
      if (columns == 0) columns = fields;
      continue;
    }
    if (columns == 0 && why.empty()) columns = fields;
    if (why.empty() && fields != columns) {
      why = absl::StrCat(fields, " fields, wanted ", columns);
    }
    if (why.empty()) {
      table.records.push_back(parser.TakeRecord());
    } else {
      table.refused.push_back({where, why});
    }
  }
  if (parser.open()) {
    return InputError(absl::StrCat(path, ":", parser.line()),
                      "a quote opened in this record is never closed");
  }
  if (table.records.empty()) {
    return InputError(
        path,
        absl::StrCat("no usable record (", table.refused.size(), " refused",
                     table.refused.empty() ? "" : ", the first at ",
                     table.refused.empty() ? "" : table.refused[0].where, ")"));
  }
  return table;
}

}  // namespace sft::data
