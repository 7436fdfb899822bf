#include "harness/launch/shell_words.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sft::launch {
namespace {

bool IsSafe(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("_-./:=,+@%").find(c) != std::string_view::npos;
}

bool IsControl(char c) {
  return absl::ascii_iscntrl(static_cast<unsigned char>(c));
}

}  // namespace

std::string ShellQuoted(std::string_view word) {
  // "~" and "=" at the beginning mean something to some shells; the first is
  // not safe anywhere, the second only there.
  if (!word.empty() && word[0] != '=' &&
      std::all_of(word.begin(), word.end(), IsSafe)) {
    return std::string(word);
  }
  const bool controls = std::any_of(word.begin(), word.end(), IsControl);
  std::string quoted = controls ? "$'" : "'";
  for (const char c : word) {
    if (c == '\'' && !controls) {
      quoted += "'\\''";
    } else if (IsControl(c) || (controls && (c == '\'' || c == '\\'))) {
      // A quote too: to a shell without $'...', \' would end the word.
      absl::StrAppendFormat(&quoted, "\\%03o", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return absl::StrCat(quoted, "'");
}

std::string ShellLine(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    absl::StrAppend(&line, line.empty() ? "" : " ", ShellQuoted(word));
  }
  return line;
}

}  // namespace sft::launch
