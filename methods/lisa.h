// LISA (Pan et al., arXiv 2403.17919, algorithm 1): every `interval` steps a
// few blocks are drawn anew, without replacement and each as likely; they and
// all that is outside of the blocks (embeddings, head, final norm) move, the
// other blocks are frozen. What the optimizer remembers of a block goes when it
// leaves; one that is drawn again at once goes on.
#ifndef METHODS_LISA_H_
#define METHODS_LISA_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "harness/train/method.h"

namespace sft::methods {

struct LisaOptions {
  int64_t layers = 2;
  int64_t interval = 20;

  template <class V>
  void VisitFields(V& v) {
    v("lisa.layers", layers, Limits{1, 65536, {}},
      "blocks that move at a time");
    v("lisa.interval", interval, Limits{1, 1e9, {}},
      "optimizer steps between two draws");
  }
};

class LisaMethod : public train::UpdateMethod {
 public:
  LisaMethod(const LisaOptions& options, int64_t seed)
      : options_(options), seed_(seed) {}

  absl::Status Attach(model::Model& model) override;
  absl::Status BeginRound(int64_t round) override;
  bool BeginStep(int64_t step) override;
  std::vector<train::TrainableParameter> TrainableParameters() override;
  std::vector<train::TrainableParameter> MovableParameters() override;
  absl::Status Merge() override { return absl::OkStatus(); }
  // "lisa.period", int64 [2]: the round, and the draw within it.
  std::vector<NamedTensor> SaveState() override;
  absl::Status LoadState(const std::vector<NamedTensor>& state) override;
  train::MethodReport Report() override;

 protected:
  // The blocks of a period of `interval` steps.
  virtual std::set<int64_t> DrawLayers(int64_t period);

 private:
  bool Moves(const model::Parameter& p) const {
    return p.layer < 0 || drawn_.contains(p.layer);
  }
  void BeginPeriod(int64_t period);

  LisaOptions options_;
  int64_t seed_;
  model::Model* model_ = nullptr;
  std::vector<int64_t> layers_;
  int64_t round_ = 0, period_ = 0;
  std::set<int64_t> drawn_;
};

}  // namespace sft::methods

#endif  // METHODS_LISA_H_
