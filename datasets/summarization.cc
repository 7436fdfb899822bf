// Summaries of dialogues (DialogSum, Chen et al. 2021; SAMSum, Gliwa et al.
// 2019), of news (XSum, Narayan et al. 2018; CNN/DailyMail, See et al. 2017)
// and of papers under three aspects (ACLSum, Takeshita et al. 2024), with the
// splits of their makers.
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "datasets/loading.h"
#include "datasets/official.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/data/csv.h"
#include "harness/data/jsonl.h"
#include "harness/data/splits.h"

namespace sft::datasets {
namespace {

using Json = nlohmann::json;

using Reader = absl::StatusOr<LoadedRows> (*)(const std::string& path);

// White space of both ends cut off, line ends made one kind; an error with
// the name if nothing is left.
absl::StatusOr<std::string> Text(const std::string& text,
                                 const std::string& name) {
  std::string clean = absl::StrReplaceAll(text, {{"\r\n", "\n"}});
  absl::StripAsciiWhitespace(&clean);
  if (clean.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("empty '", name, "'"));
  }
  return clean;
}
absl::StatusOr<std::string> TextAt(const Json& object, const std::string& key) {
  SFT_ASSIGN_OR_RETURN(const std::string text, data::JsonText(object, key));
  return Text(text, key);
}

// `task`: "Summarize the dialogue."
data::KeyedRow MakeRow(const std::string& task, const std::string& document,
                       std::vector<std::string> summaries) {
  data::KeyedRow row;
  row.key = absl::StrCat(task, "\n\n", document, "\n\nSummary:");
  row.row = GenerationRow(0, row.key, std::move(summaries));
  return row;
}

// "summary", or "summary1", "summary2", ... where there are several.
absl::StatusOr<std::vector<std::string>> Summaries(const Json& record) {
  std::vector<std::string> summaries;
  if (!record.contains("summary1")) {
    SFT_ASSIGN_OR_RETURN(std::string only, TextAt(record, "summary"));
    summaries.push_back(std::move(only));
    return summaries;
  }
  for (int i = 1; record.contains(absl::StrCat("summary", i)); ++i) {
    SFT_ASSIGN_OR_RETURN(std::string one,
                         TextAt(record, absl::StrCat("summary", i)));
    summaries.push_back(std::move(one));
  }
  return summaries;
}

absl::StatusOr<data::KeyedRow> RowOfRecord(const Json& record,
                                           const std::string& document_key,
                                           const std::string& task) {
  SFT_ASSIGN_OR_RETURN(const std::string document,
                       TextAt(record, document_key));
  SFT_ASSIGN_OR_RETURN(std::vector<std::string> summaries, Summaries(record));
  return MakeRow(task, document, std::move(summaries));
}

absl::StatusOr<LoadedRows> ReadRecords(const std::string& path,
                                       const std::string& document_key,
                                       const std::string& task) {
  const bool lines = path.find(".jsonl") != std::string::npos;
  SFT_ASSIGN_OR_RETURN(data::JsonTable table, lines
                                                  ? data::ReadJsonl(path)
                                                  : data::ReadJsonArray(path));
  LoadedRows out;
  out.refused = std::move(table.refused);
  for (const data::JsonRecord& record : table.records) {
    AddRow(RowOfRecord(record.value, document_key, task), record.number,
           record.where, out);
  }
  return out;
}

absl::StatusOr<LoadedRows> ReadDialogues(const std::string& path) {
  return ReadRecords(path, "dialogue", "Summarize the dialogue.");
}
absl::StatusOr<LoadedRows> ReadDocuments(const std::string& path) {
  return ReadRecords(path, "document", "Summarize the article.");
}

// Highlights are lines, a sentence each; references keep them.
absl::StatusOr<data::KeyedRow> RowOfHighlights(const data::TextRecord& record) {
  SFT_ASSIGN_OR_RETURN(const std::string article,
                       Text(record.fields[1], "article"));
  SFT_ASSIGN_OR_RETURN(std::string highlights,
                       Text(record.fields[2], "highlights"));
  return MakeRow("Summarize the article.", article, {std::move(highlights)});
}

absl::StatusOr<LoadedRows> ReadHighlights(const std::string& path) {
  data::CsvOptions csv;
  csv.header_names = {"id", "article", "highlights"};
  SFT_ASSIGN_OR_RETURN(data::TextTable table, data::ReadCsv(path, csv));
  LoadedRows out;
  out.refused = std::move(table.refused);
  for (const data::TextRecord& record : table.records) {
    AddRow(RowOfHighlights(record), record.line,
           absl::StrCat(path, ":", record.line), out);
  }
  return out;
}

struct Aspect {
  const char* key;
  const char* task;
};
constexpr Aspect kAspects[] = {
    {"challenge", "Summarize the challenge that the paper takes on."},
    {"approach", "Summarize the approach of the paper."},
    {"outcome", "Summarize the outcome of the paper."}};

// The sentences of abstract, introduction and conclusion, a line each part.
absl::StatusOr<std::string> PaperText(const Json& record) {
  std::string text;
  for (const char* part : {"abstract", "introduction", "conclusion"}) {
    const auto sentences = record.find("sentences");
    if (sentences == record.end() || !sentences->is_object() ||
        !sentences->contains(part) || !(*sentences)[part].is_array()) {
      return absl::InvalidArgumentError(
          absl::StrCat("no array 'sentences.", part, "'"));
    }
    std::string joined;
    for (const Json& sentence : (*sentences)[part]) {
      if (!sentence.is_string()) {
        return absl::InvalidArgumentError(
            absl::StrCat("'sentences.", part, "' holds what is no string"));
      }
      absl::StrAppend(&joined, joined.empty() ? "" : " ",
                      data::CollapseSpace(sentence.get<std::string>()));
    }
    if (joined.empty()) continue;
    absl::StrAppend(&text, text.empty() ? "" : "\n", joined);
  }
  return Text(text, "sentences");
}

absl::StatusOr<data::KeyedRow> RowOfAspect(const Json& record,
                                           const Aspect& aspect) {
  SFT_ASSIGN_OR_RETURN(const std::string paper, PaperText(record));
  const auto summary = record.find("summary");
  if (summary == record.end() || !summary->is_object()) {
    return absl::InvalidArgumentError("no object 'summary'");
  }
  SFT_ASSIGN_OR_RETURN(std::string text, TextAt(*summary, aspect.key));
  return MakeRow(aspect.task, paper, {std::move(text)});
}

absl::StatusOr<LoadedRows> ReadPapers(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(data::JsonTable table, data::ReadJsonl(path));
  LoadedRows out;
  out.refused = std::move(table.refused);
  constexpr int64_t kCount = std::size(kAspects);
  for (const data::JsonRecord& record : table.records) {
    for (int64_t i = 0; i < kCount; ++i) {
      AddRow(RowOfAspect(record.value, kAspects[i]), record.number * kCount + i,
             absl::StrCat(record.where, ", ", kAspects[i].key), out);
    }
  }
  return out;
}

// `files`: train, validation and test.
absl::StatusOr<data::Splits> Load(const std::vector<std::string>& files,
                                  const data::DataFolders& folders,
                                  Reader read) {
  OfficialRows rows;
  std::vector<data::KeyedRow>* const splits[] = {&rows.train, &rows.validation,
                                                 &rows.test};
  for (size_t i = 0; i < 3; ++i) {
    SFT_ASSIGN_OR_RETURN(const std::string path,
                         data::ResolveDataFile(files[i], folders));
    SFT_ASSIGN_OR_RETURN(LoadedRows file, read(path));
    SFT_ASSIGN_OR_RETURN(file, UnlessEmpty(path, std::move(file)));
    *splits[i] = std::move(file.rows);
    rows.refused.insert(rows.refused.end(), file.refused.begin(),
                        file.refused.end());
  }
  return KeptApart(std::move(rows));
}

struct Set {
  const char* name;
  const char* files[3];
  Reader read;
  int64_t max_new_tokens;
  const char* licence;
  const char* source;
  const char* summary;
};
constexpr Set kSets[] = {
    {"dialogsum",
     {"data:dialogsum/train.jsonl.gz", "data:dialogsum/dev.jsonl",
      "data:dialogsum/test.jsonl"},
     ReadDialogues,
     64,
     "CC BY-NC-SA 4.0",
     "Chen et al. 2021; SFTBENCH_DATA",
     "summaries of spoken dialogues, three references a test row"},
    {"samsum",
     {"data:samsum/train.json", "data:samsum/val.json",
      "data:samsum/test.json"},
     ReadDialogues,
     64,
     "CC BY-NC-ND 4.0",
     "Gliwa et al. 2019; SFTBENCH_DATA",
     "summaries of messenger dialogues"},
    {"xsum",
     {"data:xsum/train.jsonl", "data:xsum/validation.jsonl",
      "data:xsum/test.jsonl"},
     ReadDocuments,
     64,
     "none stated (BBC articles, research use)",
     "Narayan et al. 2018; SFTBENCH_DATA",
     "one-sentence summaries of news articles"},
    {"cnn_dailymail",
     {"data:cnn_dailymail/train.csv", "data:cnn_dailymail/validation.csv",
      "data:cnn_dailymail/test.csv"},
     ReadHighlights,
     128,
     "Apache-2.0 (version 1.0.0's card); articles of CNN and Daily Mail",
     "Hermann et al. 2015, See et al. 2017; SFTBENCH_DATA",
     "highlights of news articles"},
    {"aclsum",
     {"assets:data/aclsum/train.jsonl", "assets:data/aclsum/val.jsonl",
      "assets:data/aclsum/test.jsonl"},
     ReadPapers,
     64,
     "MIT",
     "Takeshita et al. 2024; PyPI aclsum 0.1.2",
     "challenge, approach and outcome of papers, a sentence each"},
};

}  // namespace

std::vector<data::DatasetRow> SummarizationDatasets() {
  std::vector<data::DatasetRow> rows;
  for (const Set& set : kSets) {
    data::DatasetRow row;
    row.name = set.name;
    row.task.name = row.name;
    row.task.kind = "generation";
    row.task.metrics = {"rougeL", "rouge1", "rouge2"};
    row.task.default_form = "plain";
    row.task.max_new_tokens = set.max_new_tokens;
    row.task.stop_strings = {"\n"};
    row.licence = set.licence;
    row.source = set.source;
    row.summary = set.summary;
    row.files.assign(std::begin(set.files), std::end(set.files));
    row.load = [files = row.files,
                read = set.read](const data::DataFolders& folders) {
      return Load(files, folders, read);
    };
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace sft::datasets
