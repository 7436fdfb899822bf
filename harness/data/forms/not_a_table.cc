#include "harness/data/forms/not_a_table.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/unicode.h"
#include "harness/formats/not_the_file.h"

namespace sft::data {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

// The first key of the outermost object whose value is a list or an object.
std::string FirstColumn(std::string_view head) {
  std::string last;  // text at the first level
  int depth = 0;
  for (size_t i = 0; i < head.size(); ++i) {
    const char c = head[i];
    if (c == '"') {
      const size_t begin = ++i;
      while (i < head.size() && head[i] != '"') i += head[i] == '\\' ? 2 : 1;
      if (depth == 1 && i < head.size()) {
        last = std::string(head.substr(begin, i - begin));
      }
    } else if (c == '{' || c == '[') {
      if (depth == 1) return last;
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return "";
}

}  // namespace

absl::Status CheckIsATable(const std::string& path, std::string_view head) {
  const auto starts = [&head](std::string_view bytes) {
    return head.substr(0, bytes.size()) == bytes;
  };
  const auto iconv = [&path](const char* from) {
    return InputError(
        path, absl::StrCat("is in ", from, ", wanted UTF-8: iconv -f ", from,
                           " -t UTF-8 FILE > NEW makes it"));
  };
  if (head.empty()) return InputError(path, "is empty");
  if (starts(std::string_view("\xff\xfe\0\0", 4))) return iconv("UTF-32");
  if (starts("\xff\xfe") || starts("\xfe\xff")) return iconv("UTF-16");
  // Without a mark, every second byte of ASCII is 0.
  if (head.size() > 3 && head[1] == 0 && head[3] == 0) return iconv("UTF-16LE");
  if (head.size() > 3 && head[0] == 0 && head[2] == 0) return iconv("UTF-16BE");
  if (starts("PK\x03\x04")) {
    return InputError(path,
                      "is an archive or a spreadsheet: unpack it, or save it "
                      "as CSV");
  }
  return formats::CheckIsTheFile(path, head.substr(0, formats::kToldByBytes));
}

std::string NoArrayRemedy(std::string_view head) {
  head = WithoutByteOrderMark(head);
  head.remove_prefix(std::min(head.find_first_not_of(kSpace), head.size()));
  if (head.empty() || head[0] != '{') return "JSON, but no array";
  const std::string column = FirstColumn(head);
  if (!column.empty()) {
    return absl::StrCat(
        "is an object of columns, such as '", ShownText(column),
        "', wanted an array of rows: pandas writes it by to_json(FILE, "
        "orient=\"records\")");
  }
  return "is one object, wanted an array of objects: [{...}, {...}]";
}

std::string ArrayRemedy(std::string_view head) {
  head = WithoutByteOrderMark(head);
  head.remove_prefix(std::min(head.find_first_not_of(kSpace), head.size()));
  if (head.empty() || head[0] != '[') return "";
  const size_t next = head.find_first_not_of(kSpace, 1);
  if (next == std::string_view::npos || head[next] != '{') return "";
  return "holds one JSON array, not JSON lines: say format: json, or name it "
         ".json";
}

std::string WithEncodingRemedy(const std::string& complaint) {
  if (complaint.empty() || absl::StrContains(complaint, "0x00")) {
    return complaint;
  }
  return absl::StrCat(complaint,
                      "; of a file in Latin-1 iconv -f LATIN1 -t UTF-8 FILE > "
                      "NEW makes it");
}

}  // namespace sft::data
