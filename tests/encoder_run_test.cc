// Whole runs on a tiny encoder: rows, head, training, measures, export; every
// head with every update method, the batching methods in turn. The data sets
// are made here.
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "harness/core/files.h"
#include "harness/core/rng.h"
#include "harness/launch/execute_run.h"
#include "harness/launch/run_assembly.h"
#include "harness/launch/run_evaluation.h"
#include "harness/launch/run_inputs.h"
#include "harness/launch/trained_run.h"
#include "harness/model/forward/encoder.h"
#include "methods/registry.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/tiny_encoder.h"

namespace sft::whole::encoder_run_test {
namespace {

constexpr const char* kFiller[] = {"the",     "story",    "would",
                                   "believe", "days",     "over",
                                   "lazy",    "question", "names"};
constexpr const char* kPlaces[] = {"france", "brown"};

// A line of filler words with one of the two places in it.
struct Line {
  std::vector<std::string> words;
  int64_t place = 0;  // 0 or 1
  size_t at = 0;      // of the words
  std::string text() const {
    std::string out;
    for (const std::string& word : words)
      out += (out.empty() ? "" : " ") + word;
    return out;
  }
};
Line DrawLine(Rng& rng) {
  Line line;
  const size_t length = 4 + rng.Below(8);
  for (size_t i = 0; i < length; ++i) {
    line.words.push_back(kFiller[rng.Below(std::size(kFiller))]);
  }
  line.place = static_cast<int64_t>(rng.Below(2));
  line.at = rng.Below(length);
  line.words[line.at] = kPlaces[line.place];
  return line;
}

data::Row RowOf(const std::string& kind, const Line& line, int64_t id) {
  data::Row row;
  row.id = id;
  if (kind == "classification") {
    row.text = line.text();
    row.text_pair = "the question";
    row.label = line.place;
  } else if (kind == "multi_label") {
    row.text = line.text();
    row.label_set = {line.place};
    if (row.text.find("lazy") != std::string::npos) row.label_set.push_back(2);
  } else if (kind == "regression") {
    row.text = line.text();
    row.value = line.place == 0 ? -0.75 : 0.75;
  } else if (kind == "token_labels") {
    row.words = line.words;
    row.tags.assign(line.words.size(), "O");
    row.tags[line.at] = line.place == 0 ? "B-land" : "B-name";
  } else {
    row.text = "the names";
    row.text_pair = line.text();
    const std::string answer = kPlaces[line.place];
    row.references = {answer};
    row.answer_begins = {static_cast<int64_t>(row.text_pair.find(answer))};
  }
  return row;
}

data::DatasetRow MakeDataset(const std::string& name, const std::string& kind,
                             std::vector<std::string> labels,
                             std::vector<std::string> metrics,
                             uint64_t seed = 5) {
  data::DatasetRow row;
  row.name = name;
  row.task.name = name;
  row.task.kind = kind;
  row.task.labels = std::move(labels);
  row.task.metrics = std::move(metrics);
  row.load = [kind,
              seed](const data::DataFolders&) -> absl::StatusOr<data::Splits> {
    data::Splits splits;
    Rng rng(seed, Stream::kDataOrder, "lines");
    for (int64_t i = 0; i < 200; ++i) {
      splits.train.push_back(RowOf(kind, DrawLine(rng), i));
    }
    for (int64_t i = 0; i < 24; ++i) {
      splits.test.push_back(RowOf(kind, DrawLine(rng), 100 + i));
      splits.validation.push_back(RowOf(kind, DrawLine(rng), 200 + i));
    }
    return splits;
  };
  return row;
}

launch::Workbench MakeBench() {
  launch::Workbench bench;
  bench.methods = methods::AllMethods();
  bench.datasets = {
      MakeDataset("lands", "classification", {"land", "name"},
                  {"accuracy", "f1_macro", "mcc"}),
      MakeDataset("tags", "token_labels", {"land", "name"}, {"span_f1"}),
      MakeDataset("answers", "question_answering", {},
                  {"squad_f1", "exact_match"}),
      MakeDataset("topics", "multi_label", {"land", "name", "rest"},
                  {"labels_f1_micro", "labels_f1_macro", "subset_accuracy"}),
      MakeDataset("degrees", "regression", {}, {"pearson", "spearman", "mse"})};
  return bench;
}

spec::RunConfig ConfigOf(const std::string& model, const std::string& data,
                         const std::string& method) {
  spec::RunConfig config;
  config.model = model;
  config.train = config.evaluate = {data};
  config.method = method;
  config.seed = 3;
  config.budget_steps = 240;
  config.batch_size = 8;
  config.max_length = 40;
  config.learning_rate = 3e-3;
  config.threads = 1;
  if (method.find("lora") != std::string::npos) {
    config.method_options["lora.rank"] = std::string("4");
  }
  return config;
}

const EvalRecord& EvalOf(const record::RunRecord& record, int64_t round,
                         const std::string& split) {
  for (const EvalRecord& eval : record.evals) {
    if (eval.round == round && eval.split == split) return eval;
  }
  FAIL("no eval of round " << round << ", split " << split);
  return record.evals[0];
}

}  // namespace

TEST_CASE("a run on an encoder learns its task with every method and head",
          "[encoders][run][slow]") {
  const support::TempDir dir("encoder-runs");
  const std::string model =
      support::MakeTinyEncoder((dir.path() / "model").string());
  launch::Workbench bench = MakeBench();
  const std::vector<data::DatasetRow> sets = bench.datasets;
  for (const data::DatasetRow& data : sets) {  // other rows of each form
    bench.datasets.push_back(MakeDataset(absl::StrCat("more_", data.name),
                                         data.task.kind, data.task.labels,
                                         data.task.metrics,
                                         /*seed=*/6));
  }
  const auto& batchings = bench.methods.batching;
  size_t cell = 0;
  for (const data::DatasetRow& data : sets) {
    for (const train::UpdateMethodRow& update : bench.methods.update) {
      spec::PlannedRun run;
      run.config = ConfigOf(model, data.name, update.name);
      run.config.batching = batchings[cell++ % batchings.size()].name;
      if (update.name == "untuned") run.config.train.clear();
      if (update.calibration) {
        const std::string option = update.calibration(run.config).option;
        if (!option.empty()) {
          run.config.method_options[option] = absl::StrCat("more_", data.name);
        }
      }
      run.run_id = data.name + "-" + update.name;
      run.untuned_id = run.run_id;
      INFO(run.run_id << " " << run.config.batching);
      spec::RunPlan plan;
      plan.runs = {run};
      launch::WorkerOptions options;
      options.paths.out = (dir.path() / "out").string();
      options.keep_weights = launch::KeepWeights::kAll;
      std::string log;
      options.log = [&log](const std::string& line) { log = line; };
      const auto outcome = launch::ExecuteRun(bench, run, plan, options);
      REQUIRE(outcome.ok());
      const std::string path = options.paths.Record(run.run_id);
      INFO(log);  // its last line
      REQUIRE(*outcome == launch::WorkerOutcome::kPublished);
      const auto record = record::ReadRunRecord(path);
      REQUIRE(record.ok());
      REQUIRE(record->status == RunStatus::kOk);
      const double before = EvalOf(*record, 0, "test").metrics[0].value;
      CHECK(EvalOf(*record, 0, "test").metrics[0].name == data.task.metrics[0]);
      if (update.name == "untuned") continue;
      const double after = EvalOf(*record, 1, "test").metrics[0].value;
      CHECK(after > before);
      // Chance is a half, or next to nothing.
      CHECK(after > 0.8 * (data.task.metrics[0] == "squad_f1" ? 100 : 1));
      CHECK(EvalOf(*record, 1, "validation").metrics[0].value <
            EvalOf(*record, 0, "validation").metrics[0].value);
      CHECK(record->facts.at("trainable_parameters") > 0);

      // What was trained comes back, is merged and loads as a model of this
      // head by itself.
      auto trained = launch::OpenTrainedRun(bench, path);
      INFO(trained.status().ToString());
      REQUIRE(trained.ok());
      REQUIRE(trained->method->Merge().ok());
      const std::string out = (dir.path() / "export" / run.run_id).string();
      REQUIRE(model::WriteModelFolder(*trained->loaded.model, out).ok());
      REQUIRE(launch::WriteTokenizerFiles(trained->loaded, out).ok());
      spec::RunConfig exported = run.config;
      exported.model = out;
      auto again = launch::LoadModelOf(bench, exported);
      INFO(again.status().ToString());
      REQUIRE(again.ok());
      const auto head = again->model->head();
      REQUIRE(launch::SetHeadForTasks(bench, run.config, *again->model).ok());
      CHECK(again->model->head() == head);
      const auto inputs =
          launch::ReadRunInputs(bench, run.config, *again->tokenizer, head);
      REQUIRE(inputs.ok());
      std::vector<EvalRecord> evals;
      REQUIRE(launch::MeasureModel(*again->model, *again->tokenizer, *inputs, 1,
                                   evals)
                  .ok());
      for (const EvalRecord& eval : evals) {
        CHECK(eval.metrics[0].value ==
              Approx(EvalOf(*record, 1, eval.split).metrics[0].value)
                  .epsilon(1e-4));
      }
      std::ifstream file(out + "/config.json");
      const nlohmann::json config = nlohmann::json::parse(file);
      if (data.name == "lands") CHECK(config["id2label"]["1"] == "name");
      if (data.name == "tags") CHECK(config["id2label"]["3"] == "B-name");
      if (data.name == "topics") CHECK(config["id2label"]["2"] == "rest");
      if (data.name == "degrees") CHECK(config["problem_type"] == "regression");

      // The weights belong to the files that the run began from, and to no
      // others.
      const std::string base = model + "/config.json";
      const auto bytes = ReadFile(base);
      REQUIRE(bytes.ok());
      REQUIRE(WriteFileAtomically(base, *bytes + " ").ok());
      const auto changed = launch::OpenTrainedRun(bench, path).status();
      CHECK(changed.code() == absl::StatusCode::kInvalidArgument);
      CHECK(std::string(changed.message()).find("began from other files") !=
            std::string::npos);
      REQUIRE(WriteFileAtomically(base, *bytes).ok());
    }
  }
}

TEST_CASE("an encoder's run is refused where its tasks or lengths do not fit",
          "[encoders][run]") {
  const support::TempDir dir("encoder-runs");
  const std::string model =
      support::MakeTinyEncoder((dir.path() / "model").string());
  const launch::Workbench bench = MakeBench();
  const auto status = [&](const spec::RunConfig& config) {
    auto loaded = launch::LoadModelOf(bench, config);
    REQUIRE(loaded.ok());
    const absl::Status out =
        launch::SetHeadForTasks(bench, config, *loaded->model);
    CHECK(out.message().find('\n') == std::string::npos);
    return std::string(out.message());
  };
  spec::RunConfig config = ConfigOf(model, "lands", "full");
  config.evaluate.push_back("tags");
  CHECK(status(config).find("two runs") != std::string::npos);
  config = ConfigOf(model, "lands", "full");
  config.max_length = 41;
  CHECK(status(config).find("40 positions") != std::string::npos);
  config.max_length = 40;
  CHECK(status(config).empty());
}

}  // namespace sft::whole::encoder_run_test
