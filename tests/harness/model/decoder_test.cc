#include "harness/model/forward/decoder.h"

#include <torch/csrc/autograd/autograd.h>

#include "harness/model/ops/checkpoint.h"
#include "harness/model/ops/dense_linear.h"
#include "harness/model/ops/linear_product.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::decoder_test {
namespace {

using fake::RelativeError;

void RequireGradients(Model& model, bool on) {
  for (Parameter& p : model.Parameters()) p.tensor.requires_grad_(on);
}

std::map<std::string, at::Tensor> Gradients(Model& model, const Batch& batch) {
  for (Parameter& p : model.Parameters()) p.tensor.mutable_grad().reset();
  torch::autograd::backward({model.SumLoss(batch).loss_sum});
  std::map<std::string, at::Tensor> out;
  for (Parameter& p : model.Parameters()) {
    if (p.tensor.grad().defined()) out[p.name] = p.tensor.grad().clone();
  }
  return out;
}

// A low-rank map around another: what a method puts into a slot.
class AdapterMap : public LinearMap {
 public:
  AdapterMap(std::unique_ptr<LinearMap> base, int64_t in, int64_t out,
             at::ScalarType dtype)
      : base_(std::move(base)),
        a_RI_(at::randn({2, in}, dtype).mul_(0.1).requires_grad_(true)),
        b_OR_(at::randn({out, 2}, dtype).mul_(0.1).requires_grad_(true)) {}
  at::Tensor Forward(const at::Tensor& x, const PassState& pass) override {
    // Stands for dropout: what comes out depends on the pass.
    const double scale = 1.0 + 0.1 * static_cast<double>(pass.dropout_seed);
    return base_->Forward(x, pass).add(
        at::linear(at::linear(x, a_RI_), b_OR_).mul(scale));
  }
  at::Tensor DenseWeight() const override {
    return base_->DenseWeight().add(b_OR_.mm(a_RI_)).detach();
  }
  std::vector<MatrixShape> Matrices() const override { return {}; }
  std::vector<NamedTensor> Tensors() const override {
    return {{"lora_A.weight", a_RI_}, {"lora_B.weight", b_OR_}};
  }
  std::vector<std::pair<std::string, int64_t>> BytesByCategory()
      const override {
    return {};
  }

