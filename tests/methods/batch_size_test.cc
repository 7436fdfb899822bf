// What a batch will be, told without making it, is what it is.
#include "tests/methods/methods_support.h"

namespace sft::methods::batch_size_test {
namespace {

std::unique_ptr<data::Collator> CollatorOf(
    const std::string& batching,
    const std::map<std::string, std::string>& options) {
  spec::RunConfig config;
  config.batching = batching;
  config.batch_size = 3;
  config.max_length = 40;
  config.method_options = options;
  for (const train::BatchingMethodRow& row : AllMethods().batching) {
    if (row.name != batching) continue;
    auto method = row.make(config);
    INFO(method.status().ToString());
    REQUIRE(method.ok());
    return (*method)->MakeCollator();
  }
  FAIL("no batching method called " << batching);
  return nullptr;
}

TEST_CASE("a batch's size is told without making it", "[methods][packing]") {
  std::vector<int64_t> lengths;
  Rng rng(11, Stream::kDataOrder, "lengths");
  for (int i = 0; i < 60; ++i) {
    lengths.push_back(2 + static_cast<int64_t>(rng.Below(60)));
  }
  std::vector<Example> examples = RandomExamples(lengths);
  examples[3].labels.assign(examples[3].labels.size(), kNoLoss);
  std::vector<int64_t> order;
  for (int64_t i = 0; i < std::ssize(examples); ++i) order.push_back(i);
  rng.Shuffle(order);
  // Every method with its defaults, and what changes a batch's form.
  std::vector<std::pair<std::string, std::map<std::string, std::string>>>
      forms = {{"padded", {{"pad.pad_to", "max"}}},
               {"packed", {{"pack.strategy", "wrapped"}}},
               {"packed", {{"pack.overflow", "split"}}}};
  for (const train::BatchingMethodRow& row : AllMethods().batching) {
    forms.push_back({row.name, {}});
  }
  for (const auto& [batching, options] : forms) {
    INFO(batching << " " << (options.empty() ? "" : options.begin()->second));
    const auto collator = CollatorOf(batching, options);
    int64_t batches = 0;
    for (const data::MicroBatchPlan& plan :
         collator->PlanPass(examples, order, rng)) {
      const Batch batch = collator->Collate(examples, plan);
      const data::BatchSize made = data::SizeOfBatch(batch);
      const data::BatchSize told = collator->SizeOf(examples, plan);
      CHECK(told.sequences == made.sequences);
      CHECK(told.target_tokens == made.target_tokens);
      CHECK(told.slots() == batch.slots());
      ++batches;
    }
    CHECK(batches > 3);
  }
}

TEST_CASE("under a head of whole rows every label is a target",
          "[methods][packing]") {
  std::vector<Example> examples = RandomExamples({5, 9, 4});
  for (Example& example : examples) {
    example.head = HeadKind::kSequence;
    example.labels.assign(example.labels.size(), kNoLoss);
    example.labels[0] = 1;
  }
  Rng rng(1, Stream::kDataOrder, "pass");
  for (const train::BatchingMethodRow& row : AllMethods().batching) {
    INFO(row.name);
    const auto collator = CollatorOf(row.name, {});
    for (const data::MicroBatchPlan& plan :
         collator->PlanPass(examples, {0, 1, 2}, rng)) {
      CHECK(collator->SizeOf(examples, plan).target_tokens ==
            std::ssize(plan.pieces));
    }
  }
}

}  // namespace
}  // namespace sft::methods::batch_size_test
