// Translation of program messages: gettext catalogues of free programs, as
// Debian installs them. Messages that are no plain sentence are refused: what
// is left are human translations of a narrow domain.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/data/gettext_mo.h"
#include "harness/data/splits.h"

namespace sft::datasets {
namespace {

constexpr int64_t kValidationRows = 100;
constexpr int64_t kTestRows = 300;
constexpr int64_t kMinWords = 3, kMaxWords = 60;
// Of the translation's length in bytes to the message's.
constexpr double kMinRatio = 0.4, kMaxRatio = 2.5;

struct Language {
  const char* code;
  const char* name;
};

// Signs of format directives, tags, options, shell and key marks.
bool HasMarkup(std::string_view text) {
  if (text.find_first_of("%{}<>\\$_&|=`~^") != std::string_view::npos) {
    return true;
  }
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const bool begins = i == 0 || text[i - 1] == ' ' || text[i - 1] == '\'' ||
                        text[i - 1] == '"' || text[i - 1] == '(';
    if (begins && text[i] == '-' && text[i + 1] != ' ') return true;
  }
  return false;
}

// Why the pair is no sentence with its translation; "" if it is.
std::string Complaint(const std::string& text, const std::string& translation) {
  if (text.empty() || !absl::ascii_isupper(text[0])) {
    return "no sentence: does not begin with a capital letter";
  }
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  const int64_t count = static_cast<int64_t>(words.size());
  if (count < kMinWords || count > kMaxWords) {
    return absl::StrCat("no sentence: ", count, " words, wanted ", kMinWords,
                        " to ", kMaxWords);
  }
  if (HasMarkup(text) || HasMarkup(translation)) {
    return "no sentence: a format directive, tag or option";
  }
  if (translation.empty() || text == translation) return "not translated";
  const double ratio = static_cast<double>(translation.size()) /
                       static_cast<double>(text.size());
  if (ratio < kMinRatio || ratio > kMaxRatio) {
    return "lengths of message and translation differ too much";
  }
  return "";
}

absl::StatusOr<data::Splits> Load(const std::vector<std::string>& files,
                                  const data::DataFolders& folders,
                                  const Language& language,
                                  const std::string& name) {
  std::vector<data::RefusedRow> refused;
  std::vector<data::KeyedRow> rows;
  int64_t id = 0;
  for (const std::string& file : files) {
    SFT_ASSIGN_OR_RETURN(const std::string path,
                         data::ResolveDataFile(file, folders));
    SFT_ASSIGN_OR_RETURN(data::Catalogue catalogue, data::ReadMo(path));
    refused.insert(refused.end(), catalogue.refused.begin(),
                   catalogue.refused.end());
    for (const data::CatalogueMessage& message : catalogue.messages) {
      const std::string where =
          absl::StrCat(path, ": message ", message.number);
      std::string text = data::CollapseSpace(message.text);
      std::string translation = data::CollapseSpace(message.translation);
      std::string why = Complaint(text, translation);
      if (why.empty()) {
        rows.push_back({TranslationRow(++id, "English", language.name, text,
                                       std::move(translation)),
                        text, where});
      } else {
        refused.push_back({where, std::move(why)});
      }
    }
  }
  rows = data::DropDuplicates(std::move(rows), refused);
  SFT_ASSIGN_OR_RETURN(
      data::Splits splits,
      data::SplitByHash(std::move(rows), kValidationRows, kTestRows, name));
  splits.refused = std::move(refused);
  return splits;
}

data::DatasetRow MakeRow(const Language& language) {
  data::DatasetRow row;
  row.name = absl::StrCat("gettext_en_", language.code);
  row.task.name = row.name;
  row.task.kind = "generation";
  row.task.metrics = {"bleu", "chrf"};
  row.task.default_form = "plain";
  row.task.max_new_tokens = 64;
  row.task.stop_strings = {"\n"};
  row.licence = "GPL and LGPL, as the programs";
  row.source =
      "Debian's bash, coreutils, git, gnupg-l10n, libc-l10n, libglib2.0-data; "
      "SFTBENCH_DATA/gettext as /usr/share/locale";
  row.summary = absl::StrCat("translation of program messages, English to ",
                             language.name);
  for (const char* domain :
       {"bash", "coreutils", "git", "glib20", "gnupg2", "libc"}) {
    row.files.push_back(absl::StrCat("data:gettext/", language.code,
                                     "/LC_MESSAGES/", domain, ".mo"));
  }
  row.load = [files = row.files, language,
              name = row.name](const data::DataFolders& folders) {
    return Load(files, folders, language, name);
  };
  return row;
}

}  // namespace

std::vector<data::DatasetRow> GettextDatasets() {
  return {MakeRow({"de", "German"}), MakeRow({"fr", "French"})};
}

}  // namespace sft::datasets
