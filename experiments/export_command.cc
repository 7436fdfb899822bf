#include "experiments/export_command.h"

#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/launch/trained_run.h"
#include "harness/model/load/stale_files.h"

ABSL_DECLARE_FLAG(std::string, out);
ABSL_DECLARE_FLAG(std::string, adapter);
ABSL_DECLARE_FLAG(std::string, dtype);
ABSL_FLAG(bool, merged, false, "export a whole model folder");
ABSL_FLAG(bool, force, false, "write into a folder that is not empty");

namespace sft::experiments {
namespace {

namespace fs = std::filesystem;

// nullopt: the checkpoint's own.
absl::StatusOr<std::optional<at::ScalarType>> ExportDtype() {
  const std::string name = absl::GetFlag(FLAGS_dtype);
  if (name.empty()) return std::optional<at::ScalarType>();
  if (name == "f32") return std::optional(at::kFloat);
  if (name == "bf16") return std::optional(at::kBFloat16);
  if (name == "f16") return std::optional(at::kHalf);
  return absl::InvalidArgumentError(
      absl::StrCat("--dtype = '", name, "': an export is f32, bf16 or f16"));
}

absl::StatusOr<int> RunExport(const std::vector<std::string>& words) {
  const bool merged = absl::GetFlag(FLAGS_merged);
  // --adapter names a folder for eval and generate; here it is a switch.
  const bool adapter = !absl::GetFlag(FLAGS_adapter).empty();
  const std::string out = absl::GetFlag(FLAGS_out);
  if (merged == adapter) {
    return absl::InvalidArgumentError(
        "sftbench export: wants either --merged or --adapter");
  }
  if (FileExists(out) && !IsFolder(out)) return InputError(out, "is a file");
  SFT_ASSIGN_OR_RETURN(const auto dtype, ExportDtype());
  if (adapter && dtype.has_value()) {
    return absl::InvalidArgumentError(
        "--dtype is for --merged: an adapter keeps the numbers it was trained "
        "in");
  }
  std::error_code error;
  if (!absl::GetFlag(FLAGS_force) && IsFolder(out) &&
      !fs::is_empty(out, error)) {
    return InputError(out,
                      "is not empty, and an export writes over no model; name "
                      "another folder, or say --force");
  }
  SFT_ASSIGN_OR_RETURN(launch::TrainedRun run,
                       launch::OpenTrainedRun(TheWorkbench(), words[0]));
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
  return {
      .name = "export",
      .usage = "export RUN --merged|--adapter --out DIR [--dtype D] [--force]",
      .summary = "A tuned model, or its adapter, as a folder others load.",
      .help =
          "RUN is a record, DIR/runs/<run_id>.h5. --merged writes a\n"
          "transformers folder, --adapter a PEFT one. Weights keep the dtype\n"
          "of the checkpoint that was tuned (--dtype f32, bf16 or f16\n"
          "says otherwise); a folder that is not empty wants --force, and\n"
          "keeps no weights, configuration or tokenizer of an older model.\n"
          "  sftbench export results/demo/runs/ID.h5 --adapter --out out",
      .flags = {"merged", "adapter", "out", "dtype", "force"},
      .switches = {"adapter"},
      .min_words = 1,
      .max_words = 1,
      .run = RunExport};
}

}  // namespace sft::experiments
