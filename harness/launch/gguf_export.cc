#include "harness/launch/gguf_export.h"

#include <filesystem>
#include <memory>
#include <utility>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/tokenizer.h"
#include "harness/formats/gguf.h"
#include "harness/formats/gguf_writer.h"
#include "harness/launch/model_facts.h"
#include "harness/model/load/gguf_out.h"
#include "harness/text/gguf_export.h"
#include "harness/text/tokenizer_model.h"

namespace sft::launch {
namespace {

constexpr char kTokenizerFile[] = "/tokenizer.json";

// What the file says of its name and tokenizer, bit for bit.
absl::StatusOr<formats::GgufKeys> KeysOfGguf(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const formats::GgufFile file,
                       formats::GgufFile::Open(path));
  formats::GgufKeys out;
  for (const auto& row : file.metadata()) {
    const std::string& key = row.first;
    if (key == "general.name" || key.starts_with("tokenizer.")) {
      out.Raw(key, file.RawValue(key));
    }
  }
  return out;
}

// The last part of the path.
std::string NameOf(const model::ModelLocation& where) {
  std::filesystem::path path =
      where.folder.empty() ? where.file() : where.folder;
  path = path.lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return path.filename().string();
}

// Of a model that is no GGUF file.
absl::StatusOr<formats::GgufKeys> TokenizerKeysOf(
    const model::ModelLocation& where, int64_t vocabulary,
    std::vector<std::string>& notes) {
  if (where.folder.empty()) {
    SFT_ASSIGN_OR_RETURN(const formats::GgufTokenizerData data,
                         model::ReadFileTokenizer(where));
    return formats::TokenizerKeys(data);
  }
  if (FileExists(where.folder + kTokenizerFile)) {
    SFT_ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer,
                         LoadTokenizerOf(where));
    SFT_ASSIGN_OR_RETURN(
        text::GgufTokenizerExport out,
        text::GgufTokenizerOfFolder(where.folder, *tokenizer, vocabulary));
    notes = std::move(out.notes);
    return formats::TokenizerKeys(out.data);
  }
  const std::string pieces = text::TokenizerModelPath(where.folder);
  if (!pieces.empty()) {
    return InputError(pieces,
                      "is exported from tokenizer.json alone, which the folder "
                      "lacks: AutoTokenizer.from_pretrained(F)"
                      ".save_pretrained(F) writes it");
  }
  formats::GgufKeys out;
  out.Text("tokenizer.ggml.model", "none");
  notes.push_back(absl::StrCat(where.folder,
                               " has no tokenizer.json: the file "
                               "has no tokenizer"));
  return out;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ExportGguf(
    model::Model& model, const model::ModelLocation& where,
    const formats::StorageType& matrices, const std::string& path) {
  formats::GgufKeys keys;
  std::vector<std::string> notes;
  if (!where.gguf.empty()) {
    SFT_ASSIGN_OR_RETURN(keys, KeysOfGguf(where.gguf));
  } else {
    keys.Text("general.name", NameOf(where));
    SFT_ASSIGN_OR_RETURN(
        const formats::GgufKeys tokenizer,
        TokenizerKeysOf(where, model.info().vocabulary, notes));
    keys.Append(tokenizer);
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> more,
                       model::WriteGgufModel(model, matrices, keys, path));
  notes.insert(notes.end(), more.begin(), more.end());
  return notes;
}

}  // namespace sft::launch
