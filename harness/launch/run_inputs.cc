#include "harness/launch/run_inputs.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/data/render/render.h"
#include "harness/data/sample.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/launch/general_rows.h"
#include "harness/launch/input_audit.h"
#include "harness/launch/mixed_rows.h"
#include "harness/spec/mixture.h"

namespace sft::launch {
namespace {

constexpr size_t kNamedRefusals = 20;
constexpr int64_t kNoLimit = int64_t{1} << 40;  // tokens a row

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
      NoteRoles("trained " + part.name, rows);
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
    TrainingSet set{stage, MixedRows(parts, std::move(of_part), of_label,
                                     config_, inputs_)};
    set.own_rows = set.examples.size();
    SFT_RETURN_IF_ERROR(AddReplayed(set));
    inputs_.texts["data." + stage + ".train_sha256"] =
        DigestOfExamples(set.examples);
    inputs_.training.push_back(std::move(set));
    return absl::OkStatus();
  }

  // Behind all stages.
  absl::Status AddCalibration() {
    inputs_.calibration.resize(inputs_.training.size());
    const train::UpdateMethodRow* method =
        bench_.FindUpdateMethod(config_.method);
    if (method == nullptr || !method->calibration) return absl::OkStatus();
    const train::CalibrationRows wanted = method->calibration(config_);
    for (size_t round = 0; round < inputs_.training.size(); ++round) {
      if (wanted.of_round_before == (round == 0)) continue;
      std::vector<Example> rows;
      if (wanted.of_round_before) {
        rows = OwnRows(inputs_.training[round - 1]);
        for (Example& row : rows) CutTo(config_.max_length, row);
      } else if (round == 0) {
        SFT_ASSIGN_OR_RETURN(
            rows, GeneralRows(wanted.set, "calibration", wanted.option,
                              static_cast<size_t>(wanted.rows)));
      }
      rows = Shuffled(rows, "calibration", config_.sample_seed);
      if (std::ssize(rows) > wanted.rows) {
        rows.resize(static_cast<size_t>(wanted.rows));
      }
      inputs_.facts[absl::StrCat("round", round, ".calibration_rows")] =
          static_cast<double>(rows.size());
      inputs_.calibration[round] = std::move(rows);
    }
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
      for (const std::string& document : input.documents) {
        roles_.Add(DocumentKey(document), "measured " + name, "");
      }
    } else {
      input.rows = Limited(name, "test", splits->test, config_.test_limit);
      if (input.rows.empty()) return InputError(name, "has no test row");
      NoteRoles("measured " + name, input.rows);
      if (kind.measured_by_loss) {
        SFT_ASSIGN_OR_RETURN(input.examples, Render(*row, input.rows, "test"));
      }
      if (!retained) {
        const std::vector<data::Row> validation = Limited(
            name, "validation", splits->validation, config_.validation_limit);
        SFT_ASSIGN_OR_RETURN(measured.validation_examples,
                             Render(*row, validation, "validation"));
        audit_.CountLeaks(name, "validation", validation);
        NoteRoles("validation " + name, validation);
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

  absl::Status CheckRoles() const { return roles_.Check(); }
  RunInputs Take() { return std::move(inputs_); }

 private:
  static std::vector<Example> OwnRows(const TrainingSet& set) {
    return {set.examples.begin(),
            set.examples.begin() + static_cast<int64_t>(set.own_rows)};
  }

  // At most so many rows of a data set, or windows of its text, that `field`
  // asks for.
  absl::StatusOr<std::vector<Example>> GeneralRows(const std::string& name,
                                                   const std::string& use,
                                                   const std::string& field,
                                                   size_t most) {
    SFT_ASSIGN_OR_RETURN(const data::DatasetRow* row, Find(name));
    SFT_ASSIGN_OR_RETURN(data::Splits * splits, Load(*row));
    const std::string role = absl::StrCat(use, " ", name);
    if (data::KindRow(row->task.kind).is_text) {
      if (head_ != HeadKind::kNextToken) {
        return InputError(field, absl::StrCat(name,
                                              " is text, and the model "
                                              "is an encoder with a "
                                              "head"));
      }
      for (const std::string& document : splits->documents) {
        roles_.Add(DocumentKey(document), role, field);
      }
      return TextWindows(splits->documents, tokenizer_, config_.bos,
                         config_.max_length);
    }
    if (splits->train.empty()) {
      return InputError(field, absl::StrCat(name, " has no training row"));
    }
    std::vector<data::Row> rows;
    for (const size_t i : data::SampleIndices(
             std::vector<int64_t>(splits->train.size(), -1), most,
             data::SampleKey(data::DigestOfRows(splits->train), use,
                             config_.sample_seed))) {
      rows.push_back(splits->train[i]);
      roles_.Add(KeyOf(rows.back()), role, field);
    }
    return Render(*row, rows, use);
  }

  // Each source of replay.from brings as many target tokens as the others, and
  // all together their share of the stage's. `earlier` has none before the
  // first stage.
  absl::Status AddReplayed(TrainingSet& set) {
    constexpr char kField[] = "replay.from";
    std::vector<std::string> sources = config_.replay_from;
    if (inputs_.training.empty()) {
      std::erase(sources, std::string(spec::kEarlierRows));
    }
    if (sources.empty() || config_.replay_share == 0) return absl::OkStatus();
    double own = 0, replayed = 0;
    for (const Example& example : set.examples) {
      own += static_cast<double>(example.target_tokens());
    }
    const double wanted = TargetsOfShare(own, config_.replay_share) /
                          static_cast<double>(sources.size());
    for (const std::string& source : sources) {
      std::vector<Example> rows;
      if (source == spec::kEarlierRows) {
        for (const TrainingSet& earlier : inputs_.training) {
          const std::vector<Example> of_one = OwnRows(earlier);
          rows.insert(rows.end(), of_one.begin(), of_one.end());
        }
      } else {
        // A row has a target at least.
        SFT_ASSIGN_OR_RETURN(rows,
                             GeneralRows(source, "replay", kField,
                                         static_cast<size_t>(wanted) + 1));
      }
      rows =
          Shuffled(rows, absl::StrCat("replay/round", inputs_.training.size()),
                   config_.sample_seed);
      rows = UntilTargets(rows, wanted);
      if (rows.empty()) {
        return InputError(kField, source + " holds no row to replay");
      }
      for (Example& row : rows) {
        replayed += static_cast<double>(row.target_tokens());
        set.examples.push_back(std::move(row));
      }
    }
    const std::string prefix =
        absl::StrCat("round", inputs_.training.size(), ".replayed_");
    inputs_.facts[prefix + "rows"] =
        static_cast<double>(set.examples.size() - set.own_rows);
    inputs_.facts[prefix + "share"] = replayed / (own + replayed);
    return absl::OkStatus();
  }

  static uint64_t KeyOf(const data::Row& row) {
    const data::RowIdentity identity = data::IdentityOf(row);
    return SplitMix64(identity.prompt) ^ identity.answer;
  }
  void NoteRoles(const std::string& role, const std::vector<data::Row>& rows) {
    for (const data::Row& row : rows) roles_.Add(KeyOf(row), role, "");
  }

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
  RowRoles roles_;
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
  SFT_RETURN_IF_ERROR(reader.AddCalibration());
  for (const std::string& name : config.evaluate) {
    SFT_RETURN_IF_ERROR(reader.AddMeasured(name, /*retained=*/false));
  }
  for (const std::string& name : config.retain) {
    SFT_RETURN_IF_ERROR(reader.AddMeasured(name, /*retained=*/true));
  }
  SFT_RETURN_IF_ERROR(reader.CheckRoles());
  return reader.Take();
}

}  // namespace sft::launch
