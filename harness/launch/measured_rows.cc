#include "harness/launch/measured_rows.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "harness/core/status.h"
#include "harness/data/tasks/task_kind.h"

namespace sft::launch {
namespace {

absl::Status ReadText(const DataSource& source, RowReader& reader,
                      eval::EvalInput& input) {
  input.documents = source.splits->documents;
  if (input.documents.empty()) {
    return InputError(source.name(), "holds no text");
  }
  reader.NoteDocuments("measured " + source.name(), source);
  return absl::OkStatus();
}

absl::Status ReadRows(const spec::RunConfig& config, const DataSource& source,
                      RowReader& reader, Measured& measured) {
  const std::string& name = source.name();
  const bool by_loss = source.kind().measured_by_loss;
  eval::EvalInput& input = measured.input;
  input.rows =
      reader.Limited(source, "test", source.splits->test, config.test_limit);
  if (input.rows.empty()) return InputError(name, "has no test row");
  reader.NoteRows("measured " + name, input.rows);
  if (by_loss) {
    SFT_ASSIGN_OR_RETURN(input.examples,
                         reader.Render(source, input.rows, "test"));
    measured.test_tokens = TokensOf(input.examples);
  }
  InputAudit& audit = reader.audit();
  if (!measured.retained) {
    const std::vector<data::Row> validation =
        reader.Limited(source, "validation", source.splits->validation,
                       config.validation_limit);
    SFT_ASSIGN_OR_RETURN(measured.validation_examples,
                         reader.Render(source, validation, "validation"));
    audit.CountLeaks(name, "validation", validation);
    reader.NoteRows("validation " + name, validation);
  }
  if (!by_loss) {
    measured.test_tokens = reader.CountTest(source, input.rows, input.render);
  }
  SFT_RETURN_IF_ERROR(audit.CheckWrittenTags(*input.task, input.rows));
  audit.CheckReachable(*input.task, input.rows);
  audit.CountLeaks(name, "test", input.rows);
  return absl::OkStatus();
}

}  // namespace

absl::Status AddMeasured(const spec::RunConfig& config, const std::string& name,
                         bool retained, RowReader& reader, RunInputs& inputs) {
  if (std::any_of(
          inputs.measured.begin(), inputs.measured.end(),
          [&name](const Measured& one) { return one.input.name == name; })) {
    return absl::OkStatus();
  }
  SFT_ASSIGN_OR_RETURN(const DataSource source, reader.Read(name));
  Measured measured;
  measured.retained = retained;
  eval::EvalInput& input = measured.input;
  input.name = name;
  input.task = &reader.TaskOf(source);
  input.render = reader.render_options();
  input.render.score_end_of_turn =
      !retained && std::count(config.score_end_of_turn.begin(),
                              config.score_end_of_turn.end(), name) != 0;
  input.heldout_window = config.heldout_window;
  input.heldout_stride = config.heldout_stride;
  input.heldout_tokens = config.heldout_tokens;
  if (source.kind().is_text) measured.test_tokens = config.heldout_tokens;
  SFT_RETURN_IF_ERROR(source.kind().is_text
                          ? ReadText(source, reader, input)
                          : ReadRows(config, source, reader, measured));
  inputs.measured.push_back(std::move(measured));
  return absl::OkStatus();
}

}  // namespace sft::launch
