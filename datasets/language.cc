// Held-out text and LAMBADA: what a model knows of language before and after
// tuning. WikiText-2 (Merity et al. 2017) is cut into its articles; LAMBADA
// (Paperno et al. 2016) asks for the last word of a passage, in the form of
// OpenAI's GPT-2 release.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "datasets/loading.h"
#include "datasets/registry.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"

namespace sft::datasets {
namespace {

constexpr char kLambada[] = "data:lambada/test.jsonl.gz";

// "= Title =" and not "= = Section = =".
bool IsTitle(const std::string& line) {
  const std::string text = Stripped(line);
  return text.size() > 4 && absl::StartsWith(text, "= ") &&
         absl::EndsWith(text, " =") && !absl::StartsWith(text, "= =") &&
         !absl::EndsWith(text, "= =");
}

bool Never(const std::string&) { return false; }

// The lines of a file as documents; one begins wherever `begins` says so.
absl::StatusOr<data::Splits> LoadDocuments(const std::string& file,
                                           bool (*begins)(const std::string&),
                                           const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(file, folders));
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> lines, ReadLines(path));
  data::Splits splits;
  std::vector<std::string> document;
  const auto close = [&] {
    std::string text = absl::StrJoin(document, "\n");
    if (!Stripped(text).empty()) splits.documents.push_back(std::move(text));
    document.clear();
  };
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string why = Utf8Complaint(lines[i]);
    if (!why.empty()) {
      splits.refused.push_back({absl::StrCat(path, ":", i + 1), why});
      continue;
    }
    if (begins(lines[i])) close();
    document.push_back(lines[i]);
  }
  close();
  if (splits.documents.empty()) return InputError(path, "no text");
  return splits;
}

absl::StatusOr<data::KeyedRow> LastWordRow(const data::JsonRecord& record) {
  SFT_ASSIGN_OR_RETURN(std::string text, WrittenText(record.value, "text"));
  // At the last space, as lm-evaluation-harness cuts: a line break in what
  // follows is part of the answer.
  const size_t space = text.rfind(' ');
  if (space == std::string::npos) {
    return absl::InvalidArgumentError("a passage of one word");
  }
  data::KeyedRow row;
  row.row.turns = {{"user", text.substr(0, space)},
                   {"assistant", text.substr(space + 1)}};
  row.key = std::move(text);
  return row;
}

absl::StatusOr<data::Splits> LoadLambada(const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(LoadedRows rows,
                       LoadJsonRows(kLambada, folders, LastWordRow));
  return TestOnly(std::move(rows));
}

data::DatasetRow DocumentsRow(const std::string& name, const std::string& file,
                              bool (*begins)(const std::string&),
                              const std::string& licence,
                              const std::string& source,
                              const std::string& summary) {
  data::DatasetRow row;
  row.name = name;
  row.task.name = name;
  row.task.kind = "language_modeling";
  row.task.metrics = {"cross_entropy", "perplexity"};
  row.task.default_form = "plain";
  row.licence = licence;
  row.source = source;
  row.summary = summary;
  row.files = {file};
  row.load = [file, begins](const data::DataFolders& folders) {
    return LoadDocuments(file, begins, folders);
  };
  return row;
}

data::DatasetRow LambadaRow() {
  data::DatasetRow row;
  row.name = "lambada";
  row.task.name = row.name;
  row.task.kind = "last_word";
  row.task.metrics = {"accuracy", "perplexity"};
  row.task.default_form = "plain";
  row.licence = "CC BY 4.0; OpenAI's form modified MIT";
  row.source = "LAMBADA (Paperno et al. 2016), OpenAI's test; SFTBENCH_DATA";
  row.summary = "the last word of a passage of a novel, to test on";
  row.files = {kLambada};
  row.load = LoadLambada;
  row.revision = 2;  // cut at spaces alone
  return row;
}

}  // namespace

std::vector<data::DatasetRow> LanguageDatasets() {
  const std::string wiki_licence = "CC BY-SA 3.0 / GFDL";
  return {DocumentsRow("wikitext2", "data:wikitext2/wiki.test.raw.gz", IsTitle,
                       wiki_licence,
                       "WikiText-2 raw test set (Merity et al. 2017); "
                       "SFTBENCH_DATA",
                       "held-out text: Wikipedia articles as written"),
          DocumentsRow("wikitext2_tokens", "data:wikitext2/test.tokens.gz",
                       IsTitle, wiki_licence,
                       "WikiText-2 test set in words (Merity et al. 2017); "
                       "SFTBENCH_DATA",
                       "held-out text: the same articles in words, with <unk>"),
          DocumentsRow("wikitext2_valid", "data:wikitext2/valid.tokens.gz",
                       IsTitle, wiki_licence,
                       "WikiText-2 valid set in words (Merity et al. 2017); "
                       "SFTBENCH_DATA",
                       "held-out text: other articles in words, with <unk>"),
          DocumentsRow("tinyshakespeare", "data:tinyshakespeare/input.txt.gz",
                       Never, "public domain (collection MIT)",
                       "Karpathy's collection of Shakespeare's plays; "
                       "SFTBENCH_DATA",
                       "held-out text: 1.1 MB of plays as one document"),
          LambadaRow()};
}

}  // namespace sft::datasets
