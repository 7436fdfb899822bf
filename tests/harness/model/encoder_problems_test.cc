// Heads of several labels and of a number against transformers: scores, losses,
// gradients (tests/golden/make_golden_values.py).
#include <cmath>

#include "tests/harness/model/encoder_golden.h"

namespace sft::model::encoder_golden::encoder_problems_test {
namespace {

struct Problem {
  std::string folder;
  HeadKind head;
  std::vector<Example> examples;
  std::vector<NamedTensor> of_head;
};

// A folder as transformers' class saves it, and its rows.
Problem ProblemOf(const json& c, size_t index, const std::string& folder) {
  Problem out;
  out.folder = folder;
  const std::string family = c["family"];
  out.head =
      c["problem"] == "regression" ? HeadKind::kValue : HeadKind::kLabels;
  const EncoderLayout& layout = *FindEncoderFamily(family)->layout;
  std::vector<NamedTensor> tensors;
  for (NamedTensor& t : ReadTensors(FolderOf(family) + "/model.safetensors")) {
    tensors.push_back({std::string(layout.root) + t.name, t.tensor});
  }
  const std::string prefix = std::to_string(index) + ".";
  for (NamedTensor& t : ReadTensors(FolderOf("problems.safetensors"))) {
    if (!t.name.starts_with(prefix)) continue;
    tensors.push_back({t.name.substr(prefix.size()), t.tensor});
  }
  json config = ReadJson(FolderOf(family) + "/config.json");
  config["architectures"] = {
      layout.FindHead(HeadKind::kSequence)->architecture};
  config["problem_type"] = c["problem"];
  json labels;
  for (size_t i = 0; i < c["rows"][0]["values"].size(); ++i) {
    labels[std::to_string(i)] = "LABEL_" + std::to_string(i);
  }
  config["id2label"] = labels;
  WriteFolder(folder, config, tensors);
  for (const json& row : c["rows"]) {
    Example& e = out.examples.emplace_back();
    e.head = out.head;
    e.input_ids = row["ids"].get<std::vector<int32_t>>();
    e.labels.assign(e.input_ids.size(), kNoLoss);
    e.labels[0] = 0;
    e.values = row["values"].get<std::vector<double>>();
  }
  return out;
}

}  // namespace

TEST_CASE("heads of labels and numbers equal transformers'",
          "[model][encoders][head]") {
  const json golden = ReadJson(FolderOf("problems.json"));
  REQUIRE(golden["cases"].size() == 6);
  for (size_t i = 0; i < golden["cases"].size(); ++i) {
    const json& c = golden["cases"][i];
    const support::TempDir dir("encoders");
    const Problem problem = ProblemOf(c, i, dir.path().string());
    for (const bool flat : {false, true}) {
      INFO(c["family"] << " " << c["problem"] << (flat ? " flat" : ""));
      auto model = Load(problem.folder, at::kDouble);
      CHECK(model->head() == problem.head);
      const int64_t outputs = std::ssize(problem.examples[0].values);
      REQUIRE(model->SetHead(problem.head, outputs, 1).ok());
      CHECK_FALSE(model->info().head_drawn);
      const Batch batch = BatchOf(problem.examples, flat, PadOf(*model));
      const at::Tensor scores = Scores(*model, batch);
      for (size_t r = 0; r < problem.examples.size(); ++r) {
        const at::Tensor wanted = at::tensor(
            c["rows"][r]["logits"].get<std::vector<double>>(), at::kDouble);
        CHECK(
            at::allclose(scores[static_cast<int64_t>(r)], wanted, 1e-8, 1e-9));
      }
      std::vector<Parameter> parameters = model->Parameters();
      for (Parameter& p : parameters) p.tensor.requires_grad_(true);
      const LossOutput loss = model->SumLoss(batch);
      CHECK(loss.target_tokens == 3);
      const at::Tensor mean = loss.loss_sum.div(3);
      CHECK(mean.item<double>() ==
            Approx(c["loss"].get<double>()).epsilon(1e-9));
      mean.backward();
      CHECK(parameters.size() == c["gradients"].size());
      for (const Parameter& p : parameters) {
        INFO(p.name);
        const at::Tensor grad = p.tensor.grad().reshape({-1});
        const at::Tensor wave =
            at::arange(grad.numel(), grad.options()).mul(0.37).cos();
        const double norm = c["gradients"][p.name][0];
        const double sum = c["gradients"][p.name][1];
        const double room = 1e-8 * std::max(norm, 1e-2);
        CHECK(std::abs(grad.norm().item<double>() - norm) < room);
        CHECK(std::abs(grad.dot(wave).item<double>() - sum) < 4 * room);
      }
    }
    // Written and read again it is the same head, by its problem_type.
    const support::TempDir other("encoders");
    auto model = Load(problem.folder);
    REQUIRE(WriteModelFolder(*model, other.path().string()).ok());
    auto again = Load(other.path().string());
    CHECK(again->head() == problem.head);
    CHECK(ReadJson(other.path().string() + "/config.json")["problem_type"] ==
          c["problem"]);
  }
}

TEST_CASE("a head of rows is another's but for what it was trained on",
          "[model][encoders][head]") {
  const support::TempDir dir("encoders");
  const std::string path = dir.path().string();
  WriteFolderWithHead(path, "roberta", Heads()[0]);
  const auto tensor = [](Model& model, const std::string& name) {
    for (const Parameter& p : model.Parameters()) {
      if (p.name == name) return p.tensor;
    }
    return at::Tensor();
  };
  auto classes = Load(path), labels = Load(path), kept = Load(path);
  REQUIRE(labels->SetHead(HeadKind::kLabels, 3, 1).ok());
  CHECK(labels->head() == HeadKind::kLabels);
  CHECK(labels->info().head_drawn);
  CHECK_FALSE(at::equal(tensor(*labels, "classifier.out_proj.weight"),
                        tensor(*classes, "classifier.out_proj.weight")));
  CHECK(at::equal(tensor(*labels, "classifier.dense.weight"),
                  tensor(*classes, "classifier.dense.weight")));
  // An adapter's does not say what it was trained on.
  kept->KeepHead();
  REQUIRE(kept->SetHead(HeadKind::kLabels, 3, 1).ok());
  CHECK(kept->head() == HeadKind::kLabels);
  CHECK(at::equal(tensor(*kept, "classifier.out_proj.weight"),
                  tensor(*classes, "classifier.out_proj.weight")));
  CHECK(kept->SetHead(HeadKind::kValue, 2, 1).code() ==
        absl::StatusCode::kInvalidArgument);
  // One output is a number, as in transformers.
  json config = ReadJson(path + "/config.json");
  config.erase("problem_type");
  config["id2label"] = {{"0", "LABEL_0"}};
  const auto read = EncoderConfigFromJson("x", config.dump());
  REQUIRE(read.ok());
  CHECK(read->head == HeadKind::kValue);
  config["problem_type"] = "regression";
  config["id2label"]["1"] = "b";
  RequireOneLine(EncoderConfigFromJson("x", config.dump()).status(),
                 "id2label");
}

}  // namespace sft::model::encoder_golden::encoder_problems_test
