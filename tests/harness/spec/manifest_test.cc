// A plan as text: whole, a run at a time, and broken.
#include "harness/spec/manifest.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "harness/spec/plan_text.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::manifest_test {
namespace {

RunPlan DesignPlan() {
  const auto plan = PlanOf(kDesignSpec);
  REQUIRE(plan.ok());
  return *plan;
}

// What the last line says of bytes that were changed by hand.
std::string Message(const std::string& text) {
  const auto plan = PlanFromText("m.jsonl", text, {});
  return plan.ok() ? "" : std::string(plan.status().message());
}

TEST_CASE("a plan reads back from its manifest, and the same plan is the same",
          "[spec][manifest]") {
  RunPlan plan = DesignPlan();
  plan.rejected.push_back({{{"seed", "7"}}, "a \"reason\"\nof two lines"});
  const std::string text = ManifestText(plan);
  CHECK(text == ManifestText(plan));
  CHECK(IsManifest(text));
  const auto back = PlanFromText("m.jsonl", text, {});
  INFO(back.status());
  REQUIRE(back.ok());
  CHECK(ManifestText(*back) == text);
  CHECK(back->question == plan.question);
  CHECK(back->spec_text == plan.spec_text);
  CHECK(back->rejected[0].reason == plan.rejected[0].reason);
  REQUIRE(back->runs.size() == plan.runs.size());
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    CHECK(back->runs[i].config.CanonicalConfigText() ==
          plan.runs[i].config.CanonicalConfigText());
    CHECK(back->runs[i].baseline_id == plan.runs[i].baseline_id);
  }
}

TEST_CASE("an option that came later is no part of ids at its default",
          "[spec][manifest]") {
  const RunPlan before = DesignPlan();
  const auto plan = PlanOf(kDesignSpec, LaterTables());
  REQUIRE(plan.ok());
  const std::string text = ManifestText(*plan);
  CHECK(text.find("\"lora.between_rounds\":\"go_on\"") != std::string::npos);
  const auto back =
      PlanFromText("m.jsonl", text, LaterOptionsOf(LaterTables()));
  const auto untold = PlanFromText("m.jsonl", text, {});
  REQUIRE(back.ok());
  REQUIRE(untold.ok());
  REQUIRE(back->runs.size() == before.runs.size());
  size_t named = 0;
  for (size_t i = 0; i < before.runs.size(); ++i) {
    const RunConfig& config = back->runs[i].config;
    CHECK(back->runs[i].run_id == before.runs[i].run_id);
    CHECK(MakeRunId(config, {config.model}) == before.runs[i].run_id);
    CHECK(config.CanonicalConfigText() ==
          before.runs[i].config.CanonicalConfigText());
    // The text alone knows no tables.
    if (!config.method_options.contains("lora.between_rounds")) continue;
    ++named;
    CHECK(untold->runs[i].config.CanonicalConfigText() !=
          config.CanonicalConfigText());
  }
  CHECK(named > 0);
}

TEST_CASE(
    "where an option that came later varies, only its default is left out",
    "[spec][manifest]") {
  const std::string spec =
      "train: [bbcnews]\nbudget: {steps: 1}\ngrid: {method: [lora]}\n";
  const auto before = PlanOf(spec);
  const auto varied = PlanOf(
      "train: [bbcnews]\nbudget: {steps: 1}\n"
      "grid: {method: [lora], lora.between_rounds: [go_on, stack]}\n",
      LaterTables());
  REQUIRE(before.ok());
  REQUIRE(varied.ok());
  REQUIRE(varied->runs.size() == before->runs.size() + 1);
  const size_t last = before->runs.size() - 1;
  CHECK(varied->runs[last].run_id == before->runs[last].run_id);
  CHECK(varied->runs[last].axes.at("lora.between_rounds") == "go_on");
  CHECK(varied->runs[last + 1].run_id != before->runs[last].run_id);
}

TEST_CASE("a run is read without the others, and is found by its id",
          "[spec][manifest]") {
  const RunPlan plan = DesignPlan();
  const std::string text = ManifestText(plan);
  const auto reader = ManifestReader::Open("m.jsonl", text, {});
  REQUIRE(reader.ok());
  CHECK(reader->runs() == plan.runs.size());
  CHECK(reader->digest().size() == 64);
  CHECK(reader->header().runs.empty());
  CHECK(reader->header().axis_names == plan.axis_names);
  for (const size_t i : {size_t{0}, size_t{5}, plan.runs.size() - 1}) {
    const auto run = reader->Run(i);
    REQUIRE(run.ok());
    CHECK(run->run_id == plan.runs[i].run_id);
    CHECK(run->axes == plan.runs[i].axes);
    CHECK(run->untuned_id == plan.runs[i].untuned_id);
    CHECK(ConfigFields(run->config) == ConfigFields(plan.runs[i].config));
    CHECK(*reader->IndexOf(run->run_id) == i);
  }
  CHECK(std::string(reader->Run(plan.runs.size()).status().message())
            .find("counted from 0") != std::string::npos);
  CHECK(absl::IsNotFound(reader->IndexOf("0123456789abcdef").status()));
  // An id of which only a part is there is none.
  CHECK(absl::IsNotFound(
      reader->IndexOf(plan.runs[0].run_id.substr(0, 8)).status()));
}

