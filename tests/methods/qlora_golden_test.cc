// QLoRA on the default model against bitsandbytes + PEFT: the bytes of a real
// matrix, and 20 steps of training.
#include <algorithm>
#include <cmath>

#include "harness/core/digest.h"
#include "harness/kernels/nf4/nf4_glue.h"
#include "tests/methods/methods_support.h"

namespace sft::methods::qlora_golden_test {
namespace {

using nlohmann::json;

constexpr char kModel[] = "smollm2-135m-instruct";

std::string ShaOf(const at::Tensor& t) {
  const at::Tensor c = t.contiguous();
  return Sha256Hex({static_cast<const char*>(c.data_ptr()), c.nbytes()});
}

// The rule of the golden file: A[r][c] from a counter, B = 0.
void SetInitialValues(train::UpdateMethod& method) {
  const at::NoGradGuard no_grad;
  uint64_t index = 0;
  for (train::TrainableParameter& p : method.TrainableParameters()) {
    if (p.name.find("lora_A") == std::string::npos) continue;
    float* values = p.tensor.data_ptr<float>();
    const double width = std::sqrt(static_cast<double>(p.tensor.size(1)));
    for (int64_t i = 0; i < p.tensor.numel(); ++i) {
      const uint64_t bits =
          SplitMix64((index << 32) + static_cast<uint64_t>(i));
      const double u = static_cast<double>(bits >> 11) * 0x1p-53;
      values[i] = static_cast<float>((2 * u - 1) / width);
    }
    ++index;
  }
}

// AdamW as its paper writes it (arXiv 1711.05101), one moment a tensor.
class PlainAdamW {
 public:
  void Step(std::vector<train::TrainableParameter> parameters, double rate) {
    const at::NoGradGuard no_grad;
    ++step_;
    double square = 0;
    for (train::TrainableParameter& p : parameters) {
      square += p.tensor.grad().square().sum().item<double>();
    }
    norm_ = std::sqrt(square);
    const double clip = std::min(1.0, 1.0 / (norm_ + 1e-6));
    const double c1 = 1 - std::pow(0.9, step_);
    const double c2 = 1 - std::pow(0.999, step_);
    for (train::TrainableParameter& p : parameters) {
      const at::Tensor grad = p.tensor.grad() * clip;
      auto& [m, v] = moments_[p.name];
      if (!m.defined()) {
        m = at::zeros_like(grad);
        v = at::zeros_like(grad);
      }
      m.mul_(0.9).add_(grad, 0.1);
      v.mul_(0.999).addcmul_(grad, grad, 0.001);
      p.tensor.mul_(1 - rate * 0.01);
      p.tensor.addcdiv_(m / c1, (v / c2).sqrt().add_(1e-8), -rate);
      p.tensor.mutable_grad().reset();
    }
  }
  double norm() const { return norm_; }

 private:
  double step_ = 0, norm_ = 0;
  std::map<std::string, std::pair<at::Tensor, at::Tensor>> moments_;
};

}  // namespace

TEST_CASE("NF4 of a real weight matrix equals bitsandbytes' bytes",
          "[methods][nf4][slow]") {
  const json golden = ReadGoldenJson("nf4.json")["real"];
  auto model = LoadTestModel(at::kFloat, kModel);
  for (const model::Parameter& p : model->Parameters()) {
    if (p.name != golden["tensor"].get<std::string>()) continue;
    REQUIRE(ShaOf(p.tensor.detach()) == golden["input_sha256"]);
    const kernels::Nf4Tensor once = kernels::QuantizeNf4(p.tensor, false);
    CHECK(ShaOf(once.codes) == golden["codes"]);
    CHECK(ShaOf(once.absmax) == golden["absmax"]);
    CHECK(ShaOf(kernels::DequantizeNf4(once, at::kFloat)) ==
          golden["dequant_sha256"]);
    const kernels::Nf4Tensor twice = kernels::QuantizeNf4(p.tensor, true);
    CHECK(ShaOf(twice.absmax_codes) == golden["double"]["absmax_codes"]);
    CHECK(ShaOf(kernels::DequantizeNf4(twice, at::kFloat)) ==
          golden["double"]["dequant_sha256"]);
    return;
  }
  FAIL("no such tensor");
}

TEST_CASE("20 steps of QLoRA follow bitsandbytes and PEFT within 1e-3",
          "[methods][qlora][slow]") {
  const json golden = ReadGoldenJson("qlora_trajectory.json");
  std::vector<Example> rows;
  std::vector<data::Piece> pieces;
  for (const json& row : golden["rows"]) {
    const auto index = static_cast<int64_t>(rows.size());
    Example& example = rows.emplace_back();
    example.row_id = index;
    example.input_ids = row["input_ids"].get<std::vector<int32_t>>();
    example.labels = row["labels"].get<std::vector<int32_t>>();
    pieces.push_back(
        {index, 0, static_cast<int64_t>(rows.back().input_ids.size())});
  }
  const auto batch = [&](size_t first) {
    return data::PaddedBatch(
        rows, {pieces.begin() + first, pieces.begin() + first + 4}, 0, 0);
  };
  auto model = LoadTestModel(at::kFloat, kModel);
  auto method = MakeMethod("qlora");
  REQUIRE(method->Attach(*model).ok());
  SetInitialValues(*method);
  const auto heldout = [&] {
    return LossOf(*model, batch(20)) /
           static_cast<double>(batch(20).target_tokens);
  };
  CHECK(heldout() ==
        Approx(golden["heldout_before"].get<double>()).epsilon(1e-3));
  PlainAdamW optimizer;
  double worst_loss = 0, worst_norm = 0;
  for (size_t step = 0; step < 20; ++step) {
    model::LossOutput out = model->SumLoss(batch(4 * (step % 5)));
    const at::Tensor loss =
        out.loss_sum.div(static_cast<double>(out.target_tokens));
    loss.backward();
    optimizer.Step(method->TrainableParameters(), 2e-4);
    const auto off = [step](double got, const json& wanted) {
      const double value = wanted[step].get<double>();
      return std::abs(got - value) / value;
    };
    worst_loss =
        std::max(worst_loss, off(loss.item<double>(), golden["losses"]));
    worst_norm =
        std::max(worst_norm, off(optimizer.norm(), golden["grad_norms"]));
  }
  CAPTURE(worst_loss, worst_norm);
  CHECK(worst_loss < 1e-3);
  CHECK(worst_norm < 1e-2);
  CHECK(heldout() ==
        Approx(golden["heldout_after"].get<double>()).epsilon(1e-3));
}

}  // namespace sft::methods::qlora_golden_test
