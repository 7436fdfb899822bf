#include "experiments/model_flags.h"

#include "harness/core/status.h"
#include "methods/adapter_io.h"

namespace sft::experiments {

void DeclareModel(CLI::App& app, ModelFlags& flags) {
  app.add_option("MODEL", flags.model,
                 "a folder, a .gguf file, or a name of 'list models'")
      ->required();
}

void DeclareBos(CLI::App& app, ModelFlags& flags) {
  app.add_option("--bos", flags.bos,
                 "the token that begins a text; auto: as the tokenizer "
                 "prescribes")
      ->check(ValuesOf<spec::RunConfig>("bos"));
}

void DeclareLoading(CLI::App& app, ModelFlags& flags) {
  app.add_option("--adapter", flags.adapter, "a PEFT adapter to put on")
      ->type_name("DIR");
  app.add_option("--dtype", flags.dtype, "what it is computed in")
      ->check(ValuesOf<spec::RunConfig>("dtype"));
  app.add_option("--device", flags.device, "where it runs")
      ->check(ValuesOf<spec::RunConfig>("device"));
}

spec::RunConfig ConfigOfFlags(const ModelFlags& flags) {
  spec::RunConfig config;
  config.dtype = flags.dtype;
  config.device = flags.device;
  config.bos = flags.bos;
  return config;
}

absl::StatusOr<launch::LoadedModel> LoadFromFlags(const ModelFlags& flags) {
  spec::RunConfig config = ConfigOfFlags(flags);
  config.model = flags.model;
  SFT_ASSIGN_OR_RETURN(launch::LoadedModel loaded,
                       launch::LoadModelOf(TheWorkbench(), config));
  if (!flags.adapter.empty()) {
    SFT_RETURN_IF_ERROR(methods::AttachAdapter(*loaded.model, flags.adapter));
  }
  return loaded;
}

absl::StatusOr<launch::LoadedModel> LoadWithoutTokenizer(
    const ModelFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const model::ModelOptions options,
                       launch::ModelOptionsOf(ConfigOfFlags(flags)));
  launch::LoadedModel loaded;
  SFT_ASSIGN_OR_RETURN(
      loaded.where,
      model::LocateModel(flags.model, TheWorkbench().folders.assets));
  SFT_ASSIGN_OR_RETURN(loaded.model, model::LoadModel(loaded.where, options));
  if (!flags.adapter.empty()) {
    SFT_RETURN_IF_ERROR(methods::AttachAdapter(*loaded.model, flags.adapter));
  }
  return loaded;
}

absl::Status NeedsDecoder(const launch::LoadedModel& loaded,
                          const std::string& what) {
  if (!loaded.model->is_encoder()) return absl::OkStatus();
  return InputError(loaded.where.name,
                    absl::StrCat("is an encoder, and ", what,
                                 " wants a decoder, which predicts text"));
}

}  // namespace sft::experiments
