#include "harness/launch/model_facts.h"

#include <map>
#include <utility>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/data/row_text.h"
#include "harness/model/forward/decoder.h"
#include "harness/spec/run_plan.h"
#include "harness/text/tokenizer_factory.h"
#include "harness/text/tokenizer_model.h"

namespace sft::launch {
namespace {

// Whether text has the ids of its parts, without any around it.
bool ReadsParts(const Tokenizer& tokenizer) {
  if (tokenizer.added_ids() != AddedIds()) return false;
  std::vector<int32_t> parts = tokenizer.Encode("a");
  for (int32_t id : tokenizer.Encode(" b")) parts.push_back(id);
  if (tokenizer.Encode("a b") != parts) return false;
  if (!tokenizer.has_chat_template()) return true;
  const auto frame = data::ChatText(tokenizer).Frame({{"user", "x"}});
  return !frame.ok() || frame->lead.empty();
}

}  // namespace

int64_t ModelFacts::vocabulary() const {
  return encoder() != nullptr ? encoder()->vocabulary : decoder()->vocabulary;
}

std::vector<model::SlotShape> ModelFacts::maps() const {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (model::ParameterShape& row :
       encoder() != nullptr ? model::EncoderParameters(*encoder())
                            : model::DecoderParameters(*decoder())) {
    shapes[row.name] = std::move(row.shape);
  }
  std::vector<model::SlotShape> maps;
  const auto add = [&](const std::string& name, model::Role role,
                       int64_t layer) {
    const auto it = shapes.find(model::WeightName(name));
    if (it == shapes.end() || it->second.size() != 2) return;
    maps.push_back({name, role, it->second[0], it->second[1], layer});
  };
  const auto add_layers = [&](const auto& layout, int64_t layers) {
    for (int64_t layer = 0; layer < layers; ++layer) {
      for (const auto& map : layout.maps) {
        add(layout.LayerName(layer, map.name), map.role, layer);
      }
    }
  };
  if (encoder() != nullptr) {
    add_layers(*encoder()->layout, encoder()->layers);
    if (encoder()->projects()) {
      add(std::string(encoder()->layout->projection), model::Role::kProjection,
          -1);
    }
    if (encoder()->pooler) {
      add(std::string(encoder()->layout->pooler), model::Role::kPooler, -1);
    }
  } else {
    add_layers(*decoder()->layout, decoder()->layers);
  }
  return maps;
}

int64_t ModelFacts::max_positions() const {
  if (encoder() != nullptr) return encoder()->max_positions();
  return decoder()->Reach();
}

bool ModelFacts::learned_positions() const {
  return encoder() != nullptr || !decoder()->layout->positions.empty();
}

absl::StatusOr<std::vector<std::string>> DigestsOfCell(
    const Workbench& bench, const ModelFacts& model,
    const spec::RunConfig& config) {
  SFT_ASSIGN_OR_RETURN(std::vector<std::string> digests,
                       bench.InputDigestsOf(config));
  if (model.encoder() == nullptr && !ReadsParts(*model.tokenizer)) {
    digests.push_back("joined text");
  }
  return digests;
}

absl::Status CheckRunId(const Workbench& bench, const ModelFacts& model,
                        const std::string& run_id,
                        const spec::RunConfig& config) {
  constexpr size_t kRunIdDigits = 16;
  if (run_id.size() != kRunIdDigits ||
      run_id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return absl::OkStatus();
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> digests,
                       DigestsOfCell(bench, model, config));
  if (spec::MakeRunId(config, digests) == run_id) return absl::OkStatus();
  return InputError(config.model,
                    "its files, or those of a data set, changed since the "
                    "sweep was planned; run the same command again");
}

absl::StatusOr<ModelFacts> ReadModelFacts(const std::string& name,
                                          const std::string& assets) {
  ModelFacts facts;
  SFT_ASSIGN_OR_RETURN(facts.where, model::LocateModel(name, assets));
  SFT_ASSIGN_OR_RETURN(facts.files, model::OpenWeights(facts.where));
  facts.config = facts.files->config();
  facts.tensors = facts.files->Check();
  SFT_ASSIGN_OR_RETURN(facts.tokenizer, LoadTokenizerOf(facts.where));
  return facts;
}

absl::StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizerOf(
    const model::ModelLocation& where) {
  if (where.file().empty()) {
    if (!FileExists(where.folder + "/tokenizer.json") &&
        text::TokenizerModelPath(where.folder).empty()) {
      return InputError(
          where.folder,
          "has no tokenizer.json, nor a tokenizer.model; transformers writes "
          "it from the tokenizer's "
          "other files: AutoTokenizer.from_pretrained(F).save_pretrained(F)");
    }
    return text::LoadTokenizerFromFolder(where.folder);
  }
  SFT_ASSIGN_OR_RETURN(formats::GgufTokenizerData data,
                       model::ReadFileTokenizer(where));
  return text::MakeTokenizerFromGguf(std::move(data), where.file());
}

}  // namespace sft::launch
