#include "harness/launch/run_inputs.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/digest.h"
#include "harness/core/status.h"
#include "harness/data/render/render.h"
#include "harness/data/sample.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/launch/input_audit.h"
#include "harness/spec/mixture.h"

namespace sft::launch {
namespace {

constexpr size_t kNamedRefusals = 20;
constexpr int64_t kNoLimit = int64_t{1} << 40;  // tokens a row

std::string DigestOf(const std::vector<Example>& examples) {
  Sha256 digest;
  for (const Example& example : examples) {
    digest.Update(&example.row_id, sizeof(example.row_id));
    digest.Update(example.input_ids.data(),
                  example.input_ids.size() * sizeof(int32_t));
    digest.Update(example.labels.data(),
                  example.labels.size() * sizeof(int32_t));
  }
  return digest.Hex();
}

class Reader {
 public:
  Reader(const Workbench& bench, const spec::RunConfig& config,
         const Tokenizer& tokenizer, HeadKind head)
      : bench_(bench), config_(config), tokenizer_(tokenizer), head_(head) {}

  // `stage`: a data set, or a mixture.
  absl::Status AddTraining(const std::string& stage) {
    SFT_ASSIGN_OR_RETURN(const std::vector<spec::MixPart> parts,
                         spec::ParseMix(stage));
    std::vector<std::vector<Example>> of_part;
    std::vector<std::vector<int64_t>> of_label;  // of each example
    for (const spec::MixPart& part : parts) {
      SFT_ASSIGN_OR_RETURN(const data::DatasetRow* row, Find(part.name));
      SFT_ASSIGN_OR_RETURN(data::Splits * splits, Load(*row));
      std::vector<data::Row> rows =
          Limited(part.name, "train", splits->train, config_.train_limit);
      audit_.AddTrained(part.name, rows);
      SFT_ASSIGN_OR_RETURN(std::vector<Example> examples,
                           Render(*row, rows, "train", TakesWholeRows()));
      KeepLengths(part.name, examples);
      if (examples.empty()) {
        return InputError(part.name,
                          "no training row is left with a target token");
      }
      std::map<int64_t, int64_t> label_of;
      for (const data::Row& one : rows) label_of[one.id] = one.label;
      const bool classes = data::KindRow(row->task.kind).has_classes;
      std::vector<int64_t>& labels = of_label.emplace_back();
      for (const Example& example : examples) {
        labels.push_back(classes ? label_of[example.row_id] : -1);
      }
      of_part.push_back(std::move(examples));
    }
    std::vector<Example> examples = Mixed(parts, std::move(of_part), of_label);
    inputs_.texts["data." + stage + ".train_sha256"] = DigestOf(examples);
    inputs_.training.push_back({stage, std::move(examples)});
    return absl::OkStatus();
  }

  absl::Status AddMeasured(const std::string& name, bool retained) {
    if (!measured_.insert(name).second) return absl::OkStatus();
    SFT_ASSIGN_OR_RETURN(const data::DatasetRow* row, Find(name));
    SFT_ASSIGN_OR_RETURN(data::Splits * splits, Load(*row));
    Measured measured;
    measured.retained = retained;
    eval::EvalInput& input = measured.input;
    input.name = name;
    input.task = &TaskOf(*row, *splits);
    input.render = RenderOptionsOfRun();
    input.render.score_end_of_turn =
        !retained && std::count(config_.score_end_of_turn.begin(),
                                config_.score_end_of_turn.end(), name) != 0;
    input.heldout_window = config_.heldout_window;
    input.heldout_tokens = config_.heldout_tokens;
    const data::TaskKindRow& kind = data::KindRow(row->task.kind);
    if (kind.is_text) {
      input.documents = splits->documents;
      if (input.documents.empty()) return InputError(name, "holds no text");
    } else {
      input.rows = Limited(name, "test", splits->test, config_.test_limit);
      if (input.rows.empty()) return InputError(name, "has no test row");
      if (kind.measured_by_loss) {
        SFT_ASSIGN_OR_RETURN(input.examples, Render(*row, input.rows, "test"));
      }
      if (!retained) {
        const std::vector<data::Row> validation = Limited(
            name, "validation", splits->validation, config_.validation_limit);
        SFT_ASSIGN_OR_RETURN(measured.validation_examples,
                             Render(*row, validation, "validation"));
        audit_.CountLeaks(name, "validation", validation);
      }
      if (!kind.measured_by_loss) {
        const absl::StatusOr<data::RenderedRows> rendered =
            data::RenderRows(input.rows, *input.task, tokenizer_, input.render);
        if (rendered.ok() && rendered->truncated_rows > 0) {
          audit_.CountCuts(name, "test", input.rows.size(), *rendered);
        }
      }
      SFT_RETURN_IF_ERROR(audit_.CheckWrittenTags(*input.task, input.rows));
      audit_.CheckReachable(*input.task, input.rows);
      audit_.CountLeaks(name, "test", input.rows);
    }
    inputs_.measured.push_back(std::move(measured));
    return absl::OkStatus();
  }