TEST_CASE("a run's line holds what differs, and every line is JSON",
          "[spec][manifest]") {
  const RunPlan plan = DesignPlan();
  std::istringstream lines(ManifestText(plan));
  std::string header;
  std::getline(lines, header);
  std::string untuned;
  std::getline(lines, untuned);
  size_t longest = 0;
  for (size_t i = 1; i < plan.runs.size(); ++i) {
    std::string line;
    std::getline(lines, line);
    longest = std::max(longest, line.size());
    CHECK(line.find("\"dtype\"") == std::string::npos);
  }
  CHECK(longest < 500);
}

TEST_CASE("a plan without a run, and one with odd texts, read back",
          "[spec][manifest]") {
  RunPlan plan;
  plan.question = "'$(touch x)`; \xff\n\"";
  CHECK(PlanFromText("m", ManifestText(plan), {})->runs.empty());
  PlannedRun run;
  run.run_id = "00ff";
  run.config.model = "a b\",\"run_id\":\"00ff\",\"untuned_id\":\"";
  run.config.method_options["lora.rank"] = "8";
  plan.runs = {run, run};
  plan.runs[0].run_id = "0f";
  plan.runs[0].config.method_options.clear();
  const std::string text = ManifestText(plan);
  const auto reader = ManifestReader::Open("m", text, {});
  REQUIRE(reader.ok());
  CHECK(reader->Run(1)->config.model == run.config.model);
  // What the last run alone has is taken from the others.
  CHECK(reader->Run(0)->config.method_options.empty());
  CHECK(*reader->IndexOf("00ff") == 1);
}

TEST_CASE("a broken manifest is refused with its reason", "[spec][manifest]") {
  const std::string text = ManifestText(DesignPlan());
  for (size_t bytes :
       {size_t{0}, size_t{30}, text.size() / 2, text.size() - 1}) {
    CHECK_FALSE(Message(text.substr(0, bytes)).empty());
  }
  std::string changed = text;
  changed[text.find("learning_rate") + 2] = 'x';
  CHECK(Message(changed).find("SHA-256") != std::string::npos);
  changed = text;
  changed[text.rfind("\"runs\":") + 18] = '9';
  CHECK(Message(changed).find("index") != std::string::npos);
  // A place that is none of a line is refused, not followed.
  changed = text;
  const size_t places = changed.rfind("\n{\"index\"");
  changed.replace(places - 12, 12, "999999999999");
  const auto reader = ManifestReader::Open("m.jsonl", changed, {});
  REQUIRE(reader.ok());
  CHECK_FALSE(reader->Run(reader->runs() - 1).ok());
  CHECK(reader->Run(0).ok());
}

TEST_CASE("an id that is no file name is refused", "[spec][manifest]") {
  RunPlan plan;
  plan.runs.resize(1);
  for (const char* id : {"", "../x", "a/b", "0 1"}) {
    plan.runs[0].run_id = id;
    CHECK_FALSE(PlanFromText("m", ManifestText(plan), {}).ok());
  }
  plan.runs[0].run_id = "0a";
  CHECK(PlanFromText("m", ManifestText(plan), {}).ok());
  plan.runs[0].untuned_id = "../../x";
  CHECK_FALSE(PlanFromText("m", ManifestText(plan), {}).ok());
}

TEST_CASE("the plan.json of older versions is still read", "[spec][manifest]") {
  const std::string old =
      "{\"plan_version\": 1, \"question\": \"q\", \"spec\": \"s\",\n"
      " \"axis_names\": [\"seed\"], \"select_by\": \"\", \"select_per\": [],\n"
      " \"rejected\": [], \"runs\": [{\"run_id\": \"0a\", \"axes\": {},\n"
      " \"baseline_id\": \"\", \"untuned_id\": \"0a\",\n"
      " \"config\": {\"model\": \"glassllm\", \"seed\": \"3\"}}]}\n";
  const auto plan = PlanFromText("plan.json", old, {});
  INFO(plan.status());
  REQUIRE(plan.ok());
  REQUIRE(plan->runs.size() == 1);
  CHECK(plan->runs[0].config.seed == 3);
  for (const std::string& broken :
       {std::string("{"), std::string("[]"), std::string("{\"runs\": 3}"),
        old.substr(0, old.size() / 2), std::string(100000, '[')}) {
    CHECK_FALSE(PlanFromText("plan.json", broken, {}).ok());
  }
}

TEST_CASE("several plans are one: each run once, the newest in front",
          "[spec][manifest]") {
  RunPlan older, newer;
  older.question = "old?";
  newer.question = "new?";
  older.axis_names = {"seed", "threads"};
  newer.axis_names = {"method", "seed"};
  older.runs.resize(2);
  older.runs[0].run_id = "0a";
  older.runs[1].run_id = "0b";
  older.runs[1].baseline_id = "0a";
  newer.runs.resize(2);
  newer.runs[0].run_id = "0b";
  newer.runs[0].baseline_id = "0c";
  newer.runs[1].run_id = "0c";
  older.rejected = newer.rejected = {{{}, "no"}};
  const RunPlan united = UnitePlans({older, newer});
  CHECK(united.question == "new?");
  CHECK(united.axis_names ==
        std::vector<std::string>{"method", "seed", "threads"});
  REQUIRE(united.runs.size() == 3);
  CHECK(united.runs[0].run_id == "0b");
  CHECK(united.runs[0].baseline_id == "0c");
  CHECK(united.runs[2].run_id == "0a");
  CHECK(united.rejected.size() == 1);
}

}  // namespace
}  // namespace sft::spec::manifest_test
