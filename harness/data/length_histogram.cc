#include "harness/data/length_histogram.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "harness/core/status.h"
#include "harness/data/csv.h"

namespace sft::data {
namespace {

absl::StatusOr<int64_t> Number(const std::string& where,
                               const std::string& name, const std::string& text,
                               int64_t least, int64_t most) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || value < least || value > most) {
    return InputError(where, absl::StrCat(name, " is '", text,
                                          "', wanted a whole number from ",
                                          least, " to ", most));
  }
  return value;
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> ReadLengthHistogram(
    const std::string& path) {
  CsvOptions options;
  options.header_names = {"length", "count"};
  SFT_ASSIGN_OR_RETURN(const TextTable table, ReadCsv(path, options));
  // A histogram with a line left out is another one.
  if (!table.refused.empty()) {
    return InputError(table.refused[0].where,
                      table.refused[0].reason + " (length,count)");
  }
  std::vector<int64_t> counts, line_of;
  int64_t rows = 0;
  for (const TextRecord& record : table.records) {
    const std::string where = absl::StrCat(path, ":", record.line);
    SFT_ASSIGN_OR_RETURN(
        const int64_t length,
        Number(where, "length", record.fields[0], 1, kMaxHistogramLength));
    SFT_ASSIGN_OR_RETURN(
        const int64_t count,
        Number(where, "count", record.fields[1], 0, kMaxHistogramRows));
    if (length >= static_cast<int64_t>(counts.size())) {
      counts.resize(length + 1, 0);
      line_of.resize(length + 1, 0);
    }
    if (line_of[length] > 0) {
      return InputError(
          where, absl::StrCat("length ", length, " stands in line ",
                              line_of[length], " already; add the counts up"));
    }
    line_of[length] = record.line;
    counts[length] = count;
    rows += count;
    if (rows > kMaxHistogramRows) {
      return InputError(where, absl::StrCat("more than ", kMaxHistogramRows,
                                            " rows up to here"));
    }
  }
  if (rows == 0) return InputError(path, "every count is 0");
  return counts;
}

std::vector<int64_t> CountLengths(const std::vector<int64_t>& lengths) {
  std::vector<int64_t> counts;
  for (int64_t length : lengths) {
    if (length >= static_cast<int64_t>(counts.size())) {
      counts.resize(length + 1, 0);
    }
    ++counts[length];
  }
  return counts;
}

}  // namespace sft::data
