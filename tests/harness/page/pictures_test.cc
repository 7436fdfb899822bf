// What pictures hold, of made-up sweeps with known numbers.
#include "harness/page/pictures.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "tests/harness/analysis/sweep.h"

namespace sft::page::pictures_test {
namespace {

constexpr char kRates[] = R"(
question: which rate?
train: [rotten_tomatoes]
evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}
budget: {steps: 10}
grid: {method: [full, lora], learning_rate: [1e-4, 1e-3, 1e-2], seed: [0, 1, 2]}
baseline: {method: full}
)";

MetricRecord* MetricOf(record::RunRecord& record, const std::string& name) {
  for (EvalRecord& eval : record.evals) {
    for (MetricRecord& metric : eval.metrics) {
      if (metric.name == name) return &metric;
    }
  }
  return nullptr;
}

analysis::Report ReportOf(const analysis::Sweep& sweep) {
  const auto report = analysis::BuildReport(sweep.folder.path());
  REQUIRE(report.ok());
  return *report;
}

// The best rate of full is in the middle of its grid, lora's at the end.
bool WithRates(record::RunRecord& record) {
  MetricRecord* loss = MetricOf(record, "validation_loss");
  if (loss == nullptr) return true;
  const double rate = std::log10(record.config.learning_rate);
  loss->value = record.config.method == "full" ? std::abs(rate + 3) : -rate;
  record.memory.predicted_bytes = {{"weights", 3 << 20},
                                   {"gradients", 1 << 20}};
  record.memory.measured_bytes = {{"weights", 4 << 20}};
  record.facts["padded_tokens"] = 10;
  record.facts["padding_fraction"] = 0.25;
  record.measured["real_tokens_per_second"] = 100;
  record.measured["computed_tokens_per_second"] = 125;
  return true;
}

TEST_CASE("a best rate at the edge of its grid is said", "[page][pictures]") {
  const analysis::Sweep sweep(kRates);
  sweep.Write(WithRates);
  const analysis::Report report = ReportOf(sweep);
  const std::vector<Picture> pictures = RatePictures({report, {}, {}});
  REQUIRE(pictures.size() == 2);
  for (const Picture& picture : pictures) {
    CAPTURE(picture.title, picture.caption);
    const bool is_lora = picture.title.find("lora") == 0;
    const bool warns =
        picture.caption.find("At the edge of the grid") != std::string::npos;
    CHECK(warns == is_lora);
    if (is_lora) {
      CHECK(picture.caption.find("is the largest") != std::string::npos);
    }
    CHECK(picture.x.is_log);
    REQUIRE(picture.lines.size() == 1);
    CHECK(picture.lines[0].x_N == std::vector<double>{1e-4, 1e-3, 1e-2});
    size_t marked = 0;
    for (const PicturePoint& point : picture.points) {
      marked += point.is_marked ? 1 : 0;
    }
    CHECK(marked == 1);
  }
}

TEST_CASE("memory is predicted beside measured, pads name their baseline",
          "[page][pictures]") {
  const analysis::Sweep sweep(kRates);
  sweep.Write(WithRates);
  const analysis::Report report = ReportOf(sweep);
  const Picture memory = MemoryPictures({report, {}, {}}).at(0);
  CHECK(memory.is_stacked);
  REQUIRE(memory.bar_parts == std::vector<std::string>{"gradients", "weights"});
  REQUIRE(memory.bars.size() == 2 * 6);
  CHECK(memory.bars[0].values == std::vector<std::optional<double>>{1, 3});
  CHECK(memory.bars[1].values ==
        std::vector<std::optional<double>>{std::nullopt, 4});
  const Picture rates = ThroughputPictures({report, {}, {}}).at(0);
  CHECK(rates.caption.find("The padding baseline is padded.") !=
        std::string::npos);
  REQUIRE(rates.bars.size() == 6);
  CHECK(rates.bars[0].values ==
        std::vector<std::optional<double>>{100, std::nullopt, 125});
  CHECK(PackingPictures({report, {}, {}}).at(0).bars[0].values[0] == 0.75);
}

