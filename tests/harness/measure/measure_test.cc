#include <cmath>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/core/stopwatch.h"
#include "harness/kernels/shared/instruction_set.h"
#include "harness/measure/flops.h"
#include "harness/measure/memory.h"
#include "harness/measure/provenance.h"
#include "harness/measure/throughput.h"
#include "harness/model/load/load.h"
#include "harness/train/make_optimizer.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/tiny_model.h"

namespace sft::measure {
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
  if (!ResetPeakResidentMemory()) {
    WARN("the kernel does not let the peak be reset here");
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

TEST_CASE("the bytes of an optimizer's state are foretold",
          "[measure][memory]") {
  std::vector<train::TrainableParameter> parameters;
  for (int64_t numbers : {3, 4095, 4096, 5000, 65536}) {
    parameters.push_back({std::to_string(numbers),
                          at::zeros({numbers}).set_requires_grad(true)});
  }
  for (const std::string name : {"adamw", "adamw_8bit", "adamw_paged"}) {
    INFO(name);
    TrainedBytes trained;
    for (const train::TrainableParameter& p : parameters) {
      trained.Add(p.tensor.numel(), p.tensor.element_size(), name);
    }
    spec::RunConfig config;
    config.optimizer = name;
    const auto optimizer = train::MakeOptimizer(config, parameters);
    REQUIRE(optimizer.ok());
    CHECK(trained.optimizer == (*optimizer)->StateBytes());
    CHECK(trained.gradients == 4 * (*optimizer)->trainable_parameters());
  }
}

TEST_CASE("the model's bytes are those of its parameters",
          "[measure][memory]") {
  support::TinyModel model(0);
  const auto bytes = ModelBytes(model);
  CHECK(bytes.at("weights") == 4 * model.info().parameters);
  const model::ModelInfo& info = model.info();
  StepSize step{.tokens = 7, .targets = 3};
  TrainedBytes trained;
  trained.Add(1, 4);
  trained.Add(3, 2);
  auto predicted = PredictTrainingBytes(model, trained, step);
  const int64_t block =
      7 * (8 * info.width + 8 * info.ffn_width + 4 * info.heads + 8 +
           8 * info.head_width * (info.heads + info.kv_heads));
  // Logits, rows, and the gradient of the head, which trains.
  const int64_t head = 3 * info.vocabulary * 4 + 3 * info.width * 12 +
                       4 * info.vocabulary * info.width;
  const int64_t kept = info.layers * block + head;
  CHECK(predicted.at("activations") == kept);
  CHECK(predicted.at("gradients") == 0);  // they come as activations go
  CHECK(predicted.at("optimizer") == 20 + 2 * 4);  // step counts
  CHECK(predicted.at("process") == kProcessBytes);
  step.accumulates = true;
  predicted = PredictTrainingBytes(model, trained, step);
  CHECK(predicted.at("activations") == kept);
  CHECK(predicted.at("gradients") == 10);
  // Unclipped, a gradient goes as it comes: the largest one counts.
  step.clips = false;
  CHECK(PredictTrainingBytes(model, trained, step).at("gradients") == 10);
  step.accumulates = false;
  step.tokens = step.targets = 0;
  trained.largest_gradient = int64_t{1} << 30;
  CHECK(PredictTrainingBytes(model, trained, step).at("gradients") ==
        int64_t{1} << 30);
  step = {.tokens = 7, .targets = 3, .accumulates = true};
  step.activation_checkpointing = true;
  predicted = PredictTrainingBytes(model, trained, step);
  CHECK(predicted.at("activations") ==
        block + info.layers * 7 * 4 * info.width + head);
}

TEST_CASE("rates tell real, target and computed tokens apart",
          "[measure][throughput]") {
  StepRecord step;
  step.sequences = 4;
  step.real_tokens = 60;
  step.target_tokens = 10;
  step.padded_tokens = 20;
  step.wall_seconds = 0.5;
  StepRecord slow = step;
  slow.wall_seconds = 100;
  const Throughput all = SumSteps({slow, step, step});
  CHECK(all.steps == 3);
  const Throughput warm = SumSteps({slow, step, step}, 1);
  CHECK(warm.steps == 2);
  CHECK(warm.sequences == 8);
  CHECK(warm.RealTokensPerSecond() == Approx(120));
  CHECK(warm.TargetTokensPerSecond() == Approx(20));
  CHECK(warm.ComputedTokensPerSecond() == Approx(160));
  CHECK(warm.StepsPerSecond() == Approx(2));
  CHECK(warm.padding_fraction() == Approx(0.25));
  // Nothing is left out where nothing would be left.
  CHECK(SumSteps({slow}, 1).steps == 1);
  CHECK(RatesOf({}).at("real_tokens_per_second") == 0);
}

TEST_CASE("FLOPs follow the formula", "[measure][flops]") {
  support::TinyModel model(0);  // one map of 12 x 12, no attention, untied head
  const int64_t map = 2 * 12 * 12, head = 2 * 12 * 23;
  const StepWork work{.computed_tokens = 50, .target_tokens = 9};
  const FlopModel frozen = MakeFlopModel(model, {}, false);
  const Flops none = StepFlops(frozen, work);
  CHECK(none.forward == 50 * map + 9 * head);
  CHECK(none.backward_inputs == none.forward);
  CHECK(none.backward_weights == 0);
  const FlopModel full = MakeFlopModel(
      model, {"model.layers.0.mlp.up_proj.weight", "lm_head.weight"}, true);
  const Flops all = StepFlops(full, work);
  CHECK(all.backward_weights == 50 * map + 9 * head);
  CHECK(all.recomputed == 50 * map);
  CHECK(all.total() == 3 * none.forward + 50 * map);
}

TEST_CASE("attention counts pairs by layout", "[measure][flops]") {
  const std::vector<Example> rows = support::TinyExamples(3);
  int64_t longest = 0, pairs = 0;
  std::vector<data::Piece> pieces;
  for (int64_t i = 0; i < 3; ++i) {
    const auto length = static_cast<int64_t>(rows[i].input_ids.size());
    pieces.push_back({i, 0, length});
    longest = std::max(longest, length);
    pairs += length * (length + 1) / 2;
  }
  CHECK(WorkOf(data::FlatBatch(rows, pieces)).attention_pairs == pairs);
  const StepWork padded = WorkOf(data::PaddedBatch(rows, pieces, 0, 0));
  CHECK(padded.attention_pairs == 3 * longest * (longest + 1) / 2);
  CHECK(padded.computed_tokens == 3 * longest);
  FlopModel model;
  model.heads = 2;
  model.head_width = 8;
  model.layers = 5;
  CHECK(StepFlops(model, {.attention_pairs = 10}).forward ==
        4.0 * 5 * 2 * 8 * 10);
}

std::unique_ptr<model::Model> TinyEncoder(HeadKind head, int64_t classes) {
  model::ModelLocation where;
  where.name = where.folder =
      (support::SourceDir() / "tests/golden/encoders/bert").string();
  auto model = model::LoadModel(where, model::ModelOptions());
  REQUIRE(model.ok());
  REQUIRE((*model)->SetHead(head, classes, 0).ok());
  return *std::move(model);
}

TEST_CASE("an encoder's head costs what it reads, its attention all pairs",
          "[measure][flops][encoders]") {
  const int64_t D = 32, F = 40;
  const int64_t block = 2 * (4 * D * D + 2 * D * F);
  const StepWork work{
      .computed_tokens = 50, .target_tokens = 6, .attention_pairs = 70};
  const int64_t blocks = 2 * 50 * block + 4 * 2 * D * 70;  // two layers
  struct Case {
    HeadKind head;
    int64_t classes;
    int64_t flops;
    int64_t logits;
  };
  for (const Case& c : {Case{HeadKind::kSequence, 3, 6 * 2 * (D * D + 3 * D),
                             6 * 3},  // pooler and classifier, of 6 rows
                        Case{HeadKind::kToken, 5, 6 * 2 * 5 * D, 6 * 5},
                        Case{HeadKind::kSpan, 2, 50 * 2 * 2 * D, 50 * 2}}) {
    auto model = TinyEncoder(c.head, c.classes);
    std::set<std::string> names;
    for (const model::Parameter& p : model->HeadParameters())
      names.insert(p.name);
    const Flops flops = StepFlops(MakeFlopModel(*model, names, true), work);
    CHECK(flops.forward == blocks + c.flops);
    CHECK(flops.recomputed == blocks);
    // Only the head's own map trains.
    const int64_t pooler = c.head == HeadKind::kSequence ? 6 * 2 * D * D : 0;
    CHECK(flops.backward_weights == c.flops - pooler);
    const auto bytes =
        PredictTrainingBytes(*model, {}, {.tokens = 50, .targets = 6});
    const int64_t kept = 2 * 50 * (8 * D + 4 * F + 7 * D);
    CHECK(bytes.at("activations") == 4 * (kept + 2 * c.logits));
    CHECK(bytes.at("weights") == model->info().parameters * 4);
  }
  Example row;
  row.head = HeadKind::kToken;
  row.input_ids.assign(7, 5);
  row.labels.assign(7, 1);
  CHECK(WorkOf(data::FlatBatch({row, row}, {{0, 0, 7}, {1, 0, 7}}))
            .attention_pairs == 2 * 49);
  CHECK(WorkOf(data::PaddedBatch({row}, {{0, 0, 7}}, 9, 0)).attention_pairs ==
        81);
}

TEST_CASE("a matrix product has a rate", "[measure][throughput]") {
  CHECK(MatrixProductFlopsPerSecond(at::kFloat, at::kCPU, 128, 2) > 1e6);
}

TEST_CASE("a stopwatch runs forwards", "[measure][throughput]") {
  const Stopwatch watch;
  double x = 1;
  while (watch.Wall() < absl::Milliseconds(2)) x = std::sqrt(x + 1);
  CHECK(x > 1);
  CHECK(watch.Wall() >= absl::Milliseconds(2));
  CHECK(watch.Cpu() > absl::ZeroDuration());
}

TEST_CASE("provenance says what it was built from and where it ran",
          "[measure][provenance]") {
  const auto build = BuildProvenance({{"revision", "abc"}}, at::kCPU);
  CHECK(build.at("revision") == "abc");
  CHECK(build.at("torch").find('.') != std::string::npos);
  CHECK_FALSE(build.at("instruction_set").empty());
  for (const kernels::InstructionSet set : kernels::SetsHere()) {
    const kernels::UseInstructionSet use(set);
    CHECK(BuildProvenance({}, at::kCPU).at("kernels") ==
          kernels::InstructionSetName(set));
  }
  CHECK(build.at("device") == "cpu");
  const auto run = RunProvenance(absl::FromUnixSeconds(0));
  CHECK(run.at("start") == "1970-01-01T00:00:00Z");
  CHECK_FALSE(run.at("host").empty());
  CHECK_FALSE(run.at("cpu").empty());
}

}  // namespace
}  // namespace sft::measure
