// What a run should hold, beside what real tensors hold.
#include "harness/measure/memory.h"

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/measure/flops.h"
#include "harness/train/optimizers/registry.h"
#include "tests/harness/measure/tiny_golden.h"
#include "tests/methods/methods_support.h"
#include "tests/support/random_decoder.h"
#include "tests/support/skips.h"

namespace sft::measure::memory_test {
namespace {

TEST_CASE("resident memory rises with what is touched, and the peak resets",
          "[measure][memory]") {
  auto before = ReadProcessMemory();
  REQUIRE(before.ok());
  constexpr int64_t kBytes = int64_t{96} << 20;
  {
    std::vector<char> block(kBytes, 1);
    auto during = ReadProcessMemory();
    REQUIRE(during.ok());
    CHECK(during->resident_bytes > before->resident_bytes + kBytes / 2);
    CHECK(block[kBytes / 2] == 1);
  }
  auto after = ReadProcessMemory();
  REQUIRE(after.ok());
  CHECK(after->peak_resident_bytes > before->resident_bytes + kBytes / 2);
#if defined(__SANITIZE_ADDRESS__)
  support::SkipPart(support::Need::kMachine,
                    "the address sanitizer keeps what is freed");
  return;
#endif
  if (!ResetPeakResidentMemory()) {
    support::SkipPart(support::Need::kMachine,
                      "the kernel does not let the peak be reset");
    return;
  }
  auto reset = ReadProcessMemory();
  REQUIRE(reset.ok());
  CHECK(reset->peak_resident_bytes < after->peak_resident_bytes);
}

TEST_CASE("tensors that share storage count once", "[measure][memory]") {
  const at::Tensor a = at::zeros({10, 10});
  CHECK(TensorBytes({a, a.view({100}), at::zeros({5}, at::kByte), {}}) ==
        400 + 5);
}

constexpr support::DecoderSize kLlama = {"tiny", 4, 64, 4, 2, 160, 300};

// Eight sequences of 60 tokens, laid end to end; a half of them are targets.
Batch EightRows(int64_t vocabulary) {
  const std::vector<Example> rows =
      methods::RandomExamples(std::vector<int64_t>(8, 60), /*seed=*/7,
                              static_cast<uint64_t>(vocabulary));
  std::vector<data::Piece> pieces;
  for (int64_t i = 0; i < 8; ++i) pieces.push_back({i, 0, 60});
  return data::FlatBatch(rows, pieces);
}

StepSize SizeOf(const Batch& batch) {
  const StepWork work = WorkOf(batch);
  return {.tokens = work.computed_tokens,
          .targets = work.target_tokens,
          .attention_pairs = work.attention_pairs,
          .accumulates = true};
}

TrainedBytes TrainedBy(train::UpdateMethod& method,
                       const train::OptimizerRow& optimizer) {
  TrainedBytes trained;
  for (const train::TrainableParameter& p : method.TrainableParameters()) {
    trained.Add(
        static_cast<int64_t>(p.tensor.nbytes()),
        optimizer.state_bytes(p.tensor.numel(), p.tensor.element_size()));
  }
  return trained;
}

// Of every tensor that the model holds, once.
int64_t HeldBytes(model::Model& model) {
  std::set<const void*> seen;
  int64_t bytes = 0;
  for (const auto& [name, tensor] : methods::AllTensors(model)) {
    if (!seen.insert(tensor.storage().data()).second) continue;
    bytes += static_cast<int64_t>(tensor.nbytes());
  }
  return bytes;
}

// The rows of the tokens in the embedding's gradient.
int64_t LookupBytes(model::Model& model, int64_t tokens) {
  for (const model::Parameter& p : model.Parameters()) {
    if (p.role == model::Role::kEmbedding) {
      return std::min(tokens, p.tensor.size(0)) * p.tensor.size(1) *
             p.tensor.element_size();
    }
  }
  return 0;
}

TEST_CASE("model, gradients and moments are foretold to the byte",
          "[measure][memory]") {
  const Batch batch = EightRows(kLlama.vocabulary);
  for (const train::UpdateMethodRow& update : methods::AllMethods().update) {
    for (const train::OptimizerRow& row : train::AllOptimizers()) {
      INFO(update.name << " with " << row.name);
      auto model = support::RandomDecoder(kLlama, at::kFloat);
      auto method = methods::MakeMethod(update.name);
      REQUIRE(method->Attach(*model).ok());
      REQUIRE(method->BeginRound(0).ok());
      if (method->TrainableParameters().empty()) continue;
      spec::RunConfig config;
      config.optimizer = row.name;
      auto optimizer =
          train::MakeOptimizer(config, method->TrainableParameters());
      REQUIRE(optimizer.ok());
      model->SumLoss(batch).loss_sum.backward();
      auto predicted =
          PredictTrainingBytes(*model, TrainedBy(*method, row), SizeOf(batch));
      int64_t moments = 0, gradients = 0;
      for (const NamedTensor& t : (*optimizer)->State()) {
        moments += static_cast<int64_t>(t.tensor.nbytes());
      }
      bool embedding_trains = false;
      for (const train::TrainableParameter& p : (*optimizer)->parameters()) {
        REQUIRE(p.tensor.grad().defined());
        gradients += static_cast<int64_t>(p.tensor.grad().nbytes());
        embedding_trains |= p.name == model->Parameters()[0].name;
      }
      // The head is the embedding: the lookup's joins the head's.
      if (embedding_trains) {
        gradients += LookupBytes(*model, SizeOf(batch).tokens);
      }
      CHECK(predicted.at("optimizer") == moments);
      CHECK(predicted.at("gradients") == gradients);
      CHECK(predicted["weights"] + predicted["quantized_weights"] +
                predicted["quantization_constants"] + predicted["adapters"] ==
            HeldBytes(*model));
      CHECK(predicted.at("process") == kProcessBytes);
    }
  }
}

// What this thread's CPU tensors hold, and held most, since it was made.
class TensorCounter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t,
                         c10::Device) override {
    held_ += bytes;
    peak_ = std::max(peak_, held_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t peak() const { return peak_; }
  int64_t held() const { return held_; }

 private:
  int64_t held_ = 0, peak_ = 0;
};

TEST_CASE("what a method holds beside the model is foretold to 2 %",
          "[measure][memory]") {
  for (const train::UpdateMethodRow& update : methods::AllMethods().update) {
    INFO(update.name);
    auto method = methods::MakeMethod(update.name);
    const auto counter = std::make_shared<TensorCounter>();
    // Of the model too: a counter is not told of older tensors that go.
    const c10::DebugInfoGuard counts(c10::DebugInfoKind::PROFILER_STATE,
                                     counter);
    auto model = support::RandomDecoder(kLlama, at::kFloat);
    const int64_t before = HeldBytes(*model), held_before = counter->held();
    REQUIRE(method->Attach(*model).ok());
    // The second round, in which all state is held that ever is.
    REQUIRE(method->BeginRound(0).ok());
    REQUIRE(method->BeginRound(1).ok());
    // Tensors that took another's place in the model are no state.
    const auto held = static_cast<double>(counter->held() - held_before);
    const auto model_grew = static_cast<double>(HeldBytes(*model) - before);
    const auto state = static_cast<double>(method->StateBytes());
    CHECK(held - model_grew == Approx(state).epsilon(0.02).margin(
                                   0.002 * static_cast<double>(before)));
  }
}

int64_t PeakOfForwardPass(model::Model& model, const Batch& batch) {
  const auto counter = std::make_shared<TensorCounter>();
  const c10::DebugInfoGuard counts(c10::DebugInfoKind::PROFILER_STATE, counter);
  const at::Tensor loss = model.SumLoss(batch).loss_sum;
  return counter->peak();
}

// Left out of the formula: the last block's result, angles, temporaries.
constexpr double kLeftOut = 0.1;

TEST_CASE("activations are foretold to a tenth", "[measure][memory]") {
  const auto check = [](model::Model& model) {
    INFO(model.info().family);
    auto method = methods::MakeMethod("full");
    REQUIRE(method->Attach(model).ok());
    const Batch batch = EightRows(model.info().vocabulary);
    const auto measured = static_cast<double>(PeakOfForwardPass(model, batch));
    const StepSize step = SizeOf(batch);
    CHECK(PredictTrainingBytes(model, {}, step).at("activations") ==
          Approx(measured).epsilon(kLeftOut));
  };
  check(*support::RandomDecoder(kLlama, at::kFloat));
  // Norms and maps of another kind keep other tensors.
  check(*TinyGolden("decoders/gpt2"));
  // Caps on scores and logits, norms behind the maps, a gated GELU.
  check(*TinyGolden("decoders/gemma2"));
  // Norms of heads; then windows, too.
  check(*TinyGolden("decoders/qwen3"));
  check(*TinyGolden("decoders/gemma3"));
  // Norms behind the maps alone; fused maps; two halves that read one norm's
  // input; a ReLU; factors of logits and branches.
  check(*TinyGolden("decoders/olmo2"));
  check(*TinyGolden("decoders/phi3"));
  check(*TinyGolden("decoders/gpt_neox"));
  check(*TinyGolden("decoders/opt"));
  check(*TinyGolden("decoders/granite"));
}

TEST_CASE("activations of every encoder are foretold to a tenth",
          "[measure][memory][encoders]") {
  std::vector<Example> rows = methods::RandomExamples(
      std::vector<int64_t>(8, 30), /*seed=*/7, /*vocabulary=*/90);
  std::vector<data::Piece> pieces;
  for (int64_t i = 0; i < 8; ++i) {
    rows[i].head = HeadKind::kToken;
    rows[i].labels.assign(30, 1);
    pieces.push_back({i, 0, 30});
  }
  for (const char* family : {"bert", "roberta", "distilbert", "electra",
                             "deberta-v2", "modernbert"}) {
    INFO(family);
    auto model = TinyGolden(absl::StrCat("encoders/", family));
    REQUIRE(model->SetHead(HeadKind::kToken, 5, 0).ok());
    auto method = methods::MakeMethod("full");
    REQUIRE(method->Attach(*model).ok());
    const Batch batch = data::FlatBatch(rows, pieces);
    const auto measured = static_cast<double>(PeakOfForwardPass(*model, batch));
    const StepSize step = SizeOf(batch);
    CHECK(PredictTrainingBytes(*model, {}, step).at("activations") ==
          Approx(measured).epsilon(kLeftOut));
  }
}

TEST_CASE(
    "a head that is not trained has no gradient, whatever else is called "
    "an embedding",
    "[measure][memory]") {
  auto model = TinyGolden("decoders/gpt2");
  auto method = methods::MakeMethod("full");
  REQUIRE(method->Attach(*model).ok());
  const StepSize step = {.tokens = 9, .targets = 3, .accumulates = true};
  const auto trained = PredictTrainingBytes(*model, {}, step);
  model->Parameters()[0].tensor.set_requires_grad(false);
  const auto frozen = PredictTrainingBytes(*model, {}, step);
  const int64_t matrix = LookupBytes(*model, model->info().vocabulary);
  CHECK(trained.at("gradients") == LookupBytes(*model, step.tokens));
  CHECK(frozen.at("gradients") == 0);
  CHECK(trained.at("activations") - frozen.at("activations") == matrix);
}

TEST_CASE("activations and gradients are held together where a step keeps both",
          "[measure][memory]") {
  auto model = support::RandomDecoder(kLlama, at::kFloat);
  TrainedBytes trained;
  trained.Add(300, 20);
  trained.Add(100, 8);
  StepSize step = {.tokens = 7, .targets = 3, .accumulates = true};
  const auto predict = [&] {
    return PredictTrainingBytes(*model, trained, step);
  };
  const auto both = predict();
  CHECK(both.at("optimizer") == 28);
  CHECK(both.at("gradients") == 400);
  CHECK(both.at("activations") > 400);
  // They come as activations go.
  step.accumulates = false;
  auto one = predict();
  CHECK(one.at("activations") == both.at("activations"));
  CHECK(one.at("gradients") == 0);
  step.tokens = step.targets = 0;
  one = predict();
  CHECK(one.at("activations") == 0);
  CHECK(one.at("gradients") == 400);
  // Unclipped, a gradient goes as it comes.
  step.clips = false;
  CHECK(predict().at("gradients") == 300);
  step = {.tokens = 7, .targets = 3, .accumulates = true};
  step.activation_checkpointing = true;
  CHECK(predict().at("activations") < both.at("activations"));
}

}  // namespace
}  // namespace sft::measure::memory_test
