// The rows of a run's data sets: each set is read once, limited as the config
// says, rendered for the model, and noted by who reads it. What was refused,
// cut or left out on the way is said in the run's inputs.
#ifndef HARNESS_LAUNCH_ROW_READER_H_
#define HARNESS_LAUNCH_ROW_READER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"
#include "harness/data/render/render.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/launch/general_rows.h"
#include "harness/launch/input_audit.h"
#include "harness/launch/run_inputs.h"
#include "harness/launch/workbench.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

// A data set that was read.
struct DataSource {
  const data::DatasetRow* row = nullptr;
  const data::Splits* splits = nullptr;

  const std::string& name() const { return row->name; }
  const data::TaskKindRow& kind() const {
    return data::KindRow(row->task.kind);
  }
};

class RowReader {
 public:
  // All outlive it.
  RowReader(const Workbench& bench, const spec::RunConfig& config,
            const Tokenizer& tokenizer, HeadKind head, RunInputs& inputs)
      : bench_(bench),
        config_(config),
        tokenizer_(tokenizer),
        head_(head),
        inputs_(inputs) {}

  absl::StatusOr<DataSource> Read(const std::string& name);
  // With what follows from the set's rows; lives as long as the inputs.
  const data::Task& TaskOf(const DataSource& source);
  data::RenderOptions render_options() const;

  // The rows that a limit leaves: all runs of these rows see the same ones.
  std::vector<data::Row> Limited(const DataSource& source,
                                 const std::string& split,
                                 const std::vector<data::Row>& rows,
                                 int64_t limit);
  // `whole`: none is cut at max_length.
  absl::StatusOr<std::vector<Example>> Render(
      const DataSource& source, const std::vector<data::Row>& rows,
      const std::string& split, bool whole = false);
  // Of test rows that an evaluator renders: counts those that max_length cuts.
  // Returns the tokens of all, with their answers and what else might be one.
  int64_t CountTest(const DataSource& source,
                    const std::vector<data::Row>& rows,
                    const data::RenderOptions& options);
  // For `use`, which `field` of the spec asks for: all windows of a text, or at
  // most so many training rows.
  absl::StatusOr<std::vector<Example>> GeneralRows(const std::string& name,
                                                   const std::string& use,
                                                   const std::string& field,
                                                   size_t most);

  // Who reads what; CheckRoles when all was read.
  void NoteRows(const std::string& role, const std::vector<data::Row>& rows,
                const std::string& field = "");
  void NoteDocuments(const std::string& role, const DataSource& source,
                     const std::string& field = "");
  absl::Status CheckRoles() const { return roles_.Check(); }

  InputAudit& audit() { return audit_; }

 private:
  void Warn(const std::string& name,
            const std::vector<data::RefusedRow>& refused);

  const Workbench& bench_;
  const spec::RunConfig& config_;
  const Tokenizer& tokenizer_;
  HeadKind head_;
  RunInputs& inputs_;
  std::map<std::string, data::Splits> splits_;
  RowRoles roles_;
  InputAudit audit_{config_, tokenizer_, head_, inputs_};
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_ROW_READER_H_
