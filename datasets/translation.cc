// Translation of aligned text: Multi30k's image captions (Elliott et al. 2016)
// with their official splits, and FLORES-200's sentences (NLLB Team 2022),
// whose dev set is trained on and whose devtest set is the test set.
#include <string>
#include <utility>
#include <vector>

#include "datasets/official.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/status.h"
#include "harness/data/parallel.h"
#include "harness/data/splits.h"

namespace sft::datasets {
namespace {

constexpr int64_t kFloresValidationRows = 100;

struct Language {
  const char* code;
  const char* name;
  const char* flores;
};
constexpr Language kEnglish = {"en", "English", "eng_Latn"};
constexpr Language kGerman = {"de", "German", "deu_Latn"};
constexpr Language kFrench = {"fr", "French", "fra_Latn"};

struct Direction {
  Language from, to;
};

// Two aligned files, below the data folder.
absl::StatusOr<std::vector<data::KeyedRow>> ReadRows(
    const std::string& source, const std::string& target,
    const data::DataFolders& folders, const Direction& direction,
    std::vector<data::RefusedRow>& refused) {
  SFT_ASSIGN_OR_RETURN(const std::string source_path,
                       data::ResolveDataFile(source, folders));
  SFT_ASSIGN_OR_RETURN(const std::string target_path,
                       data::ResolveDataFile(target, folders));
  SFT_ASSIGN_OR_RETURN(data::ParallelTable table,
                       data::ReadParallel(source_path, target_path));
  refused.insert(refused.end(), table.refused.begin(), table.refused.end());
  std::vector<data::KeyedRow> rows;
  for (data::SentencePair& pair : table.pairs) {
    rows.push_back(
        {TranslationRow(pair.line, direction.from.name, direction.to.name,
                        pair.source, std::move(pair.target)),
         pair.source, absl::StrCat(source_path, ":", pair.line)});
  }
  return rows;
}

// `files`: source and target of the train, validation and test set.
absl::StatusOr<data::Splits> LoadMulti30k(const std::vector<std::string>& files,
                                          const data::DataFolders& folders,
                                          const Direction& direction) {
  OfficialRows rows;
  std::vector<data::KeyedRow>* const splits[] = {&rows.train, &rows.validation,
                                                 &rows.test};
  for (size_t i = 0; i < 3; ++i) {
    SFT_ASSIGN_OR_RETURN(
        *splits[i], ReadRows(files[2 * i], files[2 * i + 1], folders, direction,
                             rows.refused));
  }
  return KeptApart(std::move(rows));
}

// `files`: source and target of dev and devtest.
absl::StatusOr<data::Splits> LoadFlores(const std::vector<std::string>& files,
                                        const data::DataFolders& folders,
                                        const Direction& direction,
                                        const std::string& name) {
  std::vector<data::RefusedRow> refused;
  SFT_ASSIGN_OR_RETURN(
      std::vector<data::KeyedRow> dev,
      ReadRows(files[0], files[1], folders, direction, refused));
  SFT_ASSIGN_OR_RETURN(
      std::vector<data::KeyedRow> test,
      ReadRows(files[2], files[3], folders, direction, refused));
  RefuseSeen(test, "test", dev, refused);
  dev = data::DropDuplicates(std::move(dev), refused);
  SFT_ASSIGN_OR_RETURN(
      data::Splits splits,
      data::SplitByHash(std::move(dev), kFloresValidationRows, 0, name));
  splits.test = InOrderOfHash(std::move(test));
  splits.refused = std::move(refused);
  return splits;
}

data::DatasetRow MakeRow(const std::string& family, const Direction& direction,
                         const std::string& what) {
  data::DatasetRow row;
  row.name =
      absl::StrCat(family, "_", direction.from.code, "_", direction.to.code);
  row.task.name = row.name;
  row.task.kind = "generation";
  row.task.metrics = {"bleu", "chrf"};
  row.task.default_form = "plain";
  row.task.stop_strings = {"\n"};
  row.summary = absl::StrCat("translation of ", what, ", ", direction.from.name,
                             " to ", direction.to.name);
  return row;
}

data::DatasetRow Multi30k(const Direction& direction) {
  data::DatasetRow row = MakeRow("multi30k", direction, "image captions");
  row.task.max_new_tokens = 48;
  row.licence = "none stated (Flickr30k captions: non-commercial research use)";
  row.source = "Elliott et al. 2016, task 1, raw; SFTBENCH_DATA";
  for (const auto& [split, suffix] :
       {std::pair("train", ".gz"), std::pair("val", ""),
        std::pair("test_2016_flickr", "")}) {
    for (const Language& language : {direction.from, direction.to}) {
      row.files.push_back(
          absl::StrCat("data:multi30k/", split, ".", language.code, suffix));
    }
  }
  row.load = [files = row.files, direction](const data::DataFolders& folders) {
    return LoadMulti30k(files, folders, direction);
  };
  return row;
}

data::DatasetRow Flores200(const Direction& direction) {
  data::DatasetRow row = MakeRow("flores200", direction, "Wikimedia sentences");
  row.task.max_new_tokens = 128;  // whole sentences of news and guides
  row.licence = "CC BY-SA 4.0";
  row.source = "NLLB Team 2022; SFTBENCH_DATA";
  for (const char* split : {"dev", "devtest"}) {
    for (const Language& language : {direction.from, direction.to}) {
      row.files.push_back(
          absl::StrCat("data:flores200/", language.flores, ".", split));
    }
  }
  row.load = [files = row.files, direction,
              name = row.name](const data::DataFolders& folders) {
    return LoadFlores(files, folders, direction, name);
  };
  return row;
}

}  // namespace

std::vector<data::DatasetRow> TranslationDatasets() {
  std::vector<data::DatasetRow> rows = {Multi30k({kGerman, kEnglish}),
                                        Multi30k({kEnglish, kGerman})};
  for (const Language& from : {kEnglish, kGerman, kFrench}) {
    for (const Language& to : {kEnglish, kGerman, kFrench}) {
      if (from.code != to.code) rows.push_back(Flores200({from, to}));
    }
  }
  return rows;
}

}  // namespace sft::datasets
