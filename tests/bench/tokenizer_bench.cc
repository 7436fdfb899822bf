// Bytes a second of every kind of tokenizer: the small ones of the golden file,
// whose first digests must hold, and real ones where they are. The texts are
// paragraphs of SFTBENCH_TOKENIZE_TEXT, else of README.md;
// scripts/tokenizer_rate.py sets that and runs `tokenizers` beside it.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/digest.h"
#include "harness/core/files.h"
#include "harness/formats/sentencepiece.h"
#include "harness/text/composed_tokenizer.h"
#include "harness/text/hf_tokenizer_json.h"
#include "harness/text/sentencepiece_tokenizer.h"
#include "tests/support/paths.h"

namespace sft::bench {
namespace {

using nlohmann::json;
using Made = absl::StatusOr<std::unique_ptr<Tokenizer>>;

// Paragraphs: what a row of a data set is like.
const std::vector<std::string>& Texts() {
  static const auto& texts = *new std::vector<std::string>([] {
    const char* path = std::getenv("SFTBENCH_TOKENIZE_TEXT");
    const std::string readme = (support::SourceDir() / "README.md").string();
    const auto text = ReadFile(path != nullptr ? path : readme);
    std::vector<std::string> out;
    if (text.ok()) {
      for (absl::string_view part :
           absl::StrSplit(*text, "\n\n", absl::SkipEmpty())) {
        out.emplace_back(part);
      }
    }
    return out;
  }());
  return texts;
}

Made OfParts(absl::StatusOr<text::TokenizerParts> parts) {
  if (!parts.ok()) return parts.status();
  return std::make_unique<text::ComposedTokenizer>(*std::move(parts));
}

Made OfModel(const std::string& bytes, const std::string& name) {
  const auto model = formats::ParseSentencePiece(bytes, name);
  if (!model.ok()) return model.status();
  return OfParts(text::MakeSentencePieceParts(
      *model, {},
      model->add_dummy_prefix ? text::DummyPrefix::kEverySection
                              : text::DummyPrefix::kNone,
      name));
}

Made OfFile(const std::filesystem::path& path) {
  if (path.extension() == ".model") {
    const auto bytes = ReadFile(path.string());
    if (!bytes.ok()) return bytes.status();
    return OfModel(*bytes, path.string());
  }
  const auto lines = ReadLines(path.string());  // gunzips
  if (!lines.ok()) return lines.status();
  const json root = json::parse(absl::StrJoin(*lines, "\n"));
  return OfParts(text::ParseTokenizerJson(root, path.string()));
}

void Encode(benchmark::State& state, const Tokenizer& tokenizer) {
  int64_t bytes = 0, tokens = 0;
  for (const std::string& text : Texts()) bytes += std::ssize(text);
  for (auto _ : state) {
    for (const std::string& text : Texts()) {
      tokens += std::ssize(tokenizer.Encode(text));
    }
  }
  state.SetBytesProcessed(state.iterations() * bytes);
  state.SetItemsProcessed(tokens);
}

void BM_Kind(benchmark::State& state, const json& golden, const json& kind) {
  Made made = absl::InvalidArgumentError("no such kind");
  if (kind.contains("model")) {
    std::string bytes;
    absl::Base64Unescape(golden["files"][kind["model"].get<std::string>()]
                             .get_ref<const std::string&>(),
                         &bytes);
    made = OfModel(bytes, kind["name"]);
  } else {
    json root = golden["files"][kind["json"].get<std::string>()];
    root.update(kind["pipeline"]);
    made = OfParts(text::ParseTokenizerJson(root, kind["name"]));
  }
  if (!made.ok()) {
    state.SkipWithError("the tokenizer cannot be read");
    return;
  }
  const auto& digests = kind["digests"].get_ref<const std::string&>();
  for (size_t i = 0; i < 100; ++i) {
    const auto ids = (*made)->Encode(golden["strings"][i].get<std::string>());
    if (Sha256Hex(absl::StrJoin(ids, " ")).substr(0, 4) !=
        digests.substr(12 * i, 4)) {
      state.SkipWithError("other ids than the library's");
      return;
    }
  }
  Encode(state, **made);
}

void BM_Real(benchmark::State& state, const std::filesystem::path& path) {
  const Made made = OfFile(path);
  if (!made.ok()) {
    state.SkipWithError("the tokenizer is not here");
    return;
  }
  Encode(state, **made);
}

const bool registered = [] {
  std::ifstream file(support::SourceDir() / "tests/golden/tokenizers.json");
  static const json& golden = *new json(json::parse(file));
  for (const json& kind : golden["kinds"]) {
    const bool plain = kind.contains("model") &&
                       !kind["config"].contains("added_tokens_decoder") &&
                       kind["config"]["legacy"] == true;
    if (!kind.contains("json") && !plain) continue;
    benchmark::RegisterBenchmark(
        ("BM_Tokenizer/" + kind["name"].get<std::string>()).c_str(),
        [&kind](benchmark::State& state) { BM_Kind(state, golden, kind); })
        ->Unit(benchmark::kMillisecond);
  }
  const char* data = std::getenv("SFTBENCH_DATA");
  const std::filesystem::path tokenizers =
      std::filesystem::path(data != nullptr ? data : "") / "tokenizers";
  for (const auto& [name, path] :
       {std::pair("llama2 tokenizer.model",
                  tokenizers / "llama2/tokenizer.model"),
        std::pair("gpt2 tokenizer.json", tokenizers / "gpt2/tokenizer.json.gz"),
        std::pair("minilm tokenizer.json",
                  support::AssetsDir() / "models/minilm-l6/tokenizer.json")}) {
    benchmark::RegisterBenchmark(
        absl::StrCat("BM_Tokenizer/real, ", name).c_str(),
        [path = path](benchmark::State& state) { BM_Real(state, path); })
        ->Unit(benchmark::kMillisecond);
  }
  return true;
}();

}  // namespace
}  // namespace sft::bench
