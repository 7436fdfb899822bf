#include "harness/data/parallel.h"

#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/line_reader.h"

namespace sft::data {
namespace {

// The line that `reader` stands at; in `why` what is wrong with it.
std::string TakeLine(const LineReader& reader, int64_t max_line_bytes,
                     std::string& why) {
  if (reader.too_long()) {
    why = absl::StrCat("a line above ", max_line_bytes, " bytes");
    return "";
  }
  std::string_view line = reader.line();
  if (reader.number() == 1) line = WithoutByteOrderMark(line);
  why = Utf8Complaint(line);
  std::string text = ToStd(absl::StripAsciiWhitespace(ToAbsl(line)));
  if (why.empty() && text.empty()) why = "an empty line";
  return text;
}

// How many lines there are from the one that `reader` stands at on.
absl::StatusOr<int64_t> CountLines(LineReader& reader) {
  while (true) {
    SFT_ASSIGN_OR_RETURN(const bool more, reader.Next());
    if (!more) return reader.number() - 1;
  }
}

}  // namespace

absl::StatusOr<ParallelTable> ReadParallel(const std::string& source_path,
                                           const std::string& target_path,
                                           int64_t max_line_bytes) {
  SFT_ASSIGN_OR_RETURN(LineReader source,
                       LineReader::Open(source_path, max_line_bytes));
  SFT_ASSIGN_OR_RETURN(LineReader target,
                       LineReader::Open(target_path, max_line_bytes));
  ParallelTable table;
  while (true) {
    SFT_ASSIGN_OR_RETURN(const bool more_source, source.Next());
    SFT_ASSIGN_OR_RETURN(const bool more_target, target.Next());
    if (more_source != more_target) {
      int64_t sources = source.number() - 1, targets = target.number() - 1;
      if (more_source) {
        SFT_ASSIGN_OR_RETURN(sources, CountLines(source));
      } else {
        SFT_ASSIGN_OR_RETURN(targets, CountLines(target));
      }
      return InputError(
          source_path,
          absl::StrCat("has ", sources, " lines, but ", target_path, " has ",
                       targets, "; each line wants its translation"));
    }
    if (!more_source) break;
    SentencePair pair;
    pair.line = source.number();
    std::string source_why, target_why;
    pair.source = TakeLine(source, max_line_bytes, source_why);
    pair.target = TakeLine(target, max_line_bytes, target_why);
    if (!source_why.empty()) {
      table.refused.push_back(
          {absl::StrCat(source_path, ":", pair.line), std::move(source_why)});
    } else if (!target_why.empty()) {
      table.refused.push_back(
          {absl::StrCat(target_path, ":", pair.line), std::move(target_why)});
    } else {
      table.pairs.push_back(std::move(pair));
    }
  }
  if (table.pairs.empty()) {
    if (table.refused.empty()) return InputError(source_path, "no lines");
    return InputError(
        table.refused[0].where,
        absl::StrCat(table.refused[0].reason, " (and none of the ",
                     table.refused.size(), " pairs is usable)"));
  }
  return table;
}

}  // namespace sft::data
