// Every encoder family and head against transformers: scores, losses and
// gradients of tiny random checkpoints (tests/golden/make_golden_encoders.py).
#include <cmath>
#include <filesystem>
#include <set>

#include "tests/harness/model/encoder_golden.h"

namespace sft::model::encoder_golden::encoders_test {

TEST_CASE("every row of the encoders' table has a checkpoint of transformers'",
          "[model][encoders]") {
  std::set<std::string> here;
  for (const std::string& family : Families()) {
    const auto config = EncoderConfigFromJson(
        family, fake::ReadBytes(FolderOf(family) + "/config.json"));
    REQUIRE(config.ok());
    here.insert(config->family);
  }
  for (const EncoderFamily& row : EncoderFamilies()) {
    CAPTURE(row.name);
    CHECK(here.count(std::string(row.name)) == 1);
  }
}

TEST_CASE("scores of every encoder and head equal transformers'",
          "[model][encoders]") {
  for (const std::string& family : Families()) {
    const json golden = ReadJson(FolderOf(family) + "/golden.json");
    for (const HeadCase& head : Heads()) {
      const support::TempDir dir("encoders");
      WriteFolderWithHead(dir.path().string(), family, head);
      const std::vector<Example> examples = Examples(golden, head.kind);
      const at::Tensor expected =
          ExpectedScores(golden["heads"][head.name], head.kind);
      for (const auto& [dtype, margin] :
           {std::pair(at::kFloat, 1e-5), std::pair(at::kDouble, 1e-9),
            std::pair(at::kBFloat16, 0.05)}) {
        auto model = Load(dir.path().string(), dtype);
        CHECK(model->is_encoder());
        CHECK(model->head() == head.kind);
        for (bool flat : {false, true}) {
          INFO(family << " " << head.name << " " << dtype
                      << (flat ? " flat" : " padded"));
          const at::Tensor scores =
              Scores(*model, BatchOf(examples, flat, PadOf(*model)));
          CHECK(scores.scalar_type() ==
                (dtype == at::kDouble ? at::kDouble : at::kFloat));
          CHECK(RelativeError(scores, expected) < margin);
        }
      }
    }
  }
}

TEST_CASE("losses and gradients of every encoder and head equal transformers'",
          "[model][encoders]") {
  for (const std::string& family : Families()) {
    const json golden = ReadJson(FolderOf(family) + "/golden.json");
    for (const HeadCase& head : Heads()) {
      const support::TempDir dir("encoders");
      WriteFolderWithHead(dir.path().string(), family, head);
      const json& expected = golden["heads"][head.name];
      const std::vector<Example> examples = Examples(golden, head.kind);
      int64_t targets = 0;
      for (const Example& e : examples) targets += e.target_tokens();
      for (const auto& [dtype, margin] :
           {std::pair(at::kFloat, 1e-4), std::pair(at::kDouble, 1e-8)}) {
        for (int way = 0; way < 4; ++way) {
          const bool flat = way % 2 == 1, recompute = way / 2 == 1;
          INFO(family << " " << head.name << " " << dtype
                      << (flat ? " flat" : "")
                      << (recompute ? " recomputed" : ""));
          auto model = Load(dir.path().string(), dtype);
          model->SetActivationCheckpointing(recompute);
          std::vector<Parameter> parameters = model->Parameters();
          for (Parameter& p : parameters) p.tensor.requires_grad_(true);
          const LossOutput loss =
              model->SumLoss(BatchOf(examples, flat, PadOf(*model)));
          CHECK(loss.target_tokens == targets);
          const at::Tensor mean =
              loss.loss_sum.div(static_cast<double>(targets));
          CHECK(mean.item<double>() ==
                Approx(expected["loss"].get<double>()).epsilon(margin));
          mean.backward();
          CHECK(parameters.size() == expected["gradients"].size());
          for (const Parameter& p : parameters) {
            INFO(p.name);
            REQUIRE(expected["gradients"].contains(p.name));
            const at::Tensor grad =
                p.tensor.grad().to(at::kDouble).reshape({-1});
            const at::Tensor wave =
                at::arange(grad.numel(), grad.options()).mul(0.37).cos();
            const double norm = expected["gradients"][p.name][0];
            const double sum = expected["gradients"][p.name][1];
            // A gradient that is zero by the algebra (of the key's bias) is
            // what rounding leaves.
            const double room = margin * std::max(norm, 1e-2);
            CHECK(std::abs(grad.norm().item<double>() - norm) < room);
            CHECK(std::abs(grad.dot(wave).item<double>() - sum) < 4 * room);
          }
        }
      }
    }
  }
}

TEST_CASE("an exported encoder loads with the same scores and config",
          "[model][encoders]") {
  for (const std::string& family : Families()) {
    const json golden = ReadJson(FolderOf(family) + "/golden.json");
    for (const HeadCase& head : Heads()) {
      INFO(family << " " << head.name);
      const support::TempDir dir("encoders");
      const std::string from = (dir.path() / "from").string();
      const std::string to = (dir.path() / "to").string();
      std::filesystem::create_directories(from);
      WriteFolderWithHead(from, family, head);
      auto model = Load(from);
      REQUIRE(WriteModelFolder(*model, to).ok());
      auto again = Load(to);
      CHECK(again->ConfigJson() == model->ConfigJson());
      CHECK(again->info().parameters == model->info().parameters);
      const Batch batch = BatchOf(Examples(golden, head.kind), false);
      CHECK(at::equal(Scores(*again, batch), Scores(*model, batch)));
      const json config = ReadJson(to + "/config.json");
      const json source = ReadJson(from + "/config.json");
      CHECK(config["architectures"] == source["architectures"]);
      CHECK(config["id2label"] == source["id2label"]);
      // Exactly the tensors of the source, by name.
      std::set<std::string> names, wanted;
      for (const NamedTensor& t : ReadTensors(to + "/model.safetensors")) {
        names.insert(t.name);
      }
      for (const NamedTensor& t : ReadTensors(from + "/model.safetensors")) {
        wanted.insert(t.name);
      }
      CHECK(names == wanted);
    }
  }
}

TEST_CASE("an encoder's weights are read from files of other heads and ages",
          "[model][encoders]") {
  const json golden = ReadJson(FolderOf("bert") + "/golden.json");
  const HeadCase& head = Heads()[0];
  const support::TempDir dir("encoders");
  WriteFolderWithHead(dir.path().string(), "bert", head);
  const Batch batch = BatchOf(Examples(golden, head.kind), false);
  const at::Tensor expected = Scores(*Load(dir.path().string()), batch);
  std::vector<NamedTensor> tensors = TensorsWithHead("bert", head);
  for (NamedTensor& t : tensors) {
    const size_t at = t.name.find("LayerNorm.");
    if (at == std::string::npos) continue;
    t.name = t.name.substr(0, at + 10) +
             (t.name.substr(at + 10) == "weight" ? "gamma" : "beta");
  }
  tensors.push_back({"bert.embeddings.position_ids", at::zeros({1, 40})});
  tensors.push_back({"cls.predictions.bias", at::zeros({96})});
  const std::string folder = dir.path().string();
  json config = ReadJson(folder + "/config.json");
  WriteFolder(folder, config, tensors);
  CHECK(at::equal(Scores(*Load(folder), batch), expected));
  // A class that is not known here has a backbone all the same.
  config["architectures"] = {"BertForMultipleChoice"};
  WriteFolder(folder, config, tensors);
  CHECK(Load(folder)->head() == HeadKind::kNextToken);
  config["architectures"] = {"BertForSequenceClassification"};
  config["problem_type"] = "ordinal_regression";
  WriteFolder(folder, config, tensors);
  CHECK(Load(folder)->head() == HeadKind::kNextToken);
  tensors.push_back({"bert.encoder.extra", at::zeros({2})});
  WriteFolder(folder, config, tensors);
  RequireOneLine(TryLoad(folder).status(), "bert.encoder.extra");
}

TEST_CASE("MiniLM's hidden states equal transformers'",
          "[model][encoders][minilm]") {
  auto model = fake::ListedModel("minilm-l6");
  CHECK(model->info().parameters == 22'713'216);
  const c10::NoGradGuard off;
  for (const json& c : fake::Golden("encoders/minilm.json")["cases"]) {
    Example e;
    e.head = HeadKind::kToken;
    e.input_ids = c["ids"].get<std::vector<int32_t>>();
    e.token_types = c["types"].get<std::vector<int32_t>>();
    e.labels.assign(e.input_ids.size(), kNoLoss);
    const at::Tensor x_TD = model->HiddenStates(BatchOf({e}, false))[0];
    for (const auto& [key, t] : {std::pair("first_token", int64_t{0}),
                                 std::pair("last_token", int64_t{-1})}) {
      const at::Tensor wanted =
          at::tensor(c[key].get<std::vector<double>>(), at::kDouble);
      CHECK(RelativeError(x_TD.select(0, t), wanted) < 1e-5);
    }
  }
}

}  // namespace sft::model::encoder_golden::encoders_test
