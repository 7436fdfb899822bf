#include "harness/launch/progress_view.h"

#include <algorithm>

#include "harness/core/display_width.h"
#include "tests/support/catch_torch.h"

namespace sft::launch::progress_view_test {
namespace {

RunView Training(const std::string& id, const std::string& label,
                 int64_t step) {
  RunView run{id, label, {}};
  run.progress.phase = "train";
  run.progress.step = step;
  run.progress.steps = 40;
  run.progress.loss = 1.25;
  run.progress.real_tokens_per_second = 210;
  run.progress.seconds_left = 65;
  return run;
}

SweepView TwoRuns() {
  SweepView view;
  view.settled = 12;
  view.total = 37;
  view.seconds_left = 3661;
  view.running = {Training("a", "lora packed seed=0", 12),
                  {"b", "full padded seed=1", {.phase = "evaluate"}}};
  return view;
}

using Lines = std::vector<std::string>;

TEST_CASE("the sweep comes first, then a line a running run, time left first",
          "[launch][progress]") {
  CHECK(ProgressLines(TwoRuns(), 80, 24) ==
        Lines{"1:01:01 left, 12/37 runs settled, 2 running",
              "    1:05  lora packed seed=0  step 12/40  loss 1.2500  "
              "210 tok/s",
              "evaluate  full padded seed=1"});
  SweepView early;
  early.total = 37;
  early.running = {{"a", "untuned", {}}};
  CHECK(ProgressLines(early, 80, 24) ==
        Lines{"0/37 runs settled, 1 running", "   start  untuned"});
  // Rounds that end by the clock have no number of steps.
  SweepView timed = TwoRuns();
  timed.running[0].progress.steps = 0;
  CHECK(ProgressLines(timed, 80, 24)[1] ==
        "   train  lora packed seed=0  step 12  loss 1.2500  210 tok/s");
}

TEST_CASE("a narrow terminal loses what matters least, and nothing wraps",
          "[launch][progress]") {
  CHECK(ProgressLines(TwoRuns(), 60, 24)[1] ==
        "    1:05  lora packed seed=0  step 12/40  loss 1.2500");
  CHECK(ProgressLines(TwoRuns(), 40, 24)[1] ==
        "    1:05  lora packed see..  step 12/40");
  CHECK(ProgressLines(TwoRuns(), 20, 24)[1] == "    1:05  lora pa..");
  SweepView view = TwoRuns();
  view.running.push_back(Training(
      "c",
      "qlora padding_free learning_rate=0.0003 data=" + std::string(300, 'x') +
          "\xe6\xbc\xa2\xe6\xbc\xa2\nend",
      3));
  view.running.push_back(
      Training("d", "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2", 4));
  for (const size_t columns : {1, 2, 5, 10, 11, 40, 80, 81, 200, 1000}) {
    CAPTURE(columns);
    const Lines lines = ProgressLines(view, columns, 24);
    CHECK(lines.size() == 5);
    for (const std::string& line : lines) {
      INFO(line);
      CHECK(DisplayColumns(line) <= std::max<size_t>(columns - 1, 1));
      CHECK(line.find('\n') == std::string::npos);
    }
  }
  // At 80 columns a long label gives way, steps and loss do not.
  const std::string line = ProgressLines(view, 80, 24)[3];
  CHECK(line.find("qlora padding_free lea") != std::string::npos);
  CHECK(line.find("..  step 3/40  loss 1.2500  210 tok/s") !=
        std::string::npos);
}

TEST_CASE("what runs say stands in columns", "[launch][progress]") {
  SweepView view = TwoRuns();
  view.running.push_back(Training("c", "qlora padding_free seed=1", 12));
  const Lines lines = ProgressLines(view, 200, 24);
  CHECK(lines[1].find("step") == 37);
  CHECK(lines[3].find("step") == 37);
}

TEST_CASE("many workers fit a low terminal", "[launch][progress]") {
  SweepView view;
  view.total = 500;
  for (int i = 0; i < 64; ++i) {
    const std::string id = std::to_string(i);
    view.running.push_back(Training(id, "full padded seed=" + id, 1));
  }
  for (const size_t rows : {1, 2, 3, 5, 24, 64, 65, 66, 67, 100}) {
    CAPTURE(rows);
    const Lines lines = ProgressLines(view, 80, rows);
    CHECK(lines.size() <= std::max<size_t>(rows - 1, 1));
    CHECK(lines[0] == "0/500 runs settled, 64 running");
    if (rows >= 66) CHECK(lines.size() == 65);
  }
  const Lines lines = ProgressLines(view, 80, 5);
  REQUIRE(lines.size() == 4);
  CHECK(lines[3] == "and 62 more");
}

TEST_CASE("a picture is drawn over the one before it", "[launch][progress]") {
  CHECK(RedrawText({}, {"a", "b"}, 80) == "a\nb");
  CHECK(RedrawText({"a", "b"}, {"c"}, 80) == "\033[1A\r\033[Jc");
  CHECK(RedrawText({"a"}, {}, 80) == "\r\033[J");
  CHECK(RedrawText({}, {}, 80).empty());
  // Lines that were drawn for a wider terminal have wrapped since.
  CHECK(RedrawText({std::string(100, 'x'), "b"}, {"c"}, 40) ==
        "\033[3A\r\033[Jc");
}

TEST_CASE("a log gets a line a phase, and a tenth at most one a minute",
          "[launch][progress]") {
  PlainProgress plain;
  const absl::Time start = absl::FromUnixSeconds(1000000);
  SweepView view = TwoRuns();
  CHECK(plain.News(view, start) ==
        Lines{"[12/37] lora packed seed=0: train step 12/40 loss 1.2500 "
              "210 tok/s, 1:05 left; sweep 1:01:01 left",
              "[12/37] full padded seed=1: evaluate; sweep 1:01:01 left"});
  CHECK(plain.News(view, start + absl::Hours(1)).empty());
  // A tenth further, but too soon.
  view.running[0].progress.step = 20;
  CHECK(plain.News(view, start + absl::Seconds(59)).empty());
  // Long after, but no tenth further.
  view.running[0].progress.step = 15;
  CHECK(plain.News(view, start + absl::Hours(1)).empty());
  view.running[0].progress.step = 20;
  CHECK(plain.News(view, start + absl::Seconds(60)).size() == 1);
  CHECK(plain.News(view, start + absl::Seconds(61)).empty());
  // A new phase at once; and a worker that has said nothing yet says nothing.
  view.running[0].progress.phase = "save";
  view.running.push_back({"c", "hft packed", {}});
  const Lines saving = plain.News(view, start + absl::Seconds(62));
  REQUIRE(saving.size() == 1);
  CHECK(saving[0] == "[12/37] lora packed seed=0: save; sweep 1:01:01 left");
  // Another try of the same run begins anew.
  const RunView again = view.running[1];
  view.running = {};
  CHECK(plain.News(view, start + absl::Seconds(63)).empty());
  view.running = {again};
  CHECK(plain.News(view, start + absl::Seconds(64)).size() == 1);
}

TEST_CASE("an ended run shows its score beside the untuned model's",
          "[launch][progress]") {
  record::RunRecord record;
  CHECK(ScoreText(record).empty());
  record.config.evaluate = {"sst2", "rte"};
  EvalRecord eval;
  eval.task = "sst2";
  eval.split = "test";
  eval.round = 0;
  eval.metrics = {{"accuracy", 0.263, "fraction", "", true, {}}};
  record.evals = {eval};
  CHECK(ScoreText(record) == "accuracy 0.2630");  // the untuned run itself
  eval.round = 1;
  eval.metrics[0].value = 0.78;
  record.evals.push_back(eval);
  eval.split = "validation";
  eval.metrics[0].value = 0.1;
  record.evals.push_back(eval);
  eval.split = "test";
  eval.task = "rte";
  record.evals.push_back(eval);
  CHECK(ScoreText(record) == "accuracy 0.7800 (untuned 0.2630)");
}

}  // namespace
}  // namespace sft::launch::progress_view_test
