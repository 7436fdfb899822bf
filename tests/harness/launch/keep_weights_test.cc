#include "harness/launch/keep_weights.h"

#include "harness/train/method.h"
#include "tests/support/catch_torch.h"

namespace sft::launch::keep_weights_test {
namespace {

// A method as far as it is asked here.
class MadeUpMethod : public train::UpdateMethod {
 public:
  absl::Status Attach(model::Model&) override { return absl::OkStatus(); }
  absl::Status BeginRound(int64_t) override { return absl::OkStatus(); }
  std::vector<train::TrainableParameter> TrainableParameters() override {
    return {};
  }
  absl::Status Merge() override { return absl::OkStatus(); }
  train::MethodReport Report() override { return {}; }
};
class MadeUpAdapter final : public MadeUpMethod {
 public:
  bool TrainsAdapter() const override { return true; }
};

TEST_CASE("which weights are kept is a question to the method",
          "[launch][weights]") {
  const MadeUpMethod whole{};
  const MadeUpAdapter adapter{};
  CHECK_FALSE(KeepsWeights(KeepWeights::kNone, whole.TrainsAdapter()));
  CHECK_FALSE(KeepsWeights(KeepWeights::kNone, adapter.TrainsAdapter()));
  CHECK_FALSE(KeepsWeights(KeepWeights::kAdapters, whole.TrainsAdapter()));
  CHECK(KeepsWeights(KeepWeights::kAdapters, adapter.TrainsAdapter()));
  CHECK(KeepsWeights(KeepWeights::kAll, whole.TrainsAdapter()));
  CHECK(KeepsWeights(KeepWeights::kAll, adapter.TrainsAdapter()));
}

TEST_CASE("each choice reads back by its name", "[launch][weights]") {
  CHECK(KeepWeightsNames().size() == 3);
  for (const std::string& name : KeepWeightsNames()) {
    const auto keep = ParseKeepWeights(name);
    REQUIRE(keep.has_value());
    CHECK(KeepWeightsName(*keep) == name);
  }
  CHECK_FALSE(ParseKeepWeights("some").has_value());
}

}  // namespace
}  // namespace sft::launch::keep_weights_test
