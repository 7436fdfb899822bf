#include "harness/train/batch_feed.h"

#include <ATen/ATen.h>

#include <vector>

#include "tests/support/catch_torch.h"
#include "tests/support/require.h"
#include "tests/support/tiny_model.h"

namespace sft::train::batch_feed_test {
namespace {

// Counts what it collates.
class CountingCollator : public support::PlainCollator {
 public:
  using support::PlainCollator::PlainCollator;
  Batch Collate(const std::vector<Example>& examples,
                const data::MicroBatchPlan& plan) const override {
    ++collated;
    return support::PlainCollator::Collate(examples, plan);
  }
  mutable int collated = 0;
};

struct Feed {
  explicit Feed(at::Device device, bool flat = false)
      : examples(support::TinyExamples(24)), collator(2, flat) {
    spec::RunConfig config;
    config.batch_size = 2;
    config.gradient_accumulation_steps = 3;
    config.budget_epochs = 1;
    auto made = PlanSteps(config, examples, collator, 0);
    REQUIRE(made.ok());
    plan = std::move(*made);
    REQUIRE(plan.steps.size() == 4);
    collator.collated = 0;
    feed.emplace(examples, collator, plan, device);
  }
  std::vector<Example> examples;
  CountingCollator collator;
  StepPlan plan;
  std::optional<BatchFeed> feed;
};

void CheckBatches(std::vector<Batch> have, const Feed& feed, size_t step,
                  at::Device device) {
  const auto& micro = feed.plan.steps[step].micro_batches;
  REQUIRE(have.size() == micro.size());
  for (size_t m = 0; m < micro.size(); ++m) {
    Batch want = feed.collator.PlainCollator::Collate(feed.examples, micro[m]);
    CHECK(have[m].row_ids == want.row_ids);
    CHECK(have[m].target_tokens == want.target_tokens);
    const std::vector<at::Tensor*> a = TensorsOf(have[m]), b = TensorsOf(want);
    REQUIRE(a.size() == b.size());
    for (size_t t = 0; t < a.size(); ++t) {
      CHECK(a[t]->device().type() == device.type());
      CHECK(at::equal(a[t]->cpu(), *b[t]));
    }
  }
}

TEST_CASE("a step's batches are the plan's, prepared or not",
          "[train][batch_feed]") {
  for (bool flat : {false, true}) {
    Feed feed(at::kCPU, flat);
    CheckBatches(feed.feed->Take(0), feed, 0, at::kCPU);
    CHECK(feed.collator.collated == 3);
    feed.feed->Prepare(1);
    CHECK(feed.collator.collated == 6);
    CheckBatches(feed.feed->Take(1), feed, 1, at::kCPU);
    CHECK(feed.collator.collated == 6);  // not twice
    // Another step than the prepared one, as after a resume.
    feed.feed->Prepare(2);
    CheckBatches(feed.feed->Take(3), feed, 3, at::kCPU);
    CheckBatches(feed.feed->Take(2), feed, 2, at::kCPU);
    // Taken is taken; behind the end there is nothing to prepare.
    CheckBatches(feed.feed->Take(2), feed, 2, at::kCPU);
    const int before = feed.collator.collated;
    feed.feed->Prepare(4);
    CHECK(feed.collator.collated == before);
    CHECK_THROWS(feed.feed->Take(4));
  }
}

TEST_CASE("batches prepared for a device are whole when they are used",
          "[train][batch_feed][gpu]") {
  support::RequireGpu();
  const at::Device device(at::kCUDA, 0);
  Feed feed(device);
  CheckBatches(feed.feed->Take(0), feed, 0, device);
  for (int64_t step = 1; step < 4; ++step) {
    // Work that the copies run beside.
    const at::Tensor square = at::ones({2048, 2048}, device);
    const at::Tensor product = at::matmul(square, square);
    feed.feed->Prepare(step);
    CheckBatches(feed.feed->Take(step), feed, static_cast<size_t>(step),
                 device);
    CHECK(product[0][0].item<float>() == 2048);
  }
}

}  // namespace
}  // namespace sft::train::batch_feed_test
