// What the composition root hands to the launcher and the worker: the tables,
// the folders they may read, and what this program was built from.
#ifndef HARNESS_LAUNCH_WORKBENCH_H_
#define HARNESS_LAUNCH_WORKBENCH_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"
#include "harness/model/load/load.h"
#include "harness/spec/run_plan.h"
#include "harness/spec/user_data.h"
#include "harness/train/method.h"

namespace sft::launch {

struct Workbench {
  train::MethodTables methods;
  std::vector<data::DatasetRow> datasets;
  data::DataFolders folders;
  std::map<std::string, std::string> build;  // revision, library versions

  // Of the table; nullptr if none is called so.
  const data::DatasetRow* FindDataset(const std::string& name) const;
  // Of the table, or made of the config's own data. It lives as long as this.
  absl::StatusOr<const data::DatasetRow*> DatasetOf(
      const spec::RunConfig& config, const std::string& name) const;
  // Of these, mixtures taken apart, in their order.
  absl::StatusOr<std::vector<const data::DatasetRow*>> DatasetsOf(
      const spec::RunConfig& config,
      const std::vector<std::string>& names) const;
  // Those that are neither trained in a stage of their own nor measured: what
  // is replayed, and what the method calibrates on.
  std::vector<std::string> BesidesOf(const spec::RunConfig& config) const;
  // Reads a spec's own data set, and all rows of it, before anything else does.
  // Errors name the spec's line.
  absl::Status ReadOwnData(const spec::UserData& data) const;
  // Rows of each split, from one reading of the set.
  struct SplitSizes {
    int64_t train = 0, validation = 0, test = 0, documents = 0;
    int64_t unanswerable = 0;  // questions, of all splits
  };
  absl::StatusOr<SplitSizes> SizesOf(const data::DatasetRow& row) const;
  const train::UpdateMethodRow* FindUpdateMethod(const std::string& name) const;
  const train::BatchingMethodRow* FindBatchingMethod(
      const std::string& name) const;

  // The names that a spec may use.
  spec::SpecTables Tables() const;
  // Of the methods: for configs out of manifests and records.
  spec::LaterOptions LaterOptionsOfMethods() const;
  // Digests of the model's and the data's files that a cell reads, and marks
  // of what else makes its rows: a later revision of a reader, limits that
  // leave a sample.
  absl::StatusOr<std::vector<std::string>> InputDigestsOf(
      const spec::RunConfig& config) const;

 private:
  // By name and definition.
  mutable std::map<std::string, std::unique_ptr<data::DatasetRow>>
      user_datasets_;
  mutable std::map<const data::DatasetRow*, SplitSizes> sizes_;
  absl::StatusOr<std::vector<std::string>> SampleMarks(
      const spec::RunConfig& config) const;
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_WORKBENCH_H_
