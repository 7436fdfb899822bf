// OFT (Qiu et al. 2023, arXiv 2306.07280): the maps stay, what they read is
// rotated in blocks (oft_linear.h). Parameters, block sizes, Cayley setting and
// folders are those of PEFT 0.21.2: Q = 0 at the start, so that R = I; by
// default use_cayley_neumann with 5 terms. A head that an encoder drew is
// trained besides, dense. Not here: COFT, shared blocks, dropout of blocks.
#ifndef METHODS_OFT_H_
#define METHODS_OFT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/train/method.h"
#include "methods/oft_linear.h"

namespace sft::methods {

struct OftOptions {
  int64_t block_size = 32;
  int64_t neumann_terms = 5;
  std::vector<std::string> targets = {"all-linear"};

  template <class V>
  void VisitFields(V& v) {
    v("oft.block_size", block_size, Limits{2, 65536, {}},
      "inputs that are rotated together; where it does not divide a map's "
      "inputs, the nearest number that does");
    v("oft.neumann_terms", neumann_terms, Limits{0, 64, {}},
      "terms of the Cayley-Neumann series, at least 4; 0 = exact");
    v("oft.targets", targets, Limits{},
      "all-linear, or a list of q_proj, k_proj, v_proj, o_proj, gate_proj, "
      "up_proj, down_proj, qkv_proj and gate_up_proj (one map for all), "
      "pooler; "
      "or as PEFT calls the model's maps: query_key_value, fc1, mlp.c_proj");
  }
};
// Between limits, too, some counts of terms are none.
absl::Status CheckOftOptions(const OftOptions& options);

class OftMethod : public train::UpdateMethod {
 public:
  OftMethod(OftOptions options, int64_t seed);

  absl::Status Attach(model::Model& model) override;
  bool ReadsMapByMap() const override { return true; }
  absl::Status BeginRound(int64_t) override { return absl::OkStatus(); }
  std::vector<train::TrainableParameter> TrainableParameters() override;
  absl::Status Merge() override;
  train::MethodReport Report() override;
  bool TrainsAdapter() const override { return true; }
  absl::Status WriteAdapter(const std::string& folder) override;

 private:
  struct Attached {
    size_t slot = 0;           // index in linear_slots()
    OftLinear* map = nullptr;  // owned by the slot
  };
  OftOptions options_;
  model::Model* model_ = nullptr;
  std::vector<Attached> attached_;
  bool merged_ = false;
};

}  // namespace sft::methods

#endif  // METHODS_OFT_H_
