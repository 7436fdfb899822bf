// LoRA (arXiv 2106.09685): W + s B A, W frozen, s = alpha / r; at the start
// B = 0, A ~ U(-1/sqrt(I), 1/sqrt(I)) (Kaiming, a = sqrt(5)). Options: rsLoRA's
// s = alpha / sqrt(r) (2312.03732), DoRA (2402.09353), LoRA+'s larger rate of B
// (2402.12354), PiSSA's factors out of W's SVD (2404.02948). An encoder's head
// is trained besides, dense. Between rounds the adapter goes on, is merged into
// W, or stays, frozen, under a new one.
#ifndef METHODS_LORA_H_
#define METHODS_LORA_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/train/method.h"
#include "methods/lora_linear.h"

namespace sft::methods {

struct LoraOptions {
  static constexpr std::string_view kLater[] = {"lora.between_rounds"};
  int64_t rank = 16;
  double alpha = 32;
  double dropout = 0;
  std::vector<std::string> targets = {"all-linear"};
  bool rslora = false;
  bool dora = false;
  double lora_plus_ratio = 1;
  std::string init = "kaiming";
  std::string between_rounds = "go_on";

  template <class V>
  void VisitFields(V& v) {
    v("lora.rank", rank, Limits{1, 65536, {}}, "rank r of B A");
    v("lora.alpha", alpha, Limits{1e-6, 1e6, {}}, "scale is alpha / r");
    v("lora.dropout", dropout, Limits{0, 0.95, {}},
      "share of the adapter's inputs dropped in training");
    v("lora.targets", targets, Limits{},
      "all-linear, or a list of q_proj, k_proj, v_proj, o_proj, gate_proj, "
      "up_proj, down_proj, qkv_proj and gate_up_proj (one map for all), "
      "pooler; "
      "or as PEFT calls the model's maps: query_key_value, fc1, mlp.c_proj");
    v("lora.rslora", rslora, Limits{}, "scale is alpha / sqrt(r)");
    v("lora.dora", dora, Limits{}, "learn a magnitude a row besides");
    v("lora.lora_plus_ratio", lora_plus_ratio, Limits{1e-3, 1e4, {}},
      "learning rate of B over that of A");
    v("lora.init", init, Limits{.choices = {"kaiming", "pissa"}},
      "random A and B = 0, or W's first singular values");
    v("lora.between_rounds", between_rounds,
      Limits{.choices = {"go_on", "merge", "stack"}},
      "with the next round's training: go on; merge (rounded as the base is "
      "stored) and begin anew; freeze, and stack a new one");
  }

  double scale() const;  // s
};

// What cannot be between rounds; `quantized`: of the base.
absl::Status CheckLoraRounds(const LoraOptions& options, bool quantized);

class LoraMethod : public train::UpdateMethod {
 public:
  LoraMethod(LoraOptions options, int64_t seed);

  absl::Status Attach(model::Model& model) override;
  bool ReadsMapByMap() const override { return true; }
  absl::Status BeginRound(int64_t round) override;
  std::vector<train::TrainableParameter> TrainableParameters() override;
  absl::Status Merge() override;
  // The round, where rounds differ.
  std::vector<NamedTensor> SaveState() override;
  absl::Status LoadState(const std::vector<NamedTensor>& state) override;
  absl::Status TakeUp() override;
  int64_t StateBytes() const override;
  train::MethodReport Report() override;
  // The scale of B A; of PiSSA, W + alpha s (B A - B0 A0). Not of DoRA.
  bool Rewind(const std::map<std::string, at::Tensor>& tuned,
              double alpha) override;
  bool TrainsAdapter() const override { return true; }
  absl::Status WriteAdapter(const std::string& folder) override;

 protected:
  struct Attached {
    size_t slot = 0;            // index in linear_slots()
    LoraLinear* map = nullptr;  // owned by the slot
    // PiSSA's initial factors, needed to write an adapter for the untouched W.
    at::Tensor initial_a_RI, initial_b_OR;
    // Of rounds before, merged into the base.
    std::vector<LoraFactors> earlier;
  };

  // What takes the place of a slot's dense base; here: the same, frozen.
  virtual std::unique_ptr<model::LinearMap> FreezeBase(
      const model::LinearSlot& slot, std::unique_ptr<model::LinearMap> dense);
  // Called for every adapter before it is folded in.
  virtual void BeforeMerge(const LoraLinear&) {}

  model::Model* model_ = nullptr;
  std::vector<Attached> attached_;

 private:
  // For the round: `weight_OI` in the master dtype.
  LoraFactors DrawFactors(const model::LinearSlot& slot,
                          const at::Tensor& weight_OI) const;
  void AddRound();
  void LeaveRound();
  // "" in the first round, then "round1.", ...: before the names of factors.
  std::string RoundLabel() const;
  // Those of all rounds as one pair of factors, s B A their sum.
  LoraFactors AllFactors(const Attached& attached) const;

  LoraOptions options_;
  int64_t seed_;
  int64_t round_ = 0;
  bool merged_ = false;
};

}  // namespace sft::methods

#endif  // METHODS_LORA_H_
