// selfcheck: what a paper's reader would want to know of a setting holds on the
// user's own model and spec.
#include <ATen/Parallel.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "experiments/command_line.h"
#include "experiments/planned_sweep.h"
#include "harness/core/status.h"
#include "harness/selfcheck/check.h"
#include "methods/adapter_io.h"

namespace sft::experiments {
namespace {

struct SelfcheckFlags {
  std::string model, spec;
  std::vector<std::string> methods;
  std::string dtype = "f32";
  std::string device = "cpu";
  int64_t threads = spec::RunConfig().threads;
  bool json = false;
};

void DeclareSelfcheck(CLI::App& app, SelfcheckFlags& flags) {
  app.add_option("MODEL", flags.model,
                 "a folder, a .gguf file, or a name of 'list models'")
      ->required();
  app.add_option("SPEC", flags.spec,
                 "whose rows, methods and options; without it a few made-up "
                 "rows");
  AddList(app, "--methods", flags.methods,
          "of 'list methods', by commas, or all; without a spec only")
      ->type_name("M,M");
  app.add_option("--dtype", flags.dtype,
                 "what is computed in; the spec's own "
                 "where there is one")
      ->check(ValuesOf<spec::RunConfig>("dtype"));
  app.add_option("--device", flags.device, "likewise, where it runs")
      ->check(ValuesOf<spec::RunConfig>("device"));
  app.add_option("--threads", flags.threads, "CPU threads")
      ->transform(ValuesOf<spec::RunConfig>("threads"));
  app.add_flag("--json", flags.json, "print JSON");
}

// What a check's result can depend on, of a cell.
std::string PartOf(const spec::RunConfig& config) {
  std::vector<std::string> parts = {
      config.method,      config.batching, config.dtype,   config.device,
      config.prompt_form, config.bos,      config.loss_on, config.optimizer};
  parts.push_back(config.train.empty() ? "" : config.train.front());
  for (const auto& [name, value] : config.method_options) {
    parts.push_back(absl::StrCat(name, "=", value));
  }
  return absl::StrJoin(parts, "\n");
}

absl::StatusOr<std::vector<spec::RunConfig>> ConfigsOf(
    const SelfcheckFlags& flags) {
  std::vector<spec::RunConfig> configs;
  if (!flags.spec.empty()) {
    if (!flags.methods.empty()) {
      return absl::InvalidArgumentError(
          "--methods is for a check without a spec, which names its own");
    }
    SFT_ASSIGN_OR_RETURN(const launch::CheckedPlan checked,
                         PlanOfSpec(flags.spec, launch::PlanDepth::kHeaders));
    std::set<std::string> known;
    for (const spec::PlannedRun& run : checked.plan.runs) {
      if (run.config.method == spec::kUntuned) continue;
      if (!known.insert(PartOf(run.config)).second) continue;
      configs.push_back(run.config);
    }
  } else {
    spec::RunConfig config;
    config.dtype = flags.dtype;
    config.device = flags.device;
    std::vector<std::string> names = flags.methods;
    if (names.empty()) names = {config.method};
    if (names == std::vector<std::string>{"all"}) {
      names.clear();
      for (const auto& row : TheWorkbench().methods.update) {
        if (row.name != spec::kUntuned) names.push_back(row.name);
      }
    }
    for (const std::string& name : names) {
      config.method = name;
      configs.push_back(config);
    }
  }
  for (spec::RunConfig& config : configs) {
    config.model = flags.model;
    config.threads = flags.threads;
  }
  return configs;
}

// "lora, packed, bf16"
std::string NameOf(const spec::RunConfig& config) {
  return absl::StrJoin({config.method, config.batching, config.dtype}, ", ");
}

struct CheckedSetting {
  spec::RunConfig config;
  selfcheck::Setting setting;
  std::vector<selfcheck::CheckedRow> rows;
};

void PrintTable(const std::vector<CheckedSetting>& checked) {
  std::vector<std::vector<std::string>> rows = {
      {"setting", "check", "result", "found"}};
  for (const CheckedSetting& one : checked) {
    for (const selfcheck::CheckedRow& row : one.rows) {
      rows.push_back({NameOf(one.config), row.check,
                      std::string(OutcomeName(row.finding.outcome)),
                      row.finding.what});
    }
  }
  PrintColumns(rows);
}

void PrintJson(const SelfcheckFlags& flags,
               const std::vector<CheckedSetting>& checked, bool all_hold) {
  nlohmann::ordered_json out;
  out["model"] = flags.model;
  out["model_sha256"] = checked.front().setting.model_sha256;
  out["tokenizer_sha256"] = checked.front().setting.tokenizer->digest();
  out["spec"] = flags.spec;
  for (const auto& [name, value] : TheWorkbench().build) {
    out["build"][name] = value;
  }
  out["all_hold"] = all_hold;
  out["settings"] = nlohmann::ordered_json::array();
  for (const CheckedSetting& one : checked) {
    nlohmann::ordered_json setting = {{"method", one.config.method},
                                      {"batching", one.config.batching},
                                      {"dtype", one.config.dtype},
                                      {"options", one.config.method_options},
                                      {"rows", one.setting.rows.size()},
                                      {"rows_of", one.setting.rows_of}};
    setting["checks"] = nlohmann::ordered_json::array();
    for (const selfcheck::CheckedRow& row : one.rows) {
      setting["checks"].push_back(
          {{"check", row.check},
           {"claim", row.claim},
           {"result", std::string(OutcomeName(row.finding.outcome))},
           {"found", row.finding.what},
           {"wall_seconds", row.wall_seconds}});
    }
    out["settings"].push_back(std::move(setting));
  }
  printf("%s\n", out.dump(1).c_str());
}

absl::StatusOr<int> RunSelfcheck(const SelfcheckFlags& flags) {
  at::set_num_threads(static_cast<int>(flags.threads));
  SFT_ASSIGN_OR_RETURN(const std::vector<spec::RunConfig> configs,
                       ConfigsOf(flags));
  if (configs.empty()) {
    return InputError(flags.spec, "no cell of it trains anything");
  }
  std::vector<CheckedSetting> checked;
  bool all_hold = true;
  for (const spec::RunConfig& config : configs) {
    CheckedSetting one;
    one.config = config;
    SFT_ASSIGN_OR_RETURN(one.setting,
                         selfcheck::MakeSetting(TheWorkbench(), config));
    one.setting.read_adapter = methods::AttachAdapter;
    one.rows = selfcheck::RunChecks(one.setting, [&](const std::string& check) {
      fprintf(stderr, "%s: %s\n", NameOf(config).c_str(), check.c_str());
    });
    all_hold = all_hold && selfcheck::AllHold(one.rows);
    checked.push_back(std::move(one));
  }
  if (flags.json) {
    PrintJson(flags, checked, all_hold);
  } else {
    PrintTable(checked);
  }
  return all_hold ? kExitGood : kExitRunFailed;
}

}  // namespace

std::vector<Command> SelfcheckCommands() {
  return {MakeCommand(
      {.name = "selfcheck",
       .usage = "selfcheck MODEL [SPEC] [--methods M,M|all] [--json]",
       .summary = "What must hold of your model and spec, checked on them.",
       .help = R"(
A table to attach to a paper: on this model, with a few short rows, an
accumulated step is that of one batch, packing changes nothing, a resumed run
has the bits of an uninterrupted one, frozen weights do not move, merging and
exporting change no answer, tokens come back as text, a row begins once and
ends with a token that is in the loss, a conversation is the model's template.
With a spec: for each of its methods, batches and options, on its first
training set. Takes some minutes a method for 135M parameters on two cores, and
four times the disk of the weights in the temporary folder meanwhile.
  sftbench selfcheck smollm2-135m-instruct
  sftbench selfcheck /models/mine spec.yaml --json > selfcheck.json
)",
       .exit_status = "0 all holds, 1 something fails, 2 bad usage or input"},
      DeclareSelfcheck, RunSelfcheck)};
}

}  // namespace sft::experiments
