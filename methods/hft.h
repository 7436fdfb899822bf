// Half Fine-Tuning (arXiv 2404.18466, section 3.2): a round (a run, or a task
// of a sequence) trains half of the layers' weights, drawn at its start.
// `category` freezes 2 of a layer's {q,k,v,o}, 1 of {up,down,gate} (2 in half
// of the layers) and half its norms; 1 of encoders' {up,down}; a joined qkv,
// and o then, in half of the layers. `layer`: whole layers; `model`: any. What
// else there is is trained. Moments are dropped, or kept of what goes on.
#ifndef METHODS_HFT_H_
#define METHODS_HFT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/rng.h"
#include "harness/train/method.h"

namespace sft::methods {

struct HftOptions {
  static constexpr std::string_view kLater[] = {"hft.optimizer_state"};
  std::string granularity = "category";
  double trainable_ratio = 0.5;
  bool balanced = false;
  std::string optimizer_state = "drop";

  template <class V>
  void VisitFields(V& v) {
    v("hft.granularity", granularity,
      Limits{.choices = {"category", "layer", "model"}},
      "what is frozen as one: a matrix of each category, a layer, any matrix");
    v("hft.trainable_ratio", trainable_ratio, Limits{0, 1, {}},
      "share of the matrices that a round trains");
    v("hft.balanced", balanced, Limits{},
      "freeze as many of {q,o} as of {k,v}: equal weights under "
      "grouped-query attention");
    v("hft.optimizer_state", optimizer_state,
      Limits{.choices = {"drop", "keep"}},
      "at a new round: begin anew, or go on where a tensor stays in training");
  }
};

// Which of `parameters` a round trains, in their order (1 = trained).
std::vector<uint8_t> DrawHftMask(
    const std::vector<model::Parameter>& parameters, const HftOptions& options,
    Rng& rng);

class HftMethod : public train::UpdateMethod {
 public:
  HftMethod(HftOptions options, int64_t seed);

  absl::Status Attach(model::Model& model) override;
  absl::Status BeginRound(int64_t round) override;
  std::vector<train::TrainableParameter> TrainableParameters() override;
  absl::Status Merge() override { return absl::OkStatus(); }
  bool KeepsOptimizerState() const override {
    return options_.optimizer_state == "keep";
  }
  // One u8 tensor, "hft.mask", in the order of Model::Parameters(). Loading
  // one takes the place of the draw.
  std::vector<NamedTensor> SaveState() override;
  absl::Status LoadState(const std::vector<NamedTensor>& state) override;
  // Of the last round, and of each: digest of its mask, share, and what it
  // froze, a line a layer.
  train::MethodReport Report() override;

 private:
  void Apply();
  double TrainedShare();
  std::string MaskDigest();
  std::string FrozenList();

  HftOptions options_;
  int64_t seed_;
  int64_t round_ = 0;
  model::Model* model_ = nullptr;
  std::vector<uint8_t> mask_;
  train::MethodReport rounds_;  // of those that were begun
};

}  // namespace sft::methods

#endif  // METHODS_HFT_H_
