// All holds on every listed model and tiny checkpoint under every method; what
// is planted is found, and named.
#include <filesystem>

#include "harness/selfcheck/check.h"
#include "tests/harness/selfcheck/checked_settings.h"
#include "tests/harness/selfcheck/planted_faults.h"

namespace sft::selfcheck::selfcheck_test {
namespace {

constexpr char kTiny[] = "glassllm";

void CheckAllHold(const Setting& setting,
                  const std::vector<std::string>& names = {}) {
  for (const auto& [name, finding] : FindingsOf(setting, names)) {
    INFO(setting.config.model << ", " << setting.config.method << ", " << name
                              << ": " << finding.what);
    CHECK(finding.outcome != Outcome::kFail);
    CHECK_FALSE(finding.what.empty());
  }
}

std::vector<std::string> Folders(const std::string& kind) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(
           support::SourceDir() / "tests" / "golden" / kind)) {
    const std::string path = entry.path().string();
    if (std::filesystem::exists(path + "/model.safetensors")) {
      out.push_back(path);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Of a checkpoint without a tokenizer. Where angles depend on the length of a
// sequence, and these checkpoints' lengths end after a few tokens, keys stay as
// they were written: step by step is then another thing than a whole pass, as
// with transformers' cache.
std::vector<std::string> OfWeights(const std::string& folder) {
  std::vector<std::string> names = {"labels", "accumulation", "packing",
                                    "resume", "frozen",       "merge",
                                    "export", "evaluation"};
  if (folder.find("dynamic") == std::string::npos &&
      folder.find("longrope") == std::string::npos) {
    names.emplace_back("generation");
  }
  return names;
}

TEST_CASE("all holds on a small model under every method", "[selfcheck]") {
  methods::RequireModel(kTiny);
  for (const train::UpdateMethodRow& row : TestBench().methods.update) {
    CheckAllHold(SettingOf(ConfigFor(row, kTiny)));
  }
}

TEST_CASE("all holds under every way of batching and in every dtype",
          "[selfcheck]") {
  methods::RequireModel(kTiny);
  for (const std::string dtype : {"bf16", "f64"}) {
    for (const train::BatchingMethodRow& batching :
         TestBench().methods.batching) {
      for (const char* method : {"full", "qlora"}) {
        spec::RunConfig config = ConfigFor(MethodRow(method), kTiny);
        config.dtype = dtype;
        config.batching = batching.name;
        INFO(dtype << " " << batching.name);
        CheckAllHold(SettingOf(config));
      }
    }
  }
}

TEST_CASE("all holds on a tiny checkpoint of every family",
          "[selfcheck][families]") {
  methods::RequireModel(kTiny);
  for (const char* kind : {"decoders", "encoders"}) {
    for (const std::string& folder : Folders(kind)) {
      INFO(folder);
      CheckAllHold(SettingOfFolder(MethodRow("lora"), folder),
                   OfWeights(folder));
    }
  }
}

TEST_CASE("all holds on every family under methods in turn",
          "[selfcheck][families][slow]") {
  methods::RequireModel(kTiny);
  const auto& rows = TestBench().methods.update;
  size_t next = 0;  // three of the methods a family, in turn
  for (const char* kind : {"decoders", "encoders"}) {
    for (const std::string& folder : Folders(kind)) {
      for (int i = 0; i < 3; ++i) {
        const train::UpdateMethodRow& row = rows[next++ % rows.size()];
        INFO(folder);
        CheckAllHold(SettingOfFolder(row, folder), OfWeights(folder));
      }
    }
  }
}

TEST_CASE("all holds on the listed encoder under every method",
          "[selfcheck][slow]") {
  methods::RequireModel("minilm-l6");
  for (const train::UpdateMethodRow& row : TestBench().methods.update) {
    CheckAllHold(SettingOf(ConfigFor(row, "minilm-l6")));
  }
}

// Minutes a method: by hand, as '[listed]'.
TEST_CASE("all holds on the listed decoder under every method",
          "[selfcheck][listed][.]") {
  methods::RequireModel("smollm2-135m-instruct");
  for (const train::UpdateMethodRow& row : TestBench().methods.update) {
    CheckAllHold(SettingOf(ConfigFor(row, "smollm2-135m-instruct")));
  }
}

TEST_CASE("what a setting lacks is not asked of it", "[selfcheck]") {
  methods::RequireModel(kTiny);
  const auto findings =
      FindingsOf(SettingOf(ConfigFor(MethodRow(spec::kUntuned), kTiny)));
  for (const char* name : {"accumulation", "packing", "resume", "merge"}) {
    INFO(name);
    CHECK(findings.at(name).outcome == Outcome::kNotAsked);
  }
  CHECK(findings.at("frozen").outcome == Outcome::kPass);
  CHECK(findings.at("export").outcome == Outcome::kPass);
  // It has no template: there is nothing to equal.
  CHECK(findings.at("chat").outcome == Outcome::kNotAsked);
}

// The check of this name fails and says `part`; the other one passes.
void CheckFound(const Setting& setting, const std::string& name,
                const std::string& part, const std::string& unharmed) {
  const auto findings = FindingsOf(setting, {name, unharmed});
  INFO(name << ": " << findings.at(name).what);
  CHECK(findings.at(name).outcome == Outcome::kFail);
  CHECK_THAT(findings.at(name).what, Catch::Contains(part));
  INFO(unharmed << ": " << findings.at(unharmed).what);
  CHECK(findings.at(unharmed).outcome == Outcome::kPass);
}

// Rows with something done to each of them.
Setting WithRows(const std::function<void(Example&)>& spoil) {
  Setting setting = SettingOf(ConfigFor(MethodRow("full"), kTiny));
  setting.render = [good = setting.render, spoil](
                       const std::vector<data::Row>& rows,
                       const data::Task& task,
                       const data::RenderOptions& options)
      -> absl::StatusOr<data::RenderedRows> {
    SFT_ASSIGN_OR_RETURN(data::RenderedRows rendered,
                         good(rows, task, options));
    for (Example& example : rendered.examples) spoil(example);
    return rendered;
  };
  return setting;
}

TEST_CASE("a shifted label is found", "[selfcheck][faults]") {
  methods::RequireModel(kTiny);
  const Setting setting = WithRows([](Example& example) {
    for (size_t t = 0; t + 1 < example.labels.size(); ++t) {
      if (example.labels[t] != kNoLoss) {
        example.labels[t] = example.input_ids[t + 1];
      }
    }
  });
  CheckFound(setting, "labels", "the target at position", "accumulation");
}

TEST_CASE("a lost stop token is found", "[selfcheck][faults]") {
  methods::RequireModel(kTiny);
  const Setting setting =
      WithRows([](Example& example) { example.labels.back() = kNoLoss; });
  CheckFound(setting, "stop", "no token that ends an answer", "labels");
}

TEST_CASE("contaminated packing is found", "[selfcheck][faults]") {
  methods::RequireModel(kTiny);
  Setting setting = SettingOf(ConfigFor(MethodRow("full"), kTiny));
  setting.make_batching =
      [good = setting.make_batching](const spec::RunConfig& config)
      -> absl::StatusOr<std::unique_ptr<train::BatchingMethod>> {
    SFT_ASSIGN_OR_RETURN(auto batching, good(config));
    return std::make_unique<ContaminatedBatches>(std::move(batching));
  };
  CheckFound(setting, "packing", "the loss is off by", "accumulation");
}

TEST_CASE("a thawed weight is found", "[selfcheck][faults]") {
  methods::RequireModel(kTiny);
  Setting setting = SettingOf(ConfigFor(MethodRow("lora"), kTiny));
  setting.make_method = [good =
                             setting.make_method](const spec::RunConfig& config)
      -> absl::StatusOr<std::unique_ptr<train::UpdateMethod>> {
    SFT_ASSIGN_OR_RETURN(auto method, good(config));
    return std::make_unique<ThawedWeight>(std::move(method));
  };
  CheckFound(setting, "frozen", "model.norm.weight is not among", "labels");
}

TEST_CASE("a mean of means is found", "[selfcheck][faults]") {
  methods::RequireModel(kTiny);
  Setting setting = SettingOf(ConfigFor(MethodRow("full"), kTiny));
  const auto rows = ExamplesOf(setting);
  REQUIRE(rows.ok());
  double targets = 0;
  for (const Example& row : *rows) {
    targets += static_cast<double>(row.target_tokens());
  }
  setting.open =
      [good = setting.open, targets,
       rows = static_cast<double>(rows->size())](const spec::RunConfig& config)
      -> absl::StatusOr<std::unique_ptr<model::Model>> {
    SFT_ASSIGN_OR_RETURN(auto model, good(config));
    SFT_RETURN_IF_ERROR(model->ReadMaps());
    return std::make_unique<MeanOfMeans>(std::move(model), rows, targets);
  };
  CheckFound(setting, "accumulation", "1 a micro-batch: against one batch",
             "frozen");
}

}  // namespace
}  // namespace sft::selfcheck::selfcheck_test
