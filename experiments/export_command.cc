#include "experiments/export_command.h"

#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/launch/trained_run.h"
#include "harness/model/load/stale_files.h"

namespace sft::experiments {
namespace {

namespace fs = std::filesystem;

struct ExportFlags {
  std::string run;
  std::string out = "results";
  bool merged = false;
  bool adapter = false;
  std::string dtype;  // "": the checkpoint's own
  bool force = false;
};

void DeclareExport(CLI::App& app, ExportFlags& flags) {
  app.add_option("RUN", flags.run, "a record, DIR/runs/<run_id>.h5")
      ->required();
  app.add_flag("--merged", flags.merged, "export a whole model folder");
  app.add_flag("--adapter", flags.adapter, "export the PEFT adapter alone");
  app.add_option("--out", flags.out, "the folder to write")->type_name("DIR");
  app.add_option("--dtype", flags.dtype,
                 "of the weights of --merged; without it the checkpoint's own")
      ->check(OneOf({"f32", "bf16", "f16"}));
  app.add_flag("--force", flags.force, "write into a folder that is not empty");
}

std::optional<at::ScalarType> ExportDtype(const std::string& name) {
  if (name == "f32") return at::kFloat;
  if (name == "bf16") return at::kBFloat16;
  if (name == "f16") return at::kHalf;
  return std::nullopt;
}

absl::StatusOr<int> RunExport(const ExportFlags& flags) {
  const bool adapter = flags.adapter;
  const std::string& out = flags.out;
  if (flags.merged == adapter) {
    return absl::InvalidArgumentError(
        "sftbench export: wants either --merged or --adapter");
  }
  if (FileExists(out) && !IsFolder(out)) return InputError(out, "is a file");
  const auto dtype = ExportDtype(flags.dtype);
  if (adapter && dtype.has_value()) {
    return absl::InvalidArgumentError(
        "--dtype is for --merged: an adapter keeps the numbers it was trained "
        "in");
  }
  std::error_code error;
  if (!flags.force && IsFolder(out) && !fs::is_empty(out, error)) {
    return InputError(out,
                      "is not empty, and an export writes over no model; name "
                      "another folder, or say --force");
  }
  SFT_ASSIGN_OR_RETURN(launch::TrainedRun run,
                       launch::OpenTrainedRun(TheWorkbench(), flags.run));
  auto before = model::ModelFilesIn(out);
  // An adapter beside its own base leaves that whole.
  const std::string& base = run.loaded.where.folder;
  if (adapter && !base.empty() && fs::equivalent(base, out, error)) {
    before.clear();
  }
  if (adapter) {
    SFT_RETURN_IF_ERROR(run.method->WriteAdapter(out));
  } else {
    SFT_RETURN_IF_ERROR(run.method->Merge());
    SFT_RETURN_IF_ERROR(MakeFolders(out));
    SFT_RETURN_IF_ERROR(model::WriteModelFolder(*run.loaded.model, out, dtype));
    SFT_RETURN_IF_ERROR(launch::WriteTokenizerFiles(run.loaded, out));
  }
  SFT_RETURN_IF_ERROR(model::RemoveStaleFiles(out, before));
  fprintf(stderr, "written: %s\n", out.c_str());
  return kExitGood;
}

}  // namespace

Command ExportCommand() {
  return MakeCommand(
      {.name = "export",
       .usage = "export RUN --merged|--adapter --out DIR [--dtype D] [--force]",
       .summary = "A tuned model, or its adapter, as a folder others load.",
       .help = R"(
--merged writes a transformers folder, --adapter a PEFT one. Weights keep the
dtype of the checkpoint that was tuned, unless --dtype says otherwise. A folder
that is not empty wants --force, and keeps no weights, configuration or
tokenizer of an older model.
  sftbench export results/demo/runs/ID.h5 --adapter --out out
)"},
      DeclareExport, RunExport);
}

}  // namespace sft::experiments
