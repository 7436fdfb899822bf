#include "harness/analysis/observations.h"

#include "absl/strings/str_cat.h"

namespace sft::analysis {

std::vector<Observation> ObservationsOf(const CollectedRun& run) {
  std::vector<Observation> all;
  if (!run.record.has_value()) return all;
  const record::RunRecord& record = *run.record;
  for (const EvalRecord& eval : record.evals) {
    for (const MetricRecord& metric : eval.metrics) {
      Observation one;
      one.kind = "metric";
      one.task = eval.task;
      one.split = eval.split;
      one.round = eval.round;
      one.point = eval.point;
      one.name = metric.name;
      one.unit = metric.unit;
      one.signature = metric.signature;
      one.higher_is_better = metric.higher_is_better;
      one.is_primary = &metric == &eval.metrics[0];
      one.n_items = static_cast<int64_t>(metric.items.size());
      one.value = metric.value;
      all.push_back(std::move(one));
    }
  }
  for (const auto& [name, value] : record.forgetting) {
    Observation one;
    one.kind = "forgetting";
    const size_t slash = name.rfind('/');
    if (slash != name.npos) one.task = name.substr(0, slash);
    one.name = slash == name.npos ? name : name.substr(slash + 1);
    one.value = value;
    all.push_back(std::move(one));
  }
  const auto add = [&all](const char* kind, const auto& values) {
    for (const auto& [name, value] : values) {
      Observation one;
      one.kind = kind;
      one.name = name;
      one.value = static_cast<double>(value);
      all.push_back(std::move(one));
    }
  };
  add("fact", record.facts);
  add("measured", record.measured);
  add("predicted_bytes", record.memory.predicted_bytes);
  add("measured_bytes", record.memory.measured_bytes);
  return all;
}

std::map<std::string, std::string> AxesOfRun(const CollectedRun& run) {
  const spec::RunConfig& config = run.planned.config;
  if (config.method == spec::kUntuned) {
    std::map<std::string, std::string> axes = run.planned.axes;
    axes["method"] = config.method;
    axes["model"] = config.model;
    axes.erase("batching");
    axes.erase("seed");
    return axes;
  }
  std::map<std::string, std::string> axes = spec::ConfigFields(config);
  for (const auto& [name, value] : run.planned.axes) axes[name] = value;
  axes["method"] = config.method;
  axes["batching"] = config.batching;
  axes["seed"] = absl::StrCat(config.seed);
  return axes;
}

}  // namespace sft::analysis
