#include "harness/launch/workbench.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "harness/core/file_digest.h"
#include "harness/core/status.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/data/user/user_dataset.h"
#include "harness/measure/machine_facts.h"
#include "harness/search/searcher.h"
#include "harness/spec/mixture.h"
#include "harness/train/optimizers/registry.h"

namespace sft::launch {
namespace {

template <class Row>
const Row* FindByName(const std::vector<Row>& rows, const std::string& name) {
  for (const Row& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

template <class Row>
std::vector<spec::MethodSpecRow> SpecRows(const std::vector<Row>& rows) {
  std::vector<spec::MethodSpecRow> out;
  for (const Row& row : rows) {
    out.push_back({row.name, row.summary, row.options});
  }
  return out;
}
std::vector<spec::MethodSpecRow> UpdateSpecRows(
    const std::vector<train::UpdateMethodRow>& rows) {
  std::vector<spec::MethodSpecRow> out = SpecRows(rows);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].calibration) {
      out[i].data_option = rows[i].calibration(spec::RunConfig()).option;
    }
  }
  return out;
}

}  // namespace

const data::DatasetRow* Workbench::FindDataset(const std::string& name) const {
  return FindByName(datasets, name);
}
absl::StatusOr<const data::DatasetRow*> Workbench::DatasetOf(
    const spec::RunConfig& config, const std::string& name) const {
  if (const data::DatasetRow* row = FindDataset(name)) return row;
  const auto own = config.user_data.find(name);
  if (own == config.user_data.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("no data set is called '", name, "'"));
  }
  std::unique_ptr<data::DatasetRow>& row =
      user_datasets_[absl::StrCat(name, "\n", own->second)];
  if (row == nullptr) {
    SFT_ASSIGN_OR_RETURN(const spec::UserData data,
                         spec::UserDataFromJson(name, own->second));
    SFT_ASSIGN_OR_RETURN(data::DatasetRow made, data::MakeUserDataset(data));
    row = std::make_unique<data::DatasetRow>(std::move(made));
  }
  return row.get();
}
absl::StatusOr<std::vector<const data::DatasetRow*>> Workbench::DatasetsOf(
    const spec::RunConfig& config,
    const std::vector<std::string>& names) const {
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> sets,
                       spec::SetsOf(names));
  std::vector<const data::DatasetRow*> rows;
  for (const std::string& name : sets) {
    SFT_ASSIGN_OR_RETURN(const data::DatasetRow* row, DatasetOf(config, name));
    rows.push_back(row);
  }
  return rows;
}

std::vector<std::string> Workbench::BesidesOf(
    const spec::RunConfig& config) const {
  std::vector<std::string> names = config.replay_from;
  std::erase(names, std::string(spec::kEarlierRows));
  const train::UpdateMethodRow* method = FindUpdateMethod(config.method);
  if (method != nullptr && method->calibration) {
    const std::string set = method->calibration(config).set;
    if (!set.empty()) names.push_back(set);
  }
  return names;
}

absl::Status Workbench::ReadOwnData(const spec::UserData& data) const {
  std::unique_ptr<data::DatasetRow>& row =
      user_datasets_[absl::StrCat(data.name, "\n", spec::UserDataToJson(data))];
  if (row != nullptr) return absl::OkStatus();
  absl::Status status;
  absl::StatusOr<data::DatasetRow> made = data::MakeUserDataset(data);
  if (made.ok()) {
    row = std::make_unique<data::DatasetRow>(*std::move(made));
    status = SizesOf(*row).status();
  } else {
    status = made.status();
  }
  const absl::string_view what = status.message();
  if (status.ok() ||
      (!data.spec.empty() && absl::StartsWith(what, data.spec + ":"))) {
    return status;
  }
  return InputError(data.Where("path"), ToStd(what));
}

absl::StatusOr<Workbench::SplitSizes> Workbench::SizesOf(
    const data::DatasetRow& row) const {
  const auto known = sizes_.find(&row);
  if (known != sizes_.end()) return known->second;
  SFT_ASSIGN_OR_RETURN(const data::Splits splits, row.load(folders));
  SplitSizes sizes;
  sizes.train = static_cast<int64_t>(splits.train.size());
  sizes.validation = static_cast<int64_t>(splits.validation.size());
  sizes.test = static_cast<int64_t>(splits.test.size());
  sizes.documents = static_cast<int64_t>(splits.documents.size());
  if (data::KindRow(row.task.kind).may_lack_answer) {
    for (const auto* rows : {&splits.train, &splits.validation, &splits.test}) {
      sizes.unanswerable += std::count_if(
          rows->begin(), rows->end(),
          [](const data::Row& one) { return one.references.empty(); });
    }
  }
  sizes_[&row] = sizes;
  return sizes;
}

