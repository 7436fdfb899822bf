#include "harness/launch/training_rows.h"

#include <map>
#include <utility>
#include <vector>

#include "harness/core/status.h"
#include "harness/launch/besides_rows.h"
#include "harness/launch/general_rows.h"
#include "harness/launch/mixed_rows.h"
#include "harness/spec/mixture.h"

namespace sft::launch {
namespace {

// A head reads a row's one window.
bool TakesWholeRows(const Workbench& bench, const spec::RunConfig& config,
                    const RowReader& reader) {
  const train::BatchingMethodRow* batching =
      bench.FindBatchingMethod(config.batching);
  return reader.render_options().head == HeadKind::kNextToken &&
         batching != nullptr && batching->takes_whole_rows(config);
}

// Drops the rows that the length filter leaves out.
void KeepLengths(const std::string& name, const spec::RunConfig& config,
                 RowReader& reader, RunInputs& inputs,
                 std::vector<Example>& examples) {
  if (config.min_row_tokens == 0 && config.max_row_tokens == 0) return;
  const size_t before = examples.size();
  std::erase_if(examples, [&config](const Example& example) {
    const auto length = static_cast<int64_t>(example.input_ids.size());
    return length < config.min_row_tokens ||
           (config.max_row_tokens > 0 && length > config.max_row_tokens);
  });
  inputs.facts["data." + name + ".train.rows_outside_lengths"] =
      static_cast<double>(before - examples.size());
  if (examples.size() < before) {
    reader.audit().Notice(
        name, absl::StrCat(before - examples.size(), " of ", before,
                           " training rows are outside min_row_tokens "
                           "and max_row_tokens and left out"));
  }
}

// Of each example, -1 where there are no classes.
std::vector<int64_t> LabelsOf(const std::vector<Example>& examples,
                              const std::vector<data::Row>& rows,
                              bool has_classes) {
  std::map<int64_t, int64_t> label_of;
  for (const data::Row& row : rows) label_of[row.id] = row.label;
  std::vector<int64_t> labels;
  for (const Example& example : examples) {
    labels.push_back(has_classes ? label_of[example.row_id] : -1);
  }
  return labels;
}

}  // namespace

absl::Status AddTraining(const Workbench& bench, const spec::RunConfig& config,
                         const std::string& stage, RowReader& reader,
                         RunInputs& inputs) {
  SFT_ASSIGN_OR_RETURN(const std::vector<spec::MixPart> parts,
                       spec::ParseMix(stage));
  std::vector<std::vector<Example>> of_part;
  std::vector<std::vector<int64_t>> of_label;  // of each example
  for (const spec::MixPart& part : parts) {
    SFT_ASSIGN_OR_RETURN(const DataSource source, reader.Read(part.name));
    const std::vector<data::Row> rows = reader.Limited(
        source, "train", source.splits->train, config.train_limit);
    reader.audit().AddTrained(part.name, rows);
    reader.NoteRows("trained " + part.name, rows);
    SFT_ASSIGN_OR_RETURN(std::vector<Example> examples,
                         reader.Render(source, rows, "train",
                                       TakesWholeRows(bench, config, reader)));
    KeepLengths(part.name, config, reader, inputs, examples);
    if (examples.empty()) {
      return InputError(part.name,
                        "no training row is left with a target token");
    }
    of_label.push_back(LabelsOf(examples, rows, source.kind().has_classes));
    of_part.push_back(std::move(examples));
  }
  TrainingSet set{
      stage, MixedRows(parts, std::move(of_part), of_label, config, inputs)};
  set.own_rows = set.examples.size();
  SFT_RETURN_IF_ERROR(AddReplayed(config, reader, inputs, set));
  inputs.texts["data." + stage + ".train_sha256"] =
      DigestOfExamples(set.examples);
  inputs.training.push_back(std::move(set));
  return absl::OkStatus();
}

}  // namespace sft::launch
