// SuperGLUE (Wang et al. 2019) as its archives have it: train.jsonl and
// val.jsonl. The val set is the test set, for the test labels are not public;
// validation rows are taken out of the train set by text.
#include <string>
#include <utility>
#include <vector>

#include "datasets/loading.h"
#include "datasets/pairs.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/status.h"

namespace sft::datasets {
namespace {

using nlohmann::json;

struct SuperGlueSet {
  const char* name;
  const char* folder;                    // below data:superglue/
  std::vector<std::string> file_labels;  // as JSON writes them
  std::vector<std::string> words;
  int64_t validation_rows;
  absl::StatusOr<PairedTexts> (*texts)(const json& record);
  const char* source;
  const char* summary;
};

absl::StatusOr<PairedTexts> Boolq(const json& record) {
  SFT_ASSIGN_OR_RETURN(const std::string question,
                       NonEmptyText(record, "question"));
  SFT_ASSIGN_OR_RETURN(const std::string passage,
                       NonEmptyText(record, "passage"));
  return PassagePair(question, passage);
}

absl::StatusOr<PairedTexts> Entailment(const json& record) {
  SFT_ASSIGN_OR_RETURN(const std::string premise,
                       NonEmptyText(record, "premise"));
  SFT_ASSIGN_OR_RETURN(const std::string hypothesis,
                       NonEmptyText(record, "hypothesis"));
  return EntailmentPair(premise, hypothesis);
}

absl::StatusOr<PairedTexts> Copa(const json& record) {
  SFT_ASSIGN_OR_RETURN(const std::string kind,
                       NonEmptyText(record, "question"));
  if (kind != "cause" && kind != "effect") {
    return absl::InvalidArgumentError(
        absl::StrCat("question '", kind, "', wanted cause or effect"));
  }
  SFT_ASSIGN_OR_RETURN(const std::string premise,
                       NonEmptyText(record, "premise"));
  SFT_ASSIGN_OR_RETURN(const std::string a, NonEmptyText(record, "choice1"));
  SFT_ASSIGN_OR_RETURN(const std::string b, NonEmptyText(record, "choice2"));
  return CausePair(kind, premise, a, b);
}

absl::StatusOr<PairedTexts> Wic(const json& record) {
  SFT_ASSIGN_OR_RETURN(const std::string word, NonEmptyText(record, "word"));
  SFT_ASSIGN_OR_RETURN(const std::string a, NonEmptyText(record, "sentence1"));
  SFT_ASSIGN_OR_RETURN(const std::string b, NonEmptyText(record, "sentence2"));
  return WordSensePair(word, a, b);
}

const std::vector<SuperGlueSet>& Sets() {
  static const auto& sets = *new std::vector<SuperGlueSet>{
      {"superglue_boolq",
       "BoolQ",
       {"true", "false"},
       {"yes", "no"},
       500,
       Boolq,
       "Clark et al. 2019",
       "yes or no questions about a passage"},
      {"superglue_cb",
       "CB",
       {"\"entailment\"", "\"contradiction\"", "\"neutral\""},
       {"yes", "no", "maybe"},
       30,
       Entailment,
       "de Marneffe et al. 2019",
       "whether a clause's content is held true, 3 classes"},
      {"superglue_copa",
       "COPA",
       {"0", "1"},
       {"A", "B"},
       50,
       Copa,
       "Roemmele et al. 2011",
       "which of two is the cause or the effect"},
      {"superglue_wic",
       "WiC",
       {"true", "false"},
       {"yes", "no"},
       500,
       Wic,
       "Pilehvar & Camacho-Collados 2019",
       "whether a word has one sense in two sentences"}};
  return sets;
}

absl::StatusOr<data::Splits> Load(const SuperGlueSet& set,
                                  const data::DatasetRow& dataset,
                                  const data::DataFolders& folders) {
  const auto row_of =
      [&](const data::JsonRecord& record) -> absl::StatusOr<data::KeyedRow> {
    const auto label_at = record.value.find("label");
    if (label_at == record.value.end()) {
      return absl::InvalidArgumentError("no 'label'");
    }
    const int64_t label = IndexOf(label_at->dump(), set.file_labels);
    if (label < 0) {
      return absl::InvalidArgumentError(absl::StrCat("label ", label_at->dump(),
                                                     " is none of the task's ",
                                                     set.file_labels.size()));
    }
    SFT_ASSIGN_OR_RETURN(PairedTexts texts, set.texts(record.value));
    return PairRow(std::move(texts), dataset.task, label);
  };
  SFT_ASSIGN_OR_RETURN(LoadedRows test,
                       LoadJsonRows(dataset.files[1], folders, row_of));
  SFT_ASSIGN_OR_RETURN(LoadedRows train,
                       LoadJsonRows(dataset.files[0], folders, row_of));
  return OfficialSplits(std::move(train), std::move(test), set.validation_rows,
                        dataset.name);
}

}  // namespace

std::vector<data::DatasetRow> SuperGlueDatasets() {
  std::vector<data::DatasetRow> rows;
  for (const SuperGlueSet& set : Sets()) {
    data::DatasetRow row;
    row.name = set.name;
    row.task.name = row.name;
    row.task.kind = "classification";
    row.task.labels = set.words;
    row.task.metrics = {"accuracy", "f1_macro"};
    row.task.default_form = "plain";
    row.licence = "its makers' terms (research use)";
    row.source = absl::StrCat(set.source, ", SuperGLUE's form; SFTBENCH_DATA");
    row.summary = set.summary;
    row.files = {absl::StrCat("data:superglue/", set.folder, "/train.jsonl"),
                 absl::StrCat("data:superglue/", set.folder, "/val.jsonl")};
    row.load = [&set, dataset = row](const data::DataFolders& folders) {
      return Load(set, dataset, folders);
    };
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace sft::datasets
