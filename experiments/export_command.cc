#include "experiments/export_command.h"

#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/dequant.h"
#include "harness/launch/gguf_export.h"
#include "harness/launch/trained_run.h"
#include "harness/model/load/load.h"
#include "harness/model/load/stale_files.h"

namespace sft::experiments {
namespace {

namespace fs = std::filesystem;

struct ExportFlags {
  std::string run;
  std::string file;  // of --gguf
  std::string gguf;  // "": no --gguf
  std::string out = "results";
  bool merged = false;
  bool adapter = false;
  std::string dtype;  // "": the checkpoint's own
  bool force = false;
};

void DeclareExport(CLI::App& app, ExportFlags& flags) {
  app.add_option("RUN", flags.run,
                 "a record, DIR/runs/<run_id>.h5; with --gguf a model, too")
      ->required();
  app.add_option("FILE", flags.file, "the file of --gguf to write");
  app.add_flag("--merged", flags.merged, "export a whole model folder");
  app.add_flag("--adapter", flags.adapter, "export the PEFT adapter alone");
  app.add_option("--gguf", flags.gguf,
                 "write FILE for llama.cpp, its matrices of this type")
      ->type_name("TYPE")
      ->check(OneOf(formats::WritableTypes()));
  app.add_option("--out", flags.out, "the folder to write")->type_name("DIR");
  app.add_option("--dtype", flags.dtype,
                 "of the weights of --merged; without it the checkpoint's own")
      ->check(OneOf({"f32", "bf16", "f16"}));
  app.add_flag("--force", flags.force,
               "write into a folder that is not empty, or over FILE");
}

std::optional<at::ScalarType> ExportDtype(const std::string& name) {
  if (name == "f32") return at::kFloat;
  if (name == "bf16") return at::kBFloat16;
  if (name == "f16") return at::kHalf;
  return std::nullopt;
}

bool EndsIn(const std::string& name, const std::string& ending) {
  return name.size() > ending.size() && name.ends_with(ending);
}

absl::Status CheckGgufFlags(const ExportFlags& flags) {
  if (flags.merged || flags.adapter || !flags.dtype.empty()) {
    return absl::InvalidArgumentError(
        "sftbench export: --gguf goes without --merged, --adapter and --dtype");
  }
  if (!EndsIn(flags.file, ".gguf")) {
    return absl::InvalidArgumentError(absl::StrCat(
        "sftbench export: --gguf wants a FILE that ends in .gguf behind the "
        "run or model",
        flags.file.empty() ? "" : ", not ", flags.file));
  }
  if (IsFolder(flags.file)) return InputError(flags.file, "is a folder");
  if (FileExists(flags.file) && !flags.force) {
    return InputError(flags.file,
                      "is there already; name another file, or say --force");
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RunGguf(const ExportFlags& flags) {
  SFT_RETURN_IF_ERROR(CheckGgufFlags(flags));
  const formats::StorageType& type = *formats::FindWritableType(flags.gguf);
  launch::TrainedRun run;
  if (EndsIn(flags.run, ".h5")) {
    SFT_ASSIGN_OR_RETURN(run,
                         launch::OpenTrainedRun(TheWorkbench(), flags.run));
    SFT_RETURN_IF_ERROR(run.method->Merge());
  } else {
    SFT_ASSIGN_OR_RETURN(
        run.loaded.where,
        model::LocateModel(flags.run, TheWorkbench().folders.assets));
    SFT_ASSIGN_OR_RETURN(run.loaded.model,
                         model::LoadModel(run.loaded.where, {}));
  }
  const std::string folder = fs::path(flags.file).parent_path().string();
  if (!folder.empty()) SFT_RETURN_IF_ERROR(MakeFolders(folder));
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> notes,
                       launch::ExportGguf(*run.loaded.model, run.loaded.where,
                                          type, flags.file));
  for (const std::string& note : notes) {
    fprintf(stderr, "note: %s\n", note.c_str());
  }
  fprintf(stderr, "written: %s\n", flags.file.c_str());
  return kExitGood;
}

absl::StatusOr<int> RunExport(const ExportFlags& flags) {
  if (!flags.gguf.empty()) return RunGguf(flags);
  const bool adapter = flags.adapter;
  const std::string& out = flags.out;
  if (flags.merged == adapter || !flags.file.empty()) {
    return absl::InvalidArgumentError(
        "sftbench export: wants either --merged or --adapter with --out DIR, "
        "or --gguf TYPE with a FILE");
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
       .usage = "export RUN|MODEL --merged|--adapter --out DIR [--dtype D] | "
                "--gguf TYPE FILE [--force]",
       .summary = "A tuned model, or its adapter, as files others load.",
       .help = R"(
--merged writes a transformers folder, --adapter a PEFT one. Weights keep the
dtype of the checkpoint that was tuned, unless --dtype says otherwise. A folder
that is not empty wants --force, and keeps no weights, configuration or
tokenizer of an older model.
--gguf writes one file with its tokenizer for llama.cpp: of a run, its adapters
merged, or of any decoder by its name, folder or file. Matrices are of TYPE,
vectors f32.
  sftbench export results/demo/runs/ID.h5 --adapter --out out
  sftbench export results/demo/runs/ID.h5 --gguf q8_0 tuned.gguf
)"},
      DeclareExport, RunExport);
}

}  // namespace sft::experiments