TEST_CASE("an ellipse is of the standard error over seeds",
          "[page][pictures]") {
  const analysis::Sweep sweep(kRates);
  // Seeds at (0.5, 1), (0.6, 2), (0.7, 3): all on one line.
  sweep.Write([](record::RunRecord& record) {
    MetricRecord* accuracy = MetricOf(record, "accuracy");
    const auto seed = static_cast<double>(record.config.seed);
    accuracy->value = 0.5 + 0.1 * seed;
    EvalRecord text;
    text.task = "wiki_demo";
    text.split = "heldout";
    text.round = record.config.method == spec::kUntuned ? 0 : 1;
    text.metrics = {{"cross_entropy", 1 + seed, "nats/token", "", false, {}}};
    record.evals.push_back(text);
    return true;
  });
  const analysis::Report report = ReportOf(sweep);
  const Picture picture = TargetPictures({report, {}, {}}).at(0);
  CHECK(picture.points.size() == 7);
  CHECK(picture.points[0].is_marked);
  REQUIRE(picture.ellipses.size() == 6);
  CHECK_FALSE(picture.levels.empty());
  // s.d. 0.1 and 1 over sqrt(3), along the line alone.
  const auto [low, high] = std::minmax_element(picture.ellipses[0].x_N.begin(),
                                               picture.ellipses[0].x_N.end());
  CHECK(*low == Approx(0.6 - 0.1 / std::sqrt(3)));
  CHECK(*high == Approx(0.6 + 0.1 / std::sqrt(3)));
  for (size_t i = 0; i < picture.ellipses[0].x_N.size(); ++i) {
    CHECK(picture.ellipses[0].y_N[i] ==
          Approx(2 + 10 * (picture.ellipses[0].x_N[i] - 0.6)).margin(1e-6));
  }
}

TEST_CASE("the front's picture rings the rows that its table has on the front",
          "[page][pictures]") {
  const analysis::Sweep sweep(kRates);
  sweep.Write([](record::RunRecord& record) {
    const bool is_full = record.config.method == "full";
    analysis::AddHeldoutText(record, [&](int i) {
      return 3 + 0.01 * ((i + record.config.seed) % 3) + (is_full ? 0.5 : 0);
    });
    record.measured["train_peak_rss_bytes"] = is_full ? 2e9 : 1e9;
    return true;
  });
  const analysis::Report report = ReportOf(sweep);
  const analysis::Table table = *analysis::TableNamed(report, "fronts");
  REQUIRE(table.rows.size() == 6);
  const std::vector<Picture> pictures = FrontPictures({report, {table}, {}});
  REQUIRE(pictures.size() == 1);
  REQUIRE(pictures[0].points.size() == table.rows.size());
  size_t ringed = 0;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const PicturePoint& point = pictures[0].points[i];
    CHECK(point.label == CellAt(table, i, "row")->text);
    CHECK(point.is_marked == (CellAt(table, i, "front")->text == "*"));
    CHECK(std::stod(point.text) ==
          Approx(*CellAt(table, i, "membership")->value).margin(0.005));
    ringed += point.is_marked ? 1 : 0;
  }
  CHECK(ringed > 0);
  CHECK(ringed < table.rows.size());
}

TEST_CASE("each picture has a name and a title of its own",
          "[page][pictures]") {
  std::set<std::string> names, titles;
  for (const PictureRow& row : AllPictures()) {
    CHECK(names.insert(row.name).second);
    CHECK(titles.insert(row.title).second);
    CHECK_FALSE(row.needs.empty());
    // Nothing is drawn of nothing.
    CHECK(row.draw({analysis::Report(), {}, {}}).empty());
  }
}

}  // namespace
}  // namespace sft::page::pictures_test
