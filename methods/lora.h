// LoRA (arXiv 2106.09685): W stays, s B A is learnt, s = alpha / r, B = 0 at
// the start and A Kaiming-uniform with a = sqrt(5), that is
// U(-1/sqrt(I), 1/sqrt(I)). Options: rank-stabilized scale alpha / sqrt(r)
// (rsLoRA, 2312.03732), DoRA (2402.09353), a larger learning rate for B
// (LoRA+, 2402.12354), initial factors out of W's singular values (PiSSA,
// 2404.02948). The head of an encoder is trained besides, dense.
#ifndef METHODS_LORA_H_
#define METHODS_LORA_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/train/method.h"
#include "methods/lora_linear.h"

namespace sft::methods {

struct LoraOptions {
  int64_t rank = 16;
  double alpha = 32;
  double dropout = 0;
  std::vector<std::string> targets = {"all-linear"};
  bool rslora = false;
  bool dora = false;
  double lora_plus_ratio = 1;
  std::string init = "kaiming";

  template <class V>
  void VisitFields(V& v) {
    v("lora.rank", rank, Limits{1, 65536, {}}, "rank r of B A");
    v("lora.alpha", alpha, Limits{1e-6, 1e6, {}}, "scale is alpha / r");
    v("lora.dropout", dropout, Limits{0, 0.95, {}},
      "share of the adapter's inputs dropped in training");
    v("lora.targets", targets, Limits{},
      "all-linear, or a list of q_proj, k_proj, v_proj, o_proj, gate_proj, "
      "up_proj, down_proj, qkv_proj (one map for all three), pooler");
    v("lora.rslora", rslora, Limits{}, "scale is alpha / sqrt(r)");
    v("lora.dora", dora, Limits{}, "learn a magnitude a row besides");
    v("lora.lora_plus_ratio", lora_plus_ratio, Limits{1e-3, 1e4, {}},
      "learning rate of B over that of A");
    v("lora.init", init, Limits{.choices = {"kaiming", "pissa"}},
      "random A and B = 0, or W's first singular values");
  }

  double scale() const;  // s
};

class LoraMethod : public train::UpdateMethod {
 public:
  LoraMethod(LoraOptions options, int64_t seed);

  absl::Status Attach(model::Model& model) override;
  absl::Status BeginRound(int64_t round) override;
  std::vector<train::TrainableParameter> TrainableParameters() override;
  absl::Status Merge() override;
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
  };

  // What takes the place of a slot's dense base; here: the same, frozen.
  virtual std::unique_ptr<model::LinearMap> FreezeBase(
      const model::LinearSlot& slot, std::unique_ptr<model::LinearMap> dense);
  // Called for every adapter before it is folded in.
  virtual void BeforeMerge(const LoraLinear&) {}

  model::Model* model_ = nullptr;
  std::vector<Attached> attached_;

 private:
  LoraFactors DrawFactors(const model::LinearSlot& slot,
                          const at::Tensor& weight_OI) const;

  LoraOptions options_;
  int64_t seed_;
  bool merged_ = false;
};

// The slots that `targets` name; an error names what fits nothing. The head is
// no target.
absl::StatusOr<std::vector<size_t>> TargetSlots(
    model::Model& model, const std::vector<std::string>& targets);

// No dense tensor of the model asks for a gradient any more.
void FreezeParameters(model::Model& model);

// The map of a slot as a dense one in its master dtype.
std::unique_ptr<model::LinearMap> Densify(const model::LinearMap& map,
                                          at::ScalarType compute);

}  // namespace sft::methods

#endif  // METHODS_LORA_H_
