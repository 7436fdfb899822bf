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

namespace sft {

class InputAudit {
 public:
  // All outlive it; what it finds is added to `inputs`.
  InputAudit(const RunConfig& config, const Tokenizer& tokenizer, HeadKind head,
             RunInputs& inputs)
      : config_(config), tokenizer_(tokenizer), head_(head), inputs_(inputs) {}

  // "data sst2: 3 rows ...".
  void Notice(const std::string& name, const std::string& what);
  // Rows of which max_length leaves a part.
  void NoticeCuts(const std::string& name, const std::string& split,
                  size_t rows, const RenderedRows& rendered);
  // Test rows that a model reads in part: of tasks whose examples an
  // evaluation makes itself. (An answer of its own may cut one more or less.)
  void CountCuts(const std::string& name, size_t rows,
                 const RenderedRows& rendered);
  // A limit below the number of classes leaves some without a row.
  void CountLostClasses(const std::string& name, const std::string& split,
                        const std::vector<Row>& rows,
                        const std::vector<Row>& left);
  // Test rows none of whose references an answer can be, for where it ends.
  void CheckReachable(const Task& task, const std::vector<Row>& rows);
  // Gold entities as a decoder writes them, read back: what a perfect model
  // would score.
  absl::Status CheckWrittenTags(const Task& task, const std::vector<Row>& rows);
  // Rows of training, for CountLeaks.
  void AddTrained(const std::string& name, const std::vector<Row>& rows);
  // Training rows that have the prompt of a row that is measured.
  void CountLeaks(const std::string& measured, const std::string& split,
                  const std::vector<Row>& rows);

 private:
  const RunConfig& config_;
  const Tokenizer& tokenizer_;
  HeadKind head_;
  RunInputs& inputs_;
  std::map<std::string, std::vector<RowIdentity>> trained_;  // by data set
};

}  // namespace sft

#endif  // HARNESS_LAUNCH_INPUT_AUDIT_H_