 private:
  std::unique_ptr<LinearMap> base_;
  at::Tensor a_RI_, b_OR_;
};

TEST_CASE("logits of the default model equal transformers'",
          "[model][decoder]") {
  auto model = fake::ListedModel("smollm2-135m-instruct");
  c10::NoGradGuard off;
  const nlohmann::json golden = fake::Golden("smollm2_logits.json");
  for (const nlohmann::json& prompt : golden["prompts"]) {
    const auto ids = prompt["ids"].get<std::vector<int64_t>>();
    const at::Tensor logits_TV =
        model->Logits(model->HiddenStates(fake::PaddedBatch({{ids, ids}}))[0]);
    const at::Tensor wide = logits_TV.to(at::kDouble);
    auto vector = [&](const char* key) {
      return at::tensor(prompt[key].get<std::vector<double>>());
    };
    std::vector<double> first16;
    for (const auto& row : prompt["first16"]) {
      for (double v : row) first16.push_back(v);
    }
    CHECK(at::equal(logits_TV.argmax(-1),
                    at::tensor(prompt["argmax"].get<std::vector<int64_t>>())));
    const double lse = RelativeError(wide.logsumexp(-1), vector("logsumexp"));
    const double sum = RelativeError(wide.sum(-1), vector("sum"));
    const double first =
        RelativeError(wide.narrow(1, 0, 16).reshape({-1}), at::tensor(first16));
    UNSCOPED_INFO("logsumexp " << lse << " sum " << sum << " first16 "
                               << first);
    CHECK(lse < 1e-5);
    CHECK(sum < 1e-4);
    CHECK(first < 1e-5);
  }
}

TEST_CASE("loss and gradients of glassllm equal transformers'",
          "[model][decoder]") {
  auto model = fake::ListedModel("glassllm");
  const nlohmann::json golden = fake::Golden("glassllm_gradients.json");
  std::vector<fake::Row> rows;
  for (const auto& row : golden["rows"]) {
    rows.push_back({row["ids"].get<std::vector<int64_t>>(),
                    row["labels"].get<std::vector<int64_t>>()});
  }
  RequireGradients(*model, true);
  for (const Batch& batch :
       {fake::PaddedBatch(rows), fake::PackedBatch(rows)}) {
    const double loss = model->SumLoss(batch).loss_sum.item<double>();
    CHECK(loss == Approx(golden["loss_sum"].get<double>()).epsilon(1e-6));
    auto gradients = Gradients(*model, batch);
    CHECK(gradients.size() == golden["gradient_norms"].size());
    for (const auto& [name, norm] : golden["gradient_norms"].items()) {
      INFO(name);
      REQUIRE(gradients.count(name) == 1);
      CHECK(gradients[name].to(at::kDouble).norm().item<double>() ==
            Approx(norm.get<double>()).epsilon(2e-5));
      const auto first8 =
          golden["gradient_first8"][name].get<std::vector<double>>();
      const double rms =
          norm.get<double>() /
          std::sqrt(static_cast<double>(gradients[name].numel()));
      CHECK(gradients[name]
                .reshape({-1})
                .narrow(0, 0, 8)
                .sub(at::tensor(first8))
                .abs()
                .max()
                .item<double>() < 1e-4 * rms + 1e-7);
    }
  }
}

TEST_CASE("padded and packed batches give the same loss and gradients",
          "[model][decoder]") {
  std::vector<std::unique_ptr<Model>> models;
  models.push_back(fake::TinyModel(at::kDouble));
  if (auto glass = fake::ListedModelIfHere("glassllm", at::kDouble)) {
    models.push_back(std::move(glass));
  }
  for (auto& model : models) {
    RequireGradients(*model, true);
    const auto rows =
        fake::RandomRows(model->info().vocabulary, {17, 5, 40, 2, 9});
    const Batch padded = fake::PaddedBatch(rows);
    const Batch packed = fake::PackedBatch(rows);
    const LossOutput a = model->SumLoss(padded), b = model->SumLoss(packed);
    CHECK(a.target_tokens == b.target_tokens);
    CHECK(RelativeError(a.loss_sum, b.loss_sum) < 1e-10);
    auto left = Gradients(*model, padded), right = Gradients(*model, packed);
    CHECK(left.size() == right.size());
    for (const auto& [name, gradient] : left) {
      INFO(name);
      CHECK(RelativeError(gradient, right.at(name)) < 1e-10);
    }
    // Rows apart give the same sum.
    double alone = 0;
    for (const fake::Row& row : rows) {
      alone += model->SumLoss(fake::PaddedBatch({row})).loss_sum.item<double>();
    }
    CHECK(alone == Approx(a.loss_sum.item<double>()).epsilon(1e-12));
  }
}

TEST_CASE("the loss is the cross-entropy of all logits at the targets",
          "[model][decoder]") {
  auto model = fake::TinyModel(at::kDouble);
  const auto rows = fake::RandomRows(32, {9, 4});
  const Batch batch = fake::PaddedBatch(rows);
  const at::Tensor logits = model->Logits(
      model->HiddenStates(batch).reshape({-1, model->info().width}));
  const at::Tensor wanted = at::cross_entropy_loss(
      logits.view({2, 9, 32}).narrow(1, 0, 8).reshape({-1, 32}),
      batch.labels_BT.narrow(1, 1, 8).reshape({-1}), {}, at::Reduction::Sum);
  CHECK(RelativeError(model->SumLoss(batch).loss_sum, wanted) < 1e-14);
}

TEST_CASE("parts of the logits are those of all, also once weights moved",
          "[model][decoder]") {
  for (at::ScalarType compute : {at::kFloat, at::kBFloat16, at::kDouble}) {
    auto model = fake::TinyModel(compute);
    const c10::NoGradGuard no_grad;
    const at::Tensor h_MD =
        at::randn({150, model->info().width},
                  compute == at::kDouble ? at::kDouble : at::kFloat);
    const double bound = compute == at::kBFloat16 ? 2e-2 : 1e-5;
    for (int i = 0; i < 2; ++i) {
      const at::Tensor all_MV = model->Logits(h_MD);
      const at::Tensor parts_MV = at::cat(
          {model->LogitsOf(h_MD, 0, 20), model->LogitsOf(h_MD, 20, 12)}, 1);
      CHECK(parts_MV.scalar_type() == all_MV.scalar_type());
      CHECK(RelativeError(parts_MV, all_MV) < bound);
      for (Parameter& p : model->Parameters()) p.tensor.mul_(1.5);
    }
  }
}

TEST_CASE("a batch without targets has loss zero", "[model][decoder]") {
  auto model = fake::TinyModel(at::kFloat);
  RequireGradients(*model, true);
  Batch batch = fake::PaddedBatch(fake::RandomRows(32, {5}));
  batch.labels_BT.fill_(kNoLoss);
  const LossOutput out = model->SumLoss(batch);
  CHECK(out.target_tokens == 0);
  CHECK(out.loss_sum.item<double>() == 0);
  torch::autograd::backward({out.loss_sum});
}

TEST_CASE("checkpointing changes no bit of loss or gradients",
          "[model][decoder]") {
  for (at::ScalarType compute : {at::kFloat, at::kDouble, at::kBFloat16}) {
    auto model = fake::TinyModel(compute);
    RequireGradients(*model, true);
    for (const Batch& batch :
         {fake::PaddedBatch(fake::RandomRows(32, {9, 4})),
          fake::PackedBatch(fake::RandomRows(32, {9, 4}))}) {
      model->SetActivationCheckpointing(false);
      const at::Tensor loss = model->SumLoss(batch).loss_sum;
      auto plain = Gradients(*model, batch);
      model->SetActivationCheckpointing(true);
      CHECK(at::equal(loss, model->SumLoss(batch).loss_sum));
      auto again = Gradients(*model, batch);
      REQUIRE(plain.size() == again.size());
      for (const auto& [name, gradient] : plain) {
        INFO(name);
        CHECK(at::equal(gradient, again.at(name)));
      }
    }
  }
}

TEST_CASE(
    "checkpointing reaches adapters above a frozen embedding, with the "
    "dropout of the first pass",
    "[model][decoder]") {
  auto model = fake::TinyModel(at::kFloat);
  at::manual_seed(11);
  for (LinearSlot& slot : model->linear_slots()) {
    slot.map = std::make_unique<AdapterMap>(
        std::move(slot.map), slot.in_features, slot.out_features, at::kFloat);
  }
  const Batch batch = fake::PaddedBatch(fake::RandomRows(32, {9, 4}));
  std::vector<std::vector<at::Tensor>> gradients;
  for (bool on : {false, true}) {
    model->SetActivationCheckpointing(on);
    model->pass_state().training = true;
    model->pass_state().dropout_seed = 3;
    const at::Tensor loss = model->SumLoss(batch).loss_sum;
    REQUIRE(loss.requires_grad());
    model->pass_state().dropout_seed = 8;  // of the next micro-batch
    torch::autograd::backward({loss});
    gradients.emplace_back();
    for (LinearSlot& slot : model->linear_slots()) {
      for (NamedTensor& named : slot.map->Tensors()) {
        REQUIRE(named.tensor.grad().defined());
        gradients.back().push_back(named.tensor.grad().clone());
        named.tensor.mutable_grad().reset();
      }
    }
  }
  REQUIRE(gradients[0].size() == 28);
  for (size_t i = 0; i < gradients[0].size(); ++i) {
    CHECK(at::equal(gradients[0][i], gradients[1][i]));
    CHECK(gradients[0][i].abs().max().item<float>() > 0);
  }
}

TEST_CASE("a slot without its dense map leaves the list of parameters",
          "[model][decoder]") {
  auto model = fake::TinyModel(at::kFloat);
  const size_t before = model->Parameters().size();
  CHECK(before == 1 + 2 * 9 + 2);
  LinearSlot& slot = model->linear_slots()[8];
  CHECK(slot.name == "model.layers.1.self_attn.k_proj");
  CHECK(slot.role == Role::kKey);
  slot.map = std::make_unique<AdapterMap>(std::move(slot.map), slot.in_features,
                                          slot.out_features, at::kFloat);
  CHECK(model->Parameters().size() == before - 1);
  CHECK(model->DenseState().size() == before);
}

TEST_CASE("a tied head is one leaf with the embedding", "[model][decoder]") {
  DecoderConfig config = fake::TinyConfig();
  config.tied_head = true;
  auto model = fake::TinyModel(at::kDouble, config);
  CHECK(model->Parameters().size() == 1 + 2 * 9 + 1);
  const Batch batch = fake::PaddedBatch(fake::RandomRows(32, {6}));
  at::Tensor embedding = model->Parameters()[0].tensor;
  embedding.requires_grad_(true);
  torch::autograd::backward({model->SumLoss(batch).loss_sum});
  // Against a difference quotient: both uses count.
  c10::NoGradGuard off;
  const int64_t token = batch.input_ids_BT[0][1].item<int64_t>();
  const double step = 1e-6;
  embedding[token][3] += step;
  const double up = model->SumLoss(batch).loss_sum.item<double>();
  embedding[token][3] -= 2 * step;
  const double down = model->SumLoss(batch).loss_sum.item<double>();
  CHECK(embedding.grad()[token][3].item<double>() ==
        Approx((up - down) / (2 * step)).epsilon(1e-6));
}

TEST_CASE("nothing is recorded where nothing is trained", "[model][decoder]") {
  auto model = fake::TinyModel(at::kFloat);
  const Batch batch = fake::PaddedBatch(fake::RandomRows(32, {6}));
  CHECK(!model->SumLoss(batch).loss_sum.requires_grad());
  for (const Parameter& p : model->Parameters()) {
    CHECK(p.tensor.is_leaf());
    CHECK(!p.tensor.requires_grad());
  }
}

TEST_CASE("a replaced attention is used", "[model][decoder]") {
  auto model = fake::TinyModel(at::kFloat);
  const Batch batch = fake::PaddedBatch(fake::RandomRows(32, {6}));
  const at::Tensor before = model->SumLoss(batch).loss_sum;
  int calls = 0;
  REQUIRE(model->attention_slots().size() == 2);
  for (AttentionSlot& slot : model->attention_slots()) {
    slot.attend = [inner = slot.attend, &calls](
                      const at::Tensor& q, const at::Tensor& k,
                      const at::Tensor& v, const Batch& b, double scale) {
      ++calls;
      CHECK(q.sizes() == at::IntArrayRef({1, 4, 6, 4}));
      CHECK(k.sizes() == at::IntArrayRef({1, 2, 6, 4}));
      return inner(q, k, v, b, scale);
    };
  }
  CHECK(at::equal(model->SumLoss(batch).loss_sum, before));
  CHECK(calls == 2);
}

TEST_CASE("bf16 follows f32", "[model][decoder]") {
  auto wide = fake::ListedModel("glassllm");
  auto narrow = fake::ListedModel("glassllm", at::kBFloat16);
  const Batch batch =
      fake::PaddedBatch(fake::RandomRows(wide->info().vocabulary, {60, 31}));
  RequireGradients(*wide, true);
  RequireGradients(*narrow, true);
  CHECK(RelativeError(narrow->SumLoss(batch).loss_sum,
                      wide->SumLoss(batch).loss_sum) < 5e-3);
  auto left = Gradients(*wide, batch), right = Gradients(*narrow, batch);
  for (const auto& [name, gradient] : left) {
    INFO(name);
    const double cosine =
        (gradient * right.at(name)).sum().item<double>() /
        (gradient.norm() * right.at(name).norm()).item<double>();
    CHECK(right.at(name).scalar_type() == at::kFloat);
    CHECK(cosine > 0.99);
  }
}

TEST_CASE("a bf16 product is the rounded product of rounded operands",
          "[model][linear]") {
  at::manual_seed(2);
  const auto options = at::TensorOptions().dtype(at::kBFloat16);
  const at::Tensor x = at::randn({2, 5, 48}, options).requires_grad_(true);
  const at::Tensor w = at::randn({7, 48}, options).requires_grad_(true);
  const at::Tensor b = at::randn({7}, options).requires_grad_(true);
  const at::Tensor y = LinearProduct(x, w, b);
  CHECK(y.scalar_type() == at::kBFloat16);
  const at::Tensor exact =
      at::linear(x.to(at::kDouble), w.to(at::kDouble), b.to(at::kDouble));
  CHECK(RelativeError(y, exact) < 3e-3);
  const at::Tensor g = at::randn({2, 5, 7}, options);
  torch::autograd::backward({y}, {g});
  const auto got = std::vector<at::Tensor>{x.grad().clone(), w.grad().clone(),
                                           b.grad().clone()};
  for (const at::Tensor& leaf : {x, w, b}) leaf.mutable_grad().reset();
  torch::autograd::backward({exact}, {g.to(at::kDouble)});
  CHECK(RelativeError(got[0], x.grad()) < 6e-3);
  CHECK(RelativeError(got[1], w.grad()) < 6e-3);
  CHECK(RelativeError(got[2], b.grad()) < 6e-3);
}

TEST_CASE("a frozen map is kept in the compute dtype", "[model][linear]") {
  DenseLinear map(at::ones({4, 6}), at::Tensor(), at::kBFloat16);
  map.FreezeInComputeDtype();
  CHECK(map.Tensors()[0].tensor.scalar_type() == at::kBFloat16);
  CHECK(map.BytesByCategory()[0].second == 48);
  CHECK(map.DenseWeight().scalar_type() == at::kFloat);
}

}  // namespace
}  // namespace sft::model::decoder_test
