#include "harness/analysis/sequence.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/analysis/report.h"
#include "harness/analysis/sequence_tables.h"
#include "harness/metrics/forgetting.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::sequence_test {
namespace {
using nlohmann::json;

EvalRecord EvalOf(const std::string& task, const json& about, int64_t round,
                  const std::vector<double>& items) {
  EvalRecord eval;
  eval.task = task;
  eval.split = about["metric"] == "cross_entropy" ? "heldout" : "test";
  eval.round = round;
  MetricRecord metric;
  metric.name = about["metric"];
  metric.unit = about["unit"];
  metric.higher_is_better = about["higher_is_better"];
  metric.items = items;
  const auto weights = about["weights"].get<std::vector<double>>();
  double sum = 0, all = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    sum += weights[i] * items[i];
    all += weights[i];
    eval.row_ids.push_back(static_cast<int64_t>(100 + i));
  }
  metric.value = sum / all;
  eval.metrics = {metric};
  if (!about["weights_of"].is_null()) {
    MetricRecord counts;
    counts.name = about["weights_of"];
    counts.unit = "tokens";
    counts.items = weights;
    eval.metrics.push_back(counts);
  }
  return eval;
}

void AddRun(record::RunRecord record, Results& results, size_t cell) {
  CollectedRun run;
  run.planned.config = record.config;
  run.planned.run_id = record.run_id;
  run.planned.untuned_id = "untuned";
  run.record = std::move(record);
  run.state = "ok";
  while (results.cells.size() <= cell) results.cells.emplace_back();
  results.cells[cell].axes = {{"method", run.planned.config.method},
                              {"batching", "padded"}};
  results.cells[cell].runs.push_back(results.runs.size());
  results.runs.push_back(std::move(run));
}

// The sequence is cell 0, its joint run, if there is one, cell 1.
Results ResultsOf(const json& c) {
  Results results;
  std::string joint;
  for (const auto& [task, about] : c["tasks"].items()) {
    const auto retained = c["retain"].get<std::vector<std::string>>();
    if (std::count(retained.begin(), retained.end(), task) == 0) {
      joint += (joint.empty() ? "" : "+") + task;
    }
  }
  if (c["name"] == "losses") joint = "b+a";  // in any order
  for (size_t s = 0; s < c["items"].size(); ++s) {
    record::RunRecord record;
    record.run_id = "run" + std::to_string(s);
    record.status = RunStatus::kOk;
    record.config.seed = static_cast<int64_t>(s);
    record.config.train = c["train"].get<std::vector<std::string>>();
    record.config.retain = c["retain"].get<std::vector<std::string>>();
    record::RunRecord bound = record;
    bound.run_id = "joint" + std::to_string(s);
    bound.config.train = {joint};
    bool has_joint = false;
    for (const auto& [task, about] : c["tasks"].items()) {
      for (size_t r = 0; r < c["items"][s].size(); ++r) {
        record.evals.push_back(
            EvalOf(task, about, static_cast<int64_t>(r),
                   c["items"][s][r][task].get<std::vector<double>>()));
      }
      if (about["joint"].empty()) continue;
      has_joint = true;
      bound.evals.push_back(
          EvalOf(task, about, 1, about["joint"][s].get<std::vector<double>>()));
    }
    AddRun(std::move(record), results, 0);
    if (has_joint) AddRun(std::move(bound), results, 1);
  }
  results.IndexRuns();
  return results;
}

const SequenceMeasure& MeasureCalled(
    const std::vector<SequenceMeasure>& measures, const json& wanted) {
  for (const SequenceMeasure& one : measures) {
    if (one.name == wanted["name"] && one.task == wanted["task"]) return one;
  }
  FAIL("no measure " << wanted["name"] << " of '" << wanted["task"] << "'");
  return measures[0];
}

json GoldenCases() {
  std::ifstream in(std::string(SFT_SOURCE_DIR) + "/tests/golden/sequence.json");
  json golden = json::parse(in);
  REQUIRE(golden["cases"].size() == 8);
  return golden["cases"];
}

