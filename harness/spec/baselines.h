// Which run each run of a plan is compared with.
#ifndef HARNESS_SPEC_BASELINES_H_
#define HARNESS_SPEC_BASELINES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_plan.h"

namespace sft::spec {

class BaselineFinder {
 public:
  // Both outlive it. The plan has its runs.
  BaselineFinder(const ExperimentSpec& spec, const RunPlan& plan);

  // The id of the run that it is compared with, "" if there is none.
  std::string For(size_t index) const;
  // Every cell has one baseline: where several fit, `select` chooses among
  // them. Where cells were rejected, that of the baseline may be one of them.
  absl::Status Check() const;

 private:
  using Fields = std::map<std::string, std::string>;

  static std::vector<std::string> Values(const Fields& fields,
                                         const std::vector<std::string>& names);
  bool IsBaseline(const Fields& fields) const;
  // The candidates that fit a run equally well, none of a baseline itself.
  std::vector<size_t> Fitting(size_t index) const;
  bool IsOne(const std::vector<size_t>& fitting) const;
  // "method = lora, batching = packed".
  std::string Named(size_t index) const;
  // "learning_rate (1e-05, 3e-05)".
  std::string Differing(const std::vector<size_t>& fitting) const;
  absl::Status Refusal(const std::string& why) const;

  const ExperimentSpec& spec_;
  const RunPlan& plan_;
  std::vector<std::string> required_;
  std::vector<std::string> preferred_;
  std::vector<Fields> fields_;
  std::map<std::vector<std::string>, std::vector<size_t>> candidates_;
};

}  // namespace sft::spec

#endif  // HARNESS_SPEC_BASELINES_H_
