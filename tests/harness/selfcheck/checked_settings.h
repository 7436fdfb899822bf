// Settings of real and tiny models, and what is found of them.
#ifndef TESTS_HARNESS_SELFCHECK_CHECKED_SETTINGS_H_
#define TESTS_HARNESS_SELFCHECK_CHECKED_SETTINGS_H_

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datasets/registry.h"
#include "harness/launch/run_assembly.h"
#include "harness/selfcheck/check.h"
#include "methods/adapter_io.h"
#include "tests/methods/methods_support.h"

namespace sft::selfcheck {

inline const launch::Workbench& TestBench() {
  static const auto& bench = *[] {
    auto* made = new launch::Workbench();
    made->methods = methods::AllMethods();
    made->datasets = datasets::AllDatasets();
    made->folders.assets = support::AssetsDir().string();
    return made;
  }();
  return bench;
}

inline spec::RunConfig ConfigFor(const train::UpdateMethodRow& row,
                                 const std::string& model) {
  spec::RunConfig config;
  config.model = model;
  config.method = row.name;
  config.seed = 5;
  config.learning_rate = 1e-3;
  for (const FieldSpec& option : row.options) {
    config.method_options[option.name] = option.default_text;
  }
  return config;
}

inline const train::UpdateMethodRow& MethodRow(const std::string& name) {
  const train::UpdateMethodRow* row = TestBench().FindUpdateMethod(name);
  REQUIRE(row != nullptr);
  return *row;
}

inline Setting SettingOf(const spec::RunConfig& config) {
  absl::StatusOr<Setting> setting = MakeSetting(TestBench(), config);
  INFO(setting.status().ToString());
  REQUIRE(setting.ok());
  setting->read_adapter = methods::AttachAdapter;
  return *std::move(setting);
}

// A checkpoint without a tokenizer: random ids in the place of rows.
inline Setting SettingOfFolder(const train::UpdateMethodRow& row,
                               const std::string& folder) {
  Setting out = SettingOf(ConfigFor(row, "glassllm"));
  for (auto& [name, value] : out.config.method_options) {
    if (name.ends_with(".rank")) value = "4";  // a fourth of the width
    if (name.ends_with(".block_size")) value = "8";
  }
  auto where = model::LocateModel(folder, "");
  REQUIRE(where.ok());
  out.config.dtype = "f64";
  out.open = [where = *where](const spec::RunConfig& config)
      -> absl::StatusOr<std::unique_ptr<model::Model>> {
    SFT_ASSIGN_OR_RETURN(const model::ModelOptions options,
                         launch::ModelOptionsOf(config));
    return model::LoadModel(where, options);
  };
  const auto model = model::LoadModel(*where, {});
  REQUIRE(model.ok());
  const auto vocabulary = static_cast<uint64_t>((*model)->info().vocabulary);
  const bool encoder = (*model)->is_encoder();
  if (encoder) {
    out.head = HeadKind::kSequence;
    out.open = [good = out.open](const spec::RunConfig& config)
        -> absl::StatusOr<std::unique_ptr<model::Model>> {
      SFT_ASSIGN_OR_RETURN(auto encoder, good(config));
      SFT_RETURN_IF_ERROR(
          encoder->SetHead(HeadKind::kSequence, 2, config.seed));
      return encoder;
    };
  }
  out.render =
      [vocabulary, encoder](
          const std::vector<data::Row>&, const data::Task&,
          const data::RenderOptions&) -> absl::StatusOr<data::RenderedRows> {
    data::RenderedRows rendered;
    rendered.examples =
        methods::RandomExamples({9, 14, 6, 11, 5, 17, 8, 12}, 7, vocabulary);
    for (Example& example : rendered.examples) {
      if (!encoder) continue;
      example.head = HeadKind::kSequence;
      std::fill(example.labels.begin(), example.labels.end(), kNoLoss);
      example.labels[0] = static_cast<int32_t>(example.row_id % 2);
    }
    return rendered;
  };
  return out;
}

// By the name of the check.
inline std::map<std::string, Finding> FindingsOf(
    const Setting& setting, const std::vector<std::string>& names = {}) {
  std::map<std::string, Finding> out;
  for (const Check& check : AllChecks()) {
    if (!names.empty() &&
        std::find(names.begin(), names.end(), check.name) == names.end()) {
      continue;
    }
    const absl::StatusOr<Finding> finding = check.run(setting);
    out[check.name] = finding.ok()
                          ? *finding
                          : Finding::Fail(ToStd(finding.status().message()));
  }
  return out;
}

}  // namespace sft::selfcheck

#endif  // TESTS_HARNESS_SELFCHECK_CHECKED_SETTINGS_H_
