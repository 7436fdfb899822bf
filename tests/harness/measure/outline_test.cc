// A model's outline holds and trains what the model does, tensor by tensor:
// what a plan foretells is what the run will find.
#include "harness/model/load/outline.h"

#include <map>
#include <string>

#include "harness/measure/flops.h"
#include "harness/measure/memory.h"
#include "tests/methods/methods_support.h"
#include "tests/methods/variants.h"
#include "tests/support/tiny_encoder.h"

namespace sft::measure::outline_test {
namespace {

model::ModelConfig ConfigOfFolder(const std::string& folder) {
  auto files = model::WeightFiles::OpenFolder(folder);
  INFO(files.status().ToString());
  REQUIRE(files.ok());
  REQUIRE(files->Check().ok());
  return files->config();
}

std::map<std::string, int64_t> TrainedSizes(train::UpdateMethod& method) {
  std::map<std::string, int64_t> sizes;
  for (const train::TrainableParameter& p : method.TrainableParameters()) {
    CHECK(p.tensor.requires_grad());
    sizes[p.name] = static_cast<int64_t>(p.tensor.nbytes());
  }
  return sizes;
}

void CheckSameMatrices(const std::vector<model::MatrixShape>& a,
                       const std::vector<model::MatrixShape>& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].in_features == b[i].in_features);
    CHECK(a[i].out_features == b[i].out_features);
    CHECK(a[i].trains == b[i].trains);
  }
}

void CheckSame(model::Model& outline, model::Model& real,
               train::UpdateMethod& of_outline, train::UpdateMethod& of_real) {
  CHECK(outline.info().parameters == real.info().parameters);
  for (int64_t round = 0; round < 2; ++round) {
    REQUIRE(of_outline.BeginRound(round).ok());
    REQUIRE(of_real.BeginRound(round).ok());
    CHECK(TrainedSizes(of_outline) == TrainedSizes(of_real));
    CHECK(ModelBytes(outline) == ModelBytes(real));
    const model::PassMatrices a = outline.Matrices(), b = real.Matrices();
    CheckSameMatrices(a.blocks, b.blocks);
    CheckSameMatrices(a.head, b.head);
    CHECK(a.head_reads_all == b.head_reads_all);
    TrainedBytes trained;
    for (const auto& [name, bytes] : TrainedSizes(of_real)) {
      trained.Add(bytes, 2 * bytes);
    }
    const StepSize step = {.tokens = 500, .targets = 70};
    CHECK(PredictTrainingBytes(outline, trained, step) ==
          PredictTrainingBytes(real, trained, step));
  }
}

TEST_CASE("an outline holds and trains what the model does",
          "[measure][outline]") {
  support::RequireAssets("models/glassllm/config.json");
  const std::string folder =
      (support::AssetsDir() / "models/glassllm").string();
  const model::ModelConfig config = ConfigOfFolder(folder);
  for (const at::ScalarType compute : {at::kFloat, at::kBFloat16}) {
    for (const methods::Variant& variant : methods::Variants()) {
      INFO(variant.method << " in " << compute);
      auto outline = model::OutlineModel(config, "glassllm", compute);
      REQUIRE(outline.ok());
      CHECK((*outline)->device().is_meta());
      auto real = methods::LoadTestModel(compute);
      auto of_outline = methods::MakeMethod(variant.method, variant.options);
      auto of_real = methods::MakeMethod(variant.method, variant.options);
      const absl::Status attached = of_outline->Attach(**outline);
      INFO(attached.ToString());
      REQUIRE(attached.ok());
      REQUIRE(of_real->Attach(*real).ok());
      CheckSame(**outline, *real, *of_outline, *of_real);
    }
  }
}

TEST_CASE("an encoder's outline takes the head of its tasks",
          "[measure][outline]") {
  const support::TempDir folder;
  const std::string path =
      support::MakeTinyEncoder((folder.path() / "bert").string());
  const model::ModelConfig config = ConfigOfFolder(path);
  for (const char* method : {"full", "lora"}) {
    INFO(method);
    auto outline = model::OutlineModel(config, "bert", at::kFloat);
    REQUIRE(outline.ok());
    const auto where = model::LocateModel(path, "");
    REQUIRE(where.ok());
    auto real = model::LoadModel(*where, {});
    REQUIRE(real.ok());
    for (model::Model* m : {outline->get(), real->get()}) {
      REQUIRE(m->SetHead(HeadKind::kSequence, 3, /*seed=*/1).ok());
      m->SetLabelNames({"c", "a", "b"}, 1);
    }
    auto of_outline = methods::MakeMethod(method, {});
    auto of_real = methods::MakeMethod(method, {});
    REQUIRE(of_outline->Attach(**outline).ok());
    REQUIRE(of_real->Attach(**real).ok());
    CheckSame(**outline, **real, *of_outline, *of_real);
  }
}

}  // namespace
}  // namespace sft::measure::outline_test