absl::StatusOr<std::vector<std::string>> Workbench::SampleMarks(
    const spec::RunConfig& config) const {
  std::vector<std::string> marks;
  if (config.limit_from != "sample") return marks;
  const auto mark = [&marks](const std::string& name, const char* split,
                             int64_t limit, int64_t rows) {
    if (limit == 0 || limit >= rows) return;
    marks.push_back(absl::StrCat("sample 1: ", name, " ", split));
  };
  for (const std::string& stage : config.train) {
    SFT_ASSIGN_OR_RETURN(const std::vector<spec::MixPart> parts,
                         spec::ParseMix(stage));
    if (parts.size() > 1) marks.push_back("sample 1: " + stage);
    for (const spec::MixPart& part : parts) {
      if (config.train_limit == 0) continue;
      SFT_ASSIGN_OR_RETURN(const data::DatasetRow* row,
                           DatasetOf(config, part.name));
      SFT_ASSIGN_OR_RETURN(const SplitSizes sizes, SizesOf(*row));
      mark(part.name, "train", config.train_limit, sizes.train);
    }
  }
  for (const auto* names : {&config.evaluate, &config.retain}) {
    const bool retained = names == &config.retain;
    for (const std::string& name : *names) {
      if (retained && config.test_limit == 0) continue;
      SFT_ASSIGN_OR_RETURN(const data::DatasetRow* row,
                           DatasetOf(config, name));
      if (data::KindRow(row->task.kind).is_text) continue;
      SFT_ASSIGN_OR_RETURN(const SplitSizes sizes, SizesOf(*row));
      mark(name, "test", config.test_limit, sizes.test);
      if (retained) continue;
      mark(name, "validation", config.validation_limit, sizes.validation);
    }
  }
  return marks;
}

const train::UpdateMethodRow* Workbench::FindUpdateMethod(
    const std::string& name) const {
  return FindByName(methods.update, name);
}
const train::BatchingMethodRow* Workbench::FindBatchingMethod(
    const std::string& name) const {
  return FindByName(methods.batching, name);
}

spec::SpecTables Workbench::Tables() const {
  spec::SpecTables tables;
  constexpr int kMostThreads = 1024;  // that the field takes
  tables.cores = std::min(measure::ReadMachineFacts().cores, kMostThreads);
  tables.update_methods = UpdateSpecRows(methods.update);
  tables.batching_methods = SpecRows(methods.batching);
  for (const search::SearcherRow& row : search::AllSearchers()) {
    tables.searches.push_back({row.name, row.summary, row.options});
  }
  for (const train::OptimizerRow& row : train::AllOptimizers()) {
    tables.optimizers.push_back({row.name, row.objection});
  }
  for (const model::ModelRow& row : model::ListedModels())
    tables.models.push_back(row.name);
  for (const data::DatasetRow& row : datasets) {
    // Held-out text is measured, not trained on; everything can be retained.
    if (!data::KindRow(row.task.kind).is_text) {
      tables.datasets.push_back(row.name);
      tables.tasks.push_back(row.name);
    }
    tables.retained.push_back(row.name);
  }
  return tables;
}

spec::LaterOptions Workbench::LaterOptionsOfMethods() const {
  spec::SpecTables tables;
  tables.update_methods = SpecRows(methods.update);
  tables.batching_methods = SpecRows(methods.batching);
  return spec::LaterOptionsOf(tables);
}

absl::StatusOr<std::vector<std::string>> Workbench::InputDigestsOf(
    const spec::RunConfig& config) const {
  std::vector<std::string> digests;
  SFT_ASSIGN_OR_RETURN(const model::ModelLocation where,
                       model::LocateModel(config.model, folders.assets));
  if (model::IsListedModel(config.model)) {
    SFT_ASSIGN_OR_RETURN(std::string digest, model::ModelFilesDigest(where));
    digests.push_back(std::move(digest));
  } else {
    SFT_ASSIGN_OR_RETURN(const std::string digest,
                         model::ModelContentDigest(where));
    digests.push_back(absl::StrCat(spec::kModelByContent, digest));
  }
  const std::vector<std::string> besides = BesidesOf(config);
  for (const auto* names :
       {&config.train, &config.evaluate, &config.retain, &besides}) {
    SFT_ASSIGN_OR_RETURN(const std::vector<const data::DatasetRow*> rows,
                         DatasetsOf(config, *names));
    for (const data::DatasetRow* row : rows) {
      for (const std::string& file : row->files) {
        SFT_ASSIGN_OR_RETURN(const std::string path,
                             data::ResolveDataFile(file, folders));
        SFT_ASSIGN_OR_RETURN(std::string hex, DigestOfFile(path));
        digests.push_back(std::move(hex));
      }
      if (row->revision > 1) {
        digests.push_back(absl::StrCat("revision ", row->revision));
      }
    }
  }
  // Records had such rows cut once.
  const train::BatchingMethodRow* batching =
      FindBatchingMethod(config.batching);
  if (batching != nullptr && batching->takes_whole_rows(config)) {
    digests.push_back("whole rows");
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> marks,
                       SampleMarks(config));
  digests.insert(digests.end(), marks.begin(), marks.end());
  return digests;
}

}  // namespace sft::launch