TEST_CASE("the matrix of scores and all that follows from it equal numpy's",
          "[analysis][sequence]") {
  for (const json& c : GoldenCases()) {
    INFO(c["name"]);
    const Results results = ResultsOf(c);
    const auto scores = ScoresOfCell(results, results.cells[0]);
    REQUIRE(scores.has_value());
    REQUIRE(scores->columns.size() == c["tasks"].size());
    REQUIRE(scores->seeds.size() == c["items"].size());
    for (const auto& [seed, R] : scores->seeds) {
      const json& wanted = c["R"][static_cast<size_t>(seed)];
      REQUIRE(R.size() == wanted.size());
      for (size_t r = 0; r < R.size(); ++r) {
        for (size_t j = 0; j < scores->columns.size(); ++j) {
          // The golden's columns are in order of names, as these are.
          CHECK(R[r][j]->value ==
                Approx(wanted[r][j].get<double>()).margin(1e-12));
        }
      }
    }
    const std::vector<SequenceMeasure> measures = MeasuresOf(*scores);
    CHECK(measures.size() == c["measures"].size());
    for (const json& wanted : c["measures"]) {
      INFO(wanted["name"] << " " << wanted["task"]);
      const SequenceMeasure& measure = MeasureCalled(measures, wanted);
      const auto found = EstimateOf(measure, "x");
      REQUIRE(found.has_value());
      CHECK(found->value ==
            Approx(wanted["value"].get<double>()).margin(1e-12).epsilon(1e-12));
      CHECK(found->seeds_S.size() == wanted["seeds"].size());
      for (size_t s = 0; s < found->seeds_S.size(); ++s) {
        CHECK(found->seeds_S[s] ==
              Approx(wanted["seeds"][s].get<double>()).margin(1e-12));
      }
      if (wanted.contains("low")) {
        CHECK(found->interval.low ==
              Approx(wanted["low"].get<double>()).margin(1e-9));
        CHECK(found->interval.high ==
              Approx(wanted["high"].get<double>()).margin(1e-9));
      }
      if (wanted.contains("p")) {
        CHECK(found->p == Approx(wanted["p"].get<double>()).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("a report's measures are those that each record names",
          "[analysis][sequence]") {
  for (const json& c : GoldenCases()) {
    INFO(c["name"]);
    Results results = ResultsOf(c);
    const record::RunRecord& first = *results.runs[0].record;
    const auto recorded =
        *metrics::SequenceForgetting(first.evals, first.config.train);
    // Of one seed.
    ResultCell one = results.cells[0];
    one.runs = {0};
    const auto scores = ScoresOfCell(results, one);
    size_t found = 0;
    for (const SequenceMeasure& measure : MeasuresOf(*scores)) {
      const auto it = recorded.find("sequence/" + measure.name);
      if (!measure.task.empty() || it == recorded.end()) continue;
      ++found;
      // As measured here; there, losses are turned.
      const double sign = measure.higher_is_better ? 1 : -1;
      CHECK(sign * EstimateOf(measure, "x")->value ==
            Approx(it->second).margin(1e-12));
    }
    CHECK(found == (c["train"].size() < 2 ? 0 : 6));
  }
}

json CaseByHand() {
  return json::parse(R"({
    "name": "by hand", "train": ["a", "b"], "retain": [],
    "tasks": {
      "a": {"metric": "accuracy", "unit": "fraction", "higher_is_better": true,
            "weights_of": null, "weights": [1, 1, 1, 1], "joint": []},
      "b": {"metric": "accuracy", "unit": "fraction", "higher_is_better": true,
            "weights_of": null, "weights": [1, 1, 1, 1], "joint": []}},
    "items": [[{"a": [0, 0, 0, 1], "b": [0, 0, 1, 1]},
               {"a": [1, 1, 1, 1], "b": [0, 1, 1, 1]},
               {"a": [1, 0, 1, 0], "b": [1, 1, 1, 1]}]]})");
}

TEST_CASE("two tasks by hand: R, and each measure of it",
          "[analysis][sequence]") {
  const Results results = ResultsOf(CaseByHand());
  const auto scores = ScoresOfCell(results, results.cells[0]);
  REQUIRE(scores.has_value());
  const std::vector<std::vector<double>> R = {
      {0.25, 0.5}, {1.0, 0.75}, {0.5, 1.0}};
  for (size_t r = 0; r < 3; ++r) {
    for (size_t j = 0; j < 2; ++j) {
      const auto cell = ScoreAfter(*scores, r, j, "x");
      REQUIRE(cell.has_value());
      CHECK(cell->value == R[r][j]);
      CHECK(cell->n_items == 4);
      CHECK(cell->interval.low <= cell->value);
      CHECK(cell->interval.high >= cell->value);
    }
  }
  // All right: no draw of these items says otherwise.
  CHECK(ScoreAfter(*scores, 1, 0, "x")->interval.low == 1.0);
  const std::vector<SequenceMeasure> measures = MeasuresOf(*scores);
  const auto value = [&](const char* name) {
    return EstimateOf(MeasureCalled(measures, {{"name", name}, {"task", ""}}),
                      "x")
        ->value;
  };
  CHECK(value("overall_performance") == 0.75);
  CHECK(value("learning_accuracy") == 1.0);
  CHECK(value("backward_transfer") == -0.5);
  CHECK(value("backward_transfer_gem_code") == -0.25);
  CHECK(value("forward_transfer") == 0.25);
  CHECK(value("chaudhry_forgetting") == 0.5);
}

TEST_CASE("a measure has no value where a task is not scored",
          "[analysis][sequence]") {
  Results results = ResultsOf(CaseByHand());
  auto& evals = results.runs[0].record->evals;
  std::erase_if(evals, [](const EvalRecord& eval) { return eval.task == "b"; });
  const auto scores = ScoresOfCell(results, results.cells[0]);
  REQUIRE(scores.has_value());
  CHECK(scores->columns.size() == 1);
  CHECK(MeasuresOf(*scores).empty());
}

TEST_CASE("a difference pairs the scores of one task, in whatever order",
          "[analysis][sequence]") {
  json turned = CaseByHand();
  turned["train"] = {"b", "a"};
  // After the last round: a 0.5 and b 1 against a 1 and b 0.25.
  turned["items"][0][2] = {{"a", {1, 1, 1, 1}}, {"b", {0, 0, 1, 0}}};
  const Results one = ResultsOf(CaseByHand()), other = ResultsOf(turned);
  const auto mine = MeasuresOf(*ScoresOfCell(one, one.cells[0]));
  const auto theirs = MeasuresOf(*ScoresOfCell(other, other.cells[0]));
  const auto difference = [&](const char* name) {
    const json wanted = {{"name", name}, {"task", ""}};
    return DifferenceOf(MeasureCalled(mine, wanted),
                        MeasureCalled(theirs, wanted), "x");
  };
  REQUIRE(difference("overall_performance").has_value());
  CHECK(difference("overall_performance")->value == 0.125);
  SequenceMeasure op =
      MeasureCalled(theirs, {{"name", "overall_performance"}, {"task", ""}});
  CHECK(op.groups == std::vector<std::string>{"b", "a"});
  // Here of a alone, there of b alone.
  CHECK_FALSE(difference("backward_transfer").has_value());
  CHECK_FALSE(difference("forward_transfer").has_value());
  const SequenceMeasure& own =
      MeasureCalled(mine, {{"name", "overall_performance"}, {"task", ""}});
  // Items are drawn with those of their own task, or it would be wider.
  SequenceMeasure ordered = op;
  std::swap(ordered.groups[0], ordered.groups[1]);
  for (auto& [seed, groups] : ordered.seeds) std::swap(groups[0], groups[1]);
  const auto plain = DifferenceOf(own, ordered, "x");
  REQUIRE(plain.has_value());
  CHECK(plain->interval.low == difference("overall_performance")->interval.low);
  CHECK(plain->interval.high ==
        difference("overall_performance")->interval.high);
  op.groups[0] = "c";
  CHECK_FALSE(DifferenceOf(own, op, "x").has_value());
}

TEST_CASE("the tables show every round, and say what a number means",
          "[analysis][sequence][tables]") {
  const json c = GoldenCases()[2];
  const Results results = ResultsOf(c);
  const Table scores = ScoresTable(results);
  REQUIRE(scores.rows.size() == 4);  // the base model's, and three rounds
  CHECK(CellText(scores.columns[1], scores.rows[0][1]) == "0: base");
  CHECK(CellText(scores.columns[1], scores.rows[2][1]) == "2: b");
  CHECK(Has(scores.columns[3].title, "higher is better"));
  CHECK(Has(scores.columns[4].title, "lower is better"));
  for (size_t r = 0; r < 4; ++r) {
    for (size_t j = 3; j < 6; ++j) {
      CHECK(scores.rows[r][j].interval.has_value());
    }
  }
  const Table measures = SequenceTable(results);
  CHECK(measures.rows.size() == c["measures"].size());
  const size_t title = ColumnOf(measures, "measure");
  CHECK(Has(measures.rows[0][title].text, "as a share of the base"));
  CHECK(measures.rows[1][ColumnOf(measures, "over")].text == "a");
}

TEST_CASE("what is retained stands before and after, with its perplexity",
          "[analysis][sequence][tables]") {
  const Sweep sweep(R"(
question: what is kept?
train: [rotten_tomatoes]
evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}
budget: {target_tokens: 1000}
grid: {method: [full, lora], batching: [padded], seed: [0, 1, 2]}
baseline: {method: full}
)");
  sweep.Write([](record::RunRecord& record) {
    const bool untuned = record.config.method == spec::kUntuned;
    EvalRecord eval;
    eval.task = "wiki_demo";
    eval.split = "heldout";
    eval.round = untuned ? 0 : 1;
    MetricRecord loss{"cross_entropy", 0, "nats/token", "", false, {}};
    MetricRecord counts{"cross_entropy_tokens", 0, "tokens", "", true, {}};
    double nats = 0, tokens = 0;
    for (int i = 0; i < 8; ++i) {
      const double seed = static_cast<double>(record.config.seed);
      const double value =
          2 + 0.125 * i + (untuned ? 0 : 0.25 + 0.01 * seed + 0.02 * (i % 3));
      eval.row_ids.push_back(i);
      loss.items.push_back(value);
      counts.items.push_back(10 + i);
      nats += (10 + i) * value;
      tokens += 10 + i;
    }
    loss.value = nats / tokens;
    MetricRecord perplexity{
        "perplexity", std::exp(loss.value), "1", "", false, {}};
    eval.metrics = {loss, perplexity, counts};
    record.evals.push_back(eval);
    return true;
  });
  const auto report = BuildReport(sweep.folder.path());
  INFO(report.status().ToString());
  REQUIRE(report.ok());
  const Table table = *TableNamed(*report, "retained");
  REQUIRE(table.rows.size() == 4);  // two methods, two metrics
  for (size_t r = 0; r < 4; ++r) {
    const auto cell = [&](const char* key) {
      return table.rows[r][ColumnOf(table, key)];
    };
    const bool is_loss = r % 2 == 0;
    CHECK(cell("metric").text == (is_loss ? "cross_entropy" : "perplexity"));
    CHECK(cell("direction").text == "lower is better");
    CHECK(*cell("items").value == 8);
    CHECK(*cell("seeds").value == 3);
    CHECK(*cell("change").value ==
          Approx(*cell("after").value - *cell("before").value).margin(1e-9));
    CHECK(*cell("change").value > 0);
    for (const char* key : {"before", "after", "change"}) {
      INFO(key);
      REQUIRE(cell(key).interval.has_value());
      CHECK(cell(key).interval->low < *cell(key).value);
      CHECK(cell(key).interval->high > *cell(key).value);
    }
    CHECK(cell("change").interval->low > 0);
    CHECK(*cell("p").value < 0.05);
    CHECK(cell("holm_p").value.has_value() == is_loss);
  }
  CHECK(RenderOneTable(*report, "retained", TableFormat::kCsv)
            ->rfind("row,task,metric", 0) == 0);
  const auto none = RenderOneTable(*report, "nothing", TableFormat::kCsv);
  CHECK(Has(std::string(none.status().message()), "wanted one of main, "));
}

TEST_CASE("the joint run is the most alike, and none where two are as like",
          "[analysis][sequence]") {
  Results results = ResultsOf(GoldenCases()[0]);
  const CollectedRun* joint = JointRunOf(results, results.runs[0]);
  REQUIRE(joint != nullptr);
  CHECK(joint->planned.run_id == "joint0");
  CollectedRun other = *joint;
  other.planned.run_id = "other";
  other.planned.config.learning_rate = 1;
  results.runs.push_back(other);
  CHECK(JointRunOf(results, results.runs[0])->planned.run_id == "joint0");
  results.runs.back().planned.config.learning_rate =
      results.runs[0].planned.config.learning_rate;
  CHECK(JointRunOf(results, results.runs[0]) == nullptr);
  CHECK(JointRunOf(results, results.runs[2])->planned.run_id == "joint1");
  // A farther one behind the two leaves them as like; a nearer one is it.
  CollectedRun farther = other;
  farther.planned.run_id = "farther";
  results.runs.push_back(farther);
  CHECK(JointRunOf(results, results.runs[0]) == nullptr);
  for (CollectedRun& run : results.runs) {
    const std::string& id = run.planned.run_id;
    if (id == "joint0" || id == "other") run.planned.config.learning_rate = 1;
    if (id == "farther") {
      run.planned.config.learning_rate =
          results.runs[0].planned.config.learning_rate;
    }
  }
  CHECK(JointRunOf(results, results.runs[0])->planned.run_id == "farther");
}

TEST_CASE("a field that only the joint run has counts against it",
          "[analysis][sequence]") {
  Results results = ResultsOf(GoldenCases()[0]);
  CollectedRun other = *JointRunOf(results, results.runs[0]);
  other.planned.run_id = "other";
  other.planned.config.method_options["lora.rank"] = "8";
  results.runs.push_back(other);
  const CollectedRun* joint = JointRunOf(results, results.runs[0]);
  REQUIRE(joint != nullptr);
  CHECK(joint->planned.run_id == "joint0");
}

}  // namespace
}  // namespace sft::analysis::sequence_test
