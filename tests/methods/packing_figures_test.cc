// Figures from lengths alone, against the collators and by hand.
#include "methods/packing_figures.h"

#include <numeric>

#include "harness/data/length_histogram.h"
#include "methods/packing.h"
#include "tests/methods/methods_support.h"

namespace sft::methods::packing_figures_test {
namespace {

PackingFigures Measured(const std::string& name,
                        const PackingQuestion& question) {
  auto figures = MeasurePacking(name, question);
  INFO(name << ": " << figures.status().ToString());
  REQUIRE(figures.ok());
  return *figures;
}

double CollatorEfficiency(const data::Collator& collator,
                          const std::vector<Example>& rows) {
  std::vector<int64_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  Rng rng(1, Stream::kDataOrder);
  collator.PlanPass(rows, order, rng);
  return collator.Report().at("packing.efficiency");
}

}  // namespace

TEST_CASE("padding and packing five rows, worked by hand",
          "[methods][packing]") {
  PackingQuestion question;
  question.counts_by_length = data::CountLengths({2, 2, 2, 4, 6});
  question.max_length = 5;
  question.batch_size = 2;
  // The row of 6 is cut to 5: 2 2 2 4 5, 15 tokens.
  const PackingFigures max = Measured("padded_to_max", question);
  CHECK(max.tokens == 15);
  CHECK(max.slots == 25);
  CHECK(max.steps == 3);
  CHECK(max.truncated_rows == 1);
  CHECK(max.truncated_tokens == 1);
  CHECK(max.efficiency() == 0.6);
  CHECK(max.rows_per_pack() == 1);
  // 2 2 | 2 4 | 5
  CHECK(Measured("padded_bucketed", question).slots == 4 + 8 + 5);
  // 5 | 4 | 2 2 | 2
  const PackingFigures ffd = Measured("ffd", question);
  CHECK(ffd.packs == 4);
  CHECK(ffd.steps == 2);
  CHECK(ffd.rows_per_pack() == 1.25);
  CHECK(ffd.efficiency() == 0.75);
  // Nothing is lost: 16 tokens in bins of 5.
  const PackingFigures wrapped = Measured("wrapped", question);
  CHECK(wrapped.packs == 4);
  CHECK(wrapped.truncated_rows == 0);
  CHECK(wrapped.tokens == 16);
  question.max_per_pack = 1;
  CHECK(Measured("ffd", question).packs == 5);
  CHECK(Measured("next_fit", question).packs == 5);
  CHECK(Measured("nnlshp", question).max_per_pack == 1);
  question.max_per_pack = 12;
  CHECK(Measured("nnlshp", question).max_per_pack == 3);
  CHECK(Measured("wrapped", question).max_per_pack == 0);
  question.batch_size = 5;
  CHECK(Measured("padded_to_longest", question).slots == 25);
  question.batch_size = 1;
  CHECK(Measured("padded_to_longest", question).efficiency() == 1);
}

TEST_CASE("the figures are those of the collators", "[methods][packing]") {
  Rng rng(9, Stream::kDataOrder, "figures");
  std::vector<int64_t> lengths;
  for (int i = 0; i < 403; ++i) {
    lengths.push_back(1 + static_cast<int64_t>(rng.Below(70)));
  }
  const auto rows = RandomExamples(lengths);
  for (int64_t bound : {0, 3}) {
    PackingQuestion question;
    question.counts_by_length = data::CountLengths(lengths);
    question.max_length = 64;
    question.batch_size = 4;
    question.max_per_pack = bound;
    for (const std::string& name : PackStrategyNames()) {
      if (name == "next_fit" || (name == "wrapped" && bound > 0)) continue;
      INFO(name << " at most " << bound);
      PackedOptions options;
      options.strategy = name;
      options.max_per_pack = bound;
      CHECK(Measured(name, question).efficiency() ==
            CollatorEfficiency(*MakePackedCollator(options, 4, 64), rows));
    }
    PaddedOptions padded;
    padded.pad_to = "max";
    CHECK(Measured("padded_to_max", question).efficiency() ==
          CollatorEfficiency(*MakePaddedCollator(padded, 4, 64), rows));
    padded.pad_to = "longest";
    padded.order = "bucketed";
    CHECK(Measured("padded_bucketed", question).efficiency() ==
          CollatorEfficiency(*MakePaddedCollator(padded, 4, 64), rows));
    // Orders differ, so only of like size.
    CHECK(Measured("padded_to_longest", question).efficiency() ==
          Approx(CollatorEfficiency(*MakePaddedCollator({}, 4, 64), rows))
              .margin(0.05));
    CHECK(Measured("next_fit", question).packs >=
          Measured("ffd", question).packs);
  }
}

TEST_CASE("the order of rows follows from the seed alone",
          "[methods][packing]") {
  PackingQuestion question;
  question.counts_by_length.assign(65, 30);
  question.max_length = 64;
  question.batch_size = 8;
  for (const std::string name : {"next_fit", "padded_to_longest"}) {
    const int64_t slots = Measured(name, question).slots;
    CHECK(Measured(name, question).slots == slots);
    PackingQuestion other = question;
    other.seed = 1;
    CHECK(Measured(name, other).slots != slots);
  }
}

TEST_CASE("what cannot be measured says why", "[methods][packing]") {
  PackingQuestion question;
  question.counts_by_length = data::CountLengths({1, 2});
  const auto message = [&](const std::string& name) {
    const auto figures = MeasurePacking(name, question);
    REQUIRE_FALSE(figures.ok());
    return std::string(figures.status().message());
  };
  CHECK_THAT(message("lpfph"), Catch::Contains("did you mean 'lpfhp'"));
  question.max_length = 1025;
  CHECK_THAT(message("nnlshp"), Catch::Contains("wanted at most 1024"));
  question.counts_by_length = {0, int64_t{1} << 30};
  CHECK_THAT(message("next_fit"), Catch::Contains("leave it out"));
  CHECK(Measured("ffd", question).packs == (int64_t{1} << 30) / 1025 + 1);
}

}  // namespace sft::methods::packing_figures_test
