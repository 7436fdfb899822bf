// SSU (Yamaguchi et al., arXiv 2512.04844): before training a weight of a map
// is scored |W_oi| |X_i|, X_i its i-th input over all tokens of general rows
// (L2 norm; Wanda, 2306.11695; 1 without rows), a column i by the sum over o.
// The best share of each map's columns is frozen in all rounds, without decay;
// embeddings, norms, biases and heads are trained. I/O in/out features,
// F frozen.
#ifndef METHODS_SSU_H_
#define METHODS_SSU_H_

#include <cstdint>
#include <string>
#include <vector>

#include "methods/full.h"

namespace sft::methods {

struct SsuOptions {
  double frozen_share = 0.5;
  std::string calibration_from;
  int64_t calibration_rows = 500;

  template <class V>
  void VisitFields(V& v) {
    v("ssu.frozen_share", frozen_share, Limits{0, 1, {}},
      "share of each map's columns that is frozen");
    v("ssu.calibration_from", calibration_from, Limits{},
      "data set or text whose rows say which columns matter; needed");
    v("ssu.calibration_rows", calibration_rows, Limits{1, 1e9, {}},
      "of these a sample, or windows of the text");
  }
};

class SsuMethod : public FullMethod, public train::StepHook {
 public:
  SsuMethod(SsuOptions options, int64_t seed);

  absl::Status Attach(model::Model& model) override;
  absl::Status Calibrate(const std::vector<Example>& rows) override;
  train::StepHook* step_hook() override { return this; }
  void OnGradients() override;
  void Move(train::StepMoves& moves) override;
  // "<slot>.frozen", int64 [F], ascending.
  std::vector<NamedTensor> SaveState() override;
  absl::Status LoadState(const std::vector<NamedTensor>& state) override;
  int64_t StateBytes() const override;
  // Adds the share of weights that may move, and a digest of the columns.
  train::MethodReport Report() override;

 private:
  struct Shielded {
    size_t slot = 0;  // index in linear_slots()
    at::Tensor weight_OI;
    at::Tensor frozen_F;
  };
  // The columns with the largest scores; of equal ones the first.
  at::Tensor Best(const at::Tensor& weight_OI, const at::Tensor& norm_I) const;

  SsuOptions options_;
  std::vector<Shielded> shielded_;
};

}  // namespace sft::methods

#endif  // METHODS_SSU_H_