  RunInputs Take() { return std::move(inputs_); }

 private:
  // The rows that a limit leaves: all runs of these rows see the same ones.
  std::vector<data::Row> Limited(const std::string& name,
                                 const std::string& split,
                                 const std::vector<data::Row>& rows,
                                 int64_t limit) {
    const size_t count = static_cast<size_t>(limit);
    if (limit == 0 || count >= rows.size()) return rows;
    const bool head = config_.limit_from == "head";
    inputs_.texts[absl::StrCat("data.", name, ".", split, ".limit")] =
        absl::StrCat(
            limit, " of ", rows.size(), " rows, ",
            head ? "the first"
                 : absl::StrCat("a sample, sample_seed ", config_.sample_seed));
    if (head) return std::vector<data::Row>(rows.begin(), rows.begin() + limit);
    std::vector<int64_t> labels;
    const bool classes = data::KindRow((*Find(name))->task.kind).has_classes;
    for (const data::Row& row : rows)
      labels.push_back(classes ? row.label : -1);
    std::vector<data::Row> out;
    for (const size_t i :
         data::SampleIndices(labels, count,
                             data::SampleKey(data::DigestOfRows(rows), split,
                                             config_.sample_seed))) {
      out.push_back(rows[i]);
    }
    if (classes) audit_.CountLostClasses(name, split, rows, out);
    return out;
  }

  // Drops the training rows that the length filter leaves out.
  void KeepLengths(const std::string& name, std::vector<Example>& examples) {
    if (config_.min_row_tokens == 0 && config_.max_row_tokens == 0) return;
    const size_t before = examples.size();
    std::erase_if(examples, [this](const Example& example) {
      const auto length = static_cast<int64_t>(example.input_ids.size());
      return length < config_.min_row_tokens ||
             (config_.max_row_tokens > 0 && length > config_.max_row_tokens);
    });
    inputs_.facts["data." + name + ".train.rows_outside_lengths"] =
        static_cast<double>(before - examples.size());
    if (examples.size() < before) {
      audit_.Notice(name,
                    absl::StrCat(before - examples.size(), " of ", before,
                                 " training rows are outside min_row_tokens "
                                 "and max_row_tokens and left out"));
    }
  }

  // As many rows of each part as its weight asks, of the one that runs out
  // first all; of the others a sample.
  std::vector<Example> Mixed(
      const std::vector<spec::MixPart>& parts,
      std::vector<std::vector<Example>> of_part,
      const std::vector<std::vector<int64_t>>& of_label) {
    if (parts.size() == 1) return std::move(of_part[0]);
    double whole = INFINITY;
    for (size_t p = 0; p < parts.size(); ++p) {
      whole = std::min(
          whole, static_cast<double>(of_part[p].size()) / parts[p].weight);
    }
    std::vector<Example> out;
    for (size_t p = 0; p < parts.size(); ++p) {
      const auto rows = std::clamp<size_t>(
          static_cast<size_t>(std::llround(whole * parts[p].weight)), 1,
          of_part[p].size());
      inputs_.facts["data." + parts[p].name + ".train.mixed_rows"] =
          static_cast<double>(rows);
      const bool all = rows == of_part[p].size();
      if (config_.limit_from == "head" || all) {
        std::move(of_part[p].begin(),
                  of_part[p].begin() + static_cast<int64_t>(rows),
                  std::back_inserter(out));
        continue;
      }
      inputs_.texts["data." + parts[p].name + ".train.mixed"] =
          absl::StrCat(rows, " of ", of_part[p].size(),
                       " rows, a sample, sample_seed ", config_.sample_seed);
      for (const size_t i :
           data::SampleIndices(of_label[p], rows,
                               data::SampleKey(DigestOf(of_part[p]), "mixture",
                                               config_.sample_seed))) {
        out.push_back(std::move(of_part[p][i]));
      }
    }
    return out;
  }

  absl::StatusOr<const data::DatasetRow*> Find(const std::string& name) {
    return bench_.DatasetOf(config_, name);
  }

