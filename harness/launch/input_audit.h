// What is wrong or lost in a run's rows, said and counted: a line for standard
// error and a fact for the record.
#ifndef HARNESS_LAUNCH_INPUT_AUDIT_H_
#define HARNESS_LAUNCH_INPUT_AUDIT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "harness/core/batch.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"
#include "harness/data/sample.h"
#include "harness/launch/run_inputs.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

class InputAudit {
 public:
  // All outlive it; what it finds is added to `inputs`.
  InputAudit(const spec::RunConfig& config, const Tokenizer& tokenizer,
             HeadKind head, RunInputs& inputs)
      : config_(config), tokenizer_(tokenizer), head_(head), inputs_(inputs) {}

  // "data sst2: 3 rows ...".
  void Notice(const std::string& name, const std::string& what);
  // Rows of which max_length leaves a part. (Of test rows whose examples an
  // evaluation makes itself, an answer of its own may cut one more or less.)
  void CountCuts(const std::string& name, const std::string& split, size_t rows,
                 const data::RenderedRows& rendered);
  // A limit below the number of classes leaves some without a row.
  void CountLostClasses(const std::string& name, const std::string& split,
                        const std::vector<data::Row>& rows,
                        const std::vector<data::Row>& left);
  // Test rows none of whose references an answer can be, for where it ends.
  void CheckReachable(const data::Task& task,
                      const std::vector<data::Row>& rows);
  // Gold entities as a decoder writes them, read back: what a perfect model
  // would score.
  absl::Status CheckWrittenTags(const data::Task& task,
                                const std::vector<data::Row>& rows);
  // Rows of training, for CountLeaks.
  void AddTrained(const std::string& name, const std::vector<data::Row>& rows);
  // Training rows that have the prompt of a row that is measured.
  void CountLeaks(const std::string& measured, const std::string& split,
                  const std::vector<data::Row>& rows);

 private:
  const spec::RunConfig& config_;
  const Tokenizer& tokenizer_;
  HeadKind head_;
  RunInputs& inputs_;
  std::map<std::string, std::vector<data::RowIdentity>>
      trained_;  // by data set
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_INPUT_AUDIT_H_
