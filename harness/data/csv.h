// Comma-separated values (RFC 4180), read line by line: quoted fields may
// hold commas, doubled quotes and line breaks. Stricter than the RFC's
// readers: a quote within an unquoted field, or text behind a closing quote,
// makes the record a refused one.
#ifndef HARNESS_DATA_CSV_H_
#define HARNESS_DATA_CSV_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/data/dataset.h"

namespace sft::data {

// A record of a CSV or TSV file; `line` is where it begins, from 1.
struct TextRecord {
  int64_t line = 0;
  std::vector<std::string> fields;
};
// The good records, and the others with the reason.
struct TextTable {
  std::vector<TextRecord> records;
  std::vector<RefusedRow> refused;
};

struct CsvOptions {
  bool header = true;
  // Fields a record must have; 0 = as many as the header, or the first record.
  int64_t columns = 0;
  // Names the header must hold, in this order; empty = any.
  std::vector<std::string> header_names;
  int64_t max_record_bytes = int64_t{16} << 20;
};

// Takes lines, gives records.
class CsvParser {
 public:
  // Without a `quote` every character but the delimiter is one of a field.
  explicit CsvParser(int64_t max_record_bytes, char delimiter = ',',
                     std::optional<char> quote = '"')
      : max_record_bytes_(max_record_bytes),
        delimiter_(delimiter),
        quote_(quote) {}
  // True if `line` (without its end) closes a record: then `record` and
  // `error` ("" if it is well formed) are set.
  bool Feed(std::string_view line);
  const TextRecord& record() const { return record_; }
  TextRecord&& TakeRecord() { return std::move(record_); }
  const std::string& error() const { return error_; }
  // A quoted field is open: the file must not end here.
  bool open() const { return open_; }
  // Line at which the record, open or closed, begins.
  int64_t line() const { return record_.line; }

 private:
  void Refuse(std::string_view why);

  int64_t max_record_bytes_;
  char delimiter_;
  std::optional<char> quote_;
  int64_t lines_ = 0;
  int64_t record_bytes_ = 0;
  bool open_ = false;
  TextRecord record_;
  std::string field_;
  std::string error_;
};

// The records of a file, unpacked if it is gzip or zstd. Ragged and
// malformed records and such that are no UTF-8 are refused with file:line;
// an unreadable file, one whose last quote is never closed, and one without
// a good record are errors.
absl::StatusOr<TextTable> ReadCsv(const std::string& path,
                                  const CsvOptions& options);

}  // namespace sft::data

#endif  // HARNESS_DATA_CSV_H_
