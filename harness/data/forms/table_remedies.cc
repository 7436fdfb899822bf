#include "harness/data/forms/table_remedies.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "harness/core/fields.h"
#include "harness/data/clean_text.h"
#include "harness/data/forms/table_form.h"
#include "harness/data/unicode.h"

namespace sft::data {

std::string FormatRemedy(const std::string& name) {
  static const auto& kinds =
      *new std::vector<std::pair<std::string, std::string>>{
          {".arrow", "Arrow"},
          {".feather", "Feather"},
          {".pkl", "a pickle, which can run any code when it is read"},
          {".pickle", "a pickle, which can run any code when it is read"},
          {".pt", "a pickle, which can run any code when it is read"},
          {".xlsx", "a spreadsheet"},
          {".xls", "a spreadsheet"},
          {".ods", "a spreadsheet"},
          {".zip", "an archive: unpack it"},
          {".tar", "an archive: unpack it"},
          {".bz2", "bzip2: unpack it, or pack it with zstd"},
          {".xz", "xz: unpack it, or pack it with zstd"}};
  for (const auto& [ending, what] : kinds) {
    if (!absl::EndsWith(name, ending)) continue;
    if (what.find(':') != std::string::npos) return what;
    return absl::StrCat(
        what, ", which is not read here: save it as CSV or JSON lines");
  }
  std::vector<std::string> endings;
  for (const TableForm& form : AllTableForms()) {
    endings.insert(endings.end(), form.endings.begin(), form.endings.end());
  }
  return absl::StrCat("the name ends in none of ", absl::StrJoin(endings, ", "),
                      " (and .gz, .zst); format: says what it is all the same");
}

std::string SeparatorRemedy(const std::vector<std::string>& fields) {
  for (const std::string& field : fields) {
    if (field.find('\r') == std::string::npos) continue;
    return ": its lines end in CR alone; tr '\\r' '\\n' < FILE > NEW mends "
           "it";
  }
  if (fields.size() != 1) return "";
  for (const char c : {';', '\t', '|', ','}) {
    if (fields[0].find(c) == std::string::npos) continue;
    const std::string shown =
        c == '\t' ? "a tab" : absl::StrCat("'", std::string(1, c), "'");
    const std::string remedy =
        c == '\t'  ? "format: tsv"
        : c == ',' ? "format: csv"
                   : absl::StrCat("delimiter: \"", std::string(1, c), "\"");
    return absl::StrCat(": it looks as if separated by ", shown, "; say ",
                        remedy);
  }
  return "";
}

std::string NoColumnRemedy(const std::string& column,
                           const std::vector<std::string>& known,
                           const std::vector<std::string>& fields) {
  constexpr size_t kShown = 20;
  std::vector<std::string> shown = known;
  if (shown.size() > kShown) shown.resize(kShown);
  return absl::StrCat(
      "no column '", column, "'", DidYouMean(column, known),
      " (there are: ", FirstWords(ShownText(absl::StrJoin(shown, ", ")), 300),
      ")", SeparatorRemedy(fields));
}

}  // namespace sft::data