  absl::StatusOr<data::Splits*> Load(const data::DatasetRow& row) {
    auto found = splits_.find(row.name);
    if (found != splits_.end()) return &found->second;
    SFT_ASSIGN_OR_RETURN(data::Splits splits, row.load(bench_.folders));
    inputs_.facts["data." + row.name + ".refused_rows"] =
        static_cast<double>(splits.refused.size());
    for (const auto& [fact, value] : splits.facts) {
      inputs_.facts[absl::StrCat("data.", row.name, ".", fact)] = value;
    }
    Warn(row.name, splits.refused);
    if (splits.notices.empty() && !splits.refused.empty()) {
      audit_.Notice(row.name, absl::StrCat(splits.refused.size(),
                                           " rows are left out; first ",
                                           splits.refused[0].where, ": ",
                                           splits.refused[0].reason));
    }
    for (std::string& notice : splits.notices) {
      inputs_.notices.push_back(std::move(notice));
    }
    return &splits_.emplace(row.name, std::move(splits)).first->second;
  }

  const data::Task& TaskOf(const data::DatasetRow& row,
                           const data::Splits& splits) {
    std::shared_ptr<const data::Task>& task = inputs_.tasks[row.name];
    if (task == nullptr) {
      data::Task fitted = row.task;
      data::FitToReferences(splits, tokenizer_, config_.max_length, fitted);
      task = std::make_shared<const data::Task>(std::move(fitted));
    }
    return *task;
  }

  // A head reads a row's one window.
  bool TakesWholeRows() const {
    const train::BatchingMethodRow* batching =
        bench_.FindBatchingMethod(config_.batching);
    return head_ == HeadKind::kNextToken && batching != nullptr &&
           batching->takes_whole_rows(config_);
  }

  data::RenderOptions RenderOptionsOfRun() const {
    data::RenderOptions options;
    options.form = config_.prompt_form;
    options.max_length = config_.max_length;
    options.loss_on_prompt = config_.loss_on_prompt;
    options.loss_on = config_.loss_on;
    options.system_prompt = config_.system_prompt;
    options.bos = config_.bos;
    options.head = head_;
    return options;
  }

  absl::StatusOr<std::vector<Example>> Render(
      const data::DatasetRow& row, const std::vector<data::Row>& rows,
      const std::string& split, bool whole = false) {
    data::RenderOptions options = RenderOptionsOfRun();
    if (whole) options.max_length = kNoLimit;
    SFT_ASSIGN_OR_RETURN(
        data::RenderedRows rendered,
        data::RenderRows(rows, TaskOf(row, splits_.at(row.name)), tokenizer_,
                         options));
    const std::string prefix = absl::StrCat("data.", row.name, ".", split, ".");
    inputs_.facts[prefix + "rows"] =
        static_cast<double>(rendered.examples.size());
    inputs_.facts[prefix + "refused_rows"] =
        static_cast<double>(rendered.refused.size());
    Warn(row.name, rendered.refused);
    if (!rendered.refused.empty()) {
      audit_.Notice(
          row.name,
          absl::StrCat(rendered.refused.size(), " of ", rows.size(), " ", split,
                       " rows have no use for the model and are left "
                       "out; first ",
                       rendered.refused[0].where, ": ",
                       rendered.refused[0].reason));
    }
    audit_.CountCuts(row.name, split, rows.size(), rendered);
    return std::move(rendered.examples);
  }

  void Warn(const std::string& name,
            const std::vector<data::RefusedRow>& refused) {
    for (size_t i = 0; i < std::min(kNamedRefusals, refused.size()); ++i) {
      inputs_.warnings.push_back(absl::StrCat(
          name, ": ", refused[i].where, ": row refused: ", refused[i].reason));
    }
    if (refused.size() > kNamedRefusals) {
      inputs_.warnings.push_back(absl::StrCat(
          name, ": and ", refused.size() - kNamedRefusals, " more rows"));
    }
  }

  const Workbench& bench_;
  const spec::RunConfig& config_;
  const Tokenizer& tokenizer_;
  HeadKind head_;
  std::map<std::string, data::Splits> splits_;
  std::set<std::string> measured_;
  RunInputs inputs_;
  InputAudit audit_{config_, tokenizer_, head_, inputs_};
};

}  // namespace

absl::StatusOr<RunInputs> ReadRunInputs(const Workbench& bench,
                                        const spec::RunConfig& config,
                                        const Tokenizer& tokenizer,
                                        HeadKind head) {
  Reader reader(bench, config, tokenizer, head);
  for (const std::string& name : config.train) {
    SFT_RETURN_IF_ERROR(reader.AddTraining(name));
  }
  for (const std::string& name : config.evaluate) {
    SFT_RETURN_IF_ERROR(reader.AddMeasured(name, /*retained=*/false));
  }
  for (const std::string& name : config.retain) {
    SFT_RETURN_IF_ERROR(reader.AddMeasured(name, /*retained=*/true));
  }
  return reader.Take();
}

}  // namespace sft::launch
