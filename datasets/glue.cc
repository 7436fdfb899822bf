// GLUE (Wang et al. 2019) as its archives have it: tab-separated files without
// quoting. The dev set is the test set, for the test labels are not public;
// validation rows are taken out of the train set by text. SST-2 has a unit of
// its own.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "datasets/loading.h"
#include "datasets/pairs.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/data/tsv.h"

namespace sft::datasets {
namespace {

// A file and where its columns are, from 0; `second` is -1 for single texts.
struct Layout {
  const char* file;
  bool header;
  int columns, first, second, label;
};
struct GlueSet {
  const char* name;
  Layout train, test;
  // Label in the file, index into `words`.
  std::map<std::string, int64_t> labels;
  std::vector<std::string> words;
  std::vector<std::string> metrics;
  int64_t validation_rows;
  PairedTexts (*pair)(const std::string&, const std::string&);
  const char* source;
  const char* summary;
};

PairedTexts AcceptablePair(const std::string& text, const std::string&) {
  return {absl::StrCat("Sentence: ", text, "\nAcceptable:"), text, ""};
}

const std::vector<GlueSet>& Sets() {
  static const auto& sets = *new std::vector<GlueSet>{
      // Source, label, its author's mark, sentence.
      {"cola",
       {"data:cola/train.tsv", false, 4, 3, -1, 1},
       {"data:cola/dev.tsv", false, 4, 3, -1, 1},
       {{"0", 0}, {"1", 1}},
       {"no", "yes"},
       {"mcc", "accuracy"},
       500,
       AcceptablePair,
       "Warstadt et al. 2018",
       "whether a sentence is grammatical, 2 classes"},
      // index, sentence1, sentence2, label.
      {"glue_rte",
       {"data:glue/RTE/train.tsv", true, 4, 1, 2, 3},
       {"data:glue/RTE/dev.tsv", true, 4, 1, 2, 3},
       {{"entailment", 0}, {"not_entailment", 1}},
       {"yes", "no"},
       {"accuracy", "f1_macro"},
       200,
       EntailmentPair,
       "Dagan et al. 2006 and later challenges",
       "whether one text follows from another, 2 classes"},
      // Eight columns before the sentences; gold_label is the last one.
      {"glue_mnli",
       {"data:glue/MNLI/train.tsv", true, 12, 8, 9, 11},
       {"data:glue/MNLI/dev_matched.tsv", true, 16, 8, 9, 15},
       {{"entailment", 0}, {"contradiction", 1}, {"neutral", 2}},
       {"yes", "no", "maybe"},
       {"accuracy", "f1_macro"},
       2000,
       EntailmentPair,
       "Williams et al. 2018, dev matched",
       "whether a hypothesis follows from a premise, 3 classes"},
      // id, qid1, qid2, question1, question2, is_duplicate.
      {"glue_qqp",
       {"data:glue/QQP/train.tsv", true, 6, 3, 4, 5},
       {"data:glue/QQP/dev.tsv", true, 6, 3, 4, 5},
       {{"0", 0}, {"1", 1}},
       {"no", "yes"},
       {"accuracy", "f1_macro"},
       2000,
       ParaphrasePair,
       "Quora question pairs",
       "whether two questions mean the same, 2 classes"}};
  return sets;
}

absl::StatusOr<LoadedRows> ReadRows(const Layout& layout, const GlueSet& set,
                                    const data::DataFolders& folders,
                                    const data::Task& task) {
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(layout.file, folders));
  SFT_ASSIGN_OR_RETURN(data::TextTable table,
                       data::ReadTsv(path, {.header = layout.header,
                                            .columns = layout.columns}));
  LoadedRows out;
  out.refused = std::move(table.refused);
  for (const data::TextRecord& record : table.records) {
    const std::string where = absl::StrCat(path, ":", record.line);
    const auto label = set.labels.find(record.fields[layout.label]);
    const std::string first = data::CollapseSpace(record.fields[layout.first]);
    std::string second;
    if (layout.second >= 0) {
      second = data::CollapseSpace(record.fields[layout.second]);
    }
    if (label == set.labels.end()) {
      out.refused.push_back(
          {where, absl::StrCat("label '", record.fields[layout.label],
                               "' is none of the task's ", set.labels.size())});
    } else if (first.empty() || (layout.second >= 0 && second.empty())) {
      out.refused.push_back({where, "empty text"});
    } else {
      data::KeyedRow row =
          PairRow(set.pair(first, second), task, label->second);
      row.row.id = record.line;
      row.where = where;
      out.rows.push_back(std::move(row));
    }
  }
  return out;
}

absl::StatusOr<data::Splits> Load(const GlueSet& set,
                                  const data::DataFolders& folders,
                                  const data::Task& task) {
  SFT_ASSIGN_OR_RETURN(LoadedRows test, ReadRows(set.test, set, folders, task));
  SFT_ASSIGN_OR_RETURN(LoadedRows train,
                       ReadRows(set.train, set, folders, task));
  return OfficialSplits(std::move(train), std::move(test), set.validation_rows,
                        task.name);
}

}  // namespace

std::vector<data::DatasetRow> GlueDatasets() {
  std::vector<data::DatasetRow> rows;
  for (const GlueSet& set : Sets()) {
    data::DatasetRow row;
    row.name = set.name;
    row.task.name = row.name;
    row.task.kind = "classification";
    row.task.labels = set.words;
    row.task.metrics = set.metrics;
    row.task.default_form = "plain";
    row.licence = "none stated (research use)";
    row.source = absl::StrCat(set.source, ", GLUE's form; SFTBENCH_DATA");
    row.summary = set.summary;
    row.files = {set.train.file, set.test.file};
    row.load = [&set, task = row.task](const data::DataFolders& folders) {
      return Load(set, folders, task);
    };
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace sft::datasets
