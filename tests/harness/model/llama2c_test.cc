// llama2.c's files as they are: the pretrained stories260K, and broken ones.
#include "harness/formats/llama2c.h"

#include <cmath>

#include "harness/model/forward/decoder.h"
#include "harness/text/hf_export.h"
#include "harness/text/tokenizer_factory.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::llama2c_test {
namespace {

using Ids = std::vector<int32_t>;

struct Stories {
  std::filesystem::path folder = support::RequireData("stories260k");
  nlohmann::json expected = nlohmann::json::parse(
      fake::ReadBytes((folder / "expected.json").string()));
  ModelLocation where;

  Stories() {
    auto found = LocateModel((folder / "stories260K.bin").string(), "");
    if (!found.ok()) FAIL(found.status());
    where = *std::move(found);
  }
  std::unique_ptr<Tokenizer> Tokens() const {
    auto data = ReadFileTokenizer(where);
    if (!data.ok()) FAIL(data.status());
    auto made = text::MakeTokenizerFromGguf(*std::move(data), where.file());
    if (!made.ok()) FAIL(made.status());
    return *std::move(made);
  }
};

TEST_CASE("stories260K computes and tells what llama2.c documents",
          "[model][llama2c]") {
  const Stories stories;
  auto loaded = LoadModel(stories.where, {});
  if (!loaded.ok()) FAIL(loaded.status());
  Model& model = **loaded;
  const auto tokenizer = stories.Tokens();
  CHECK(tokenizer->added_ids().before == Ids{1});
  const Ids greedy = stories.expected["greedy_ids_from_bos"];
  const auto answers =
      model.GenerateGreedy({{1}}, static_cast<int64_t>(greedy.size()), {});
  CHECK(answers[0] == greedy);
  CHECK(tokenizer->Decode(greedy, true) ==
        stories.expected["greedy_text"].get<std::string>());
  c10::NoGradGuard off;
  for (const auto& [name, row] : stories.expected["texts"].items()) {
    CAPTURE(name);
    Ids ids = {1};
    for (int32_t id : tokenizer->Encode(row["text"].get<std::string>())) {
      ids.push_back(id);
    }
    CHECK(ids == row["ids"].get<Ids>());
    if (name != "short") continue;
    const std::vector<int64_t> wide(ids.begin(), ids.end());
    const at::Tensor h_TD =
        model.HiddenStates(fake::PaddedBatch({{wide, wide}}))[0];
    const at::Tensor logits_V =
        model.Logits(h_TD.narrow(0, h_TD.size(0) - 1, 1))[0];
    const auto wanted = stories.expected["logits_last_position_of_short"]
                            .get<std::vector<float>>();
    REQUIRE(logits_V.numel() == static_cast<int64_t>(wanted.size()));
    double worst = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      worst = std::max(
          worst, std::abs(logits_V[static_cast<int64_t>(i)].item<double>() -
                          wanted[i]));
    }
    CHECK(worst < 1e-4);  // f32 against f64
  }
}

TEST_CASE("what is exported of a llama2.c model reads as the file does",
          "[model][llama2c]") {
  const Stories stories;
  auto loaded = LoadModel(stories.where, {});
  if (!loaded.ok()) FAIL(loaded.status());
  const support::TempDir dir("llama2c");
  const std::string folder = dir.path().string();
  REQUIRE(WriteModelFolder(**loaded, folder).ok());
  const auto data = ReadFileTokenizer(stories.where);
  REQUIRE(data.ok());
  const auto files = text::HfTokenizerFiles(*data, stories.where.file());
  if (!files.ok()) FAIL(files.status());
  for (const auto& [name, bytes] : *files) {
    fake::WriteBytes(folder + "/" + name, bytes);
  }
  const auto again = LoadModel(*LocateModel(folder, ""), {});
  if (!again.ok()) FAIL(again.status());
  CHECK((*again)->GenerateGreedy({{1}}, 40, {}) ==
        (*loaded)->GenerateGreedy({{1}}, 40, {}));
  const auto tokenizer = text::LoadTokenizerFromFolder(folder);
  if (!tokenizer.ok()) FAIL(tokenizer.status());
  const auto of_file = stories.Tokens();
  for (const char* text :
       {"Once upon a time", "  two  spaces ", "caf\u00e9 \u4f60", "", "<s>x"}) {
    const Ids ids = of_file->Encode(text);
    CHECK((*tokenizer)->Encode(text) == ids);
    CHECK((*tokenizer)->Decode(ids, true) == of_file->Decode(ids, true));
  }
  CHECK((*tokenizer)->stop_ids() == of_file->stop_ids());
}

// A model of one layer; `vocabulary` negative: with a head of its own.
std::string TinyModel(int32_t vocabulary) {
  const int32_t header[] = {4, 6, 1, 2, 1, vocabulary, 3};
  std::string bytes;
  for (int32_t value : header) bytes += fake::Raw(value);
  const int32_t count = std::abs(vocabulary);
  const int floats = count * 4 + 4 + 16 + 8 + 8 + 16 + 4 + 3 * 24 + 4 + 3 * 2 +
                     (vocabulary < 0 ? count * 4 : 0);
  for (int i = 0; i < floats; ++i) {
    bytes += fake::Raw(static_cast<float>(i % 7) * 0.1F);
  }
  return bytes;
}

std::string TinyTokens(int count) {
  std::string bytes = fake::Raw(int32_t{5});
  for (int i = 0; i < count; ++i) {
    const std::string text = i < 3 ? "<s>" : std::string(1, 'a' + i - 3);
    bytes += fake::Raw(static_cast<float>(-i));
    bytes += fake::Raw(static_cast<int32_t>(text.size())) + text;
  }
  return bytes;
}

TEST_CASE("the sign of a llama2.c model's vocabulary tells its head",
          "[model][llama2c]") {
  for (const int32_t vocabulary : {5, -5}) {
    const support::TempDir dir("llama2c");
    const std::string path = (dir.path() / "m.bin").string();
    fake::WriteBytes(path, TinyModel(vocabulary));
    fake::WriteBytes((dir.path() / "tok5.bin").string(), TinyTokens(5));
    const auto where = LocateModel(path, "");
    if (!where.ok()) FAIL(where.status());
    const auto files = OpenWeights(*where);
    if (!files.ok()) FAIL(files.status());
    CHECK(files->Check().ok());
    CHECK(std::get<DecoderConfig>(files->config()).tied_head ==
          (vocabulary > 0));
    CHECK(LoadModel(*where, {}).ok());
    const auto digest = ModelFilesDigest(*where);
    REQUIRE(digest.ok());
    // Another tokenizer is another model; a missing one is named.
    fake::WriteBytes((dir.path() / "tok5.bin").string(), TinyTokens(4));
    fake::RequireOneLine(ReadFileTokenizer(*where).status(), "fewer tokens");
    std::filesystem::remove(dir.path() / "tok5.bin");
    CHECK(ReadFileTokenizer(*where).status().message().find("tokenizer.bin") !=
          std::string_view::npos);
  }
}

TEST_CASE("broken llama2.c files are named", "[model][llama2c][hostile]") {
  const support::TempDir dir("llama2c");
  const std::string path = (dir.path() / "m.bin").string();
  const auto fails = [&](const std::string& bytes, const std::string& what) {
    fake::WriteBytes(path, bytes);
    fake::RequireOneLine(formats::Llama2cFile::Open(path).status(), what);
  };
  const std::string good = TinyModel(5);
  for (size_t size = 0; size < good.size(); size += 5) {
    fails(good.substr(0, size), size < 28 ? "ends inside" : "no whole");
  }
  fails(good + "x", "no whole");
  const auto with = [&](size_t field, int32_t value) {
    std::string bytes = good;
    return bytes.replace(4 * field, 4, fake::Raw(value));
  };
  fails(with(0, 0), "width 0");
  fails(with(0, 5), "width 5 for 2 heads");
  fails(with(2, 1 << 30), "layers");
  fails(with(4, 3), "3 key and value heads");
  fails(with(5, INT32_MIN), "vocabulary");
  fails(with(0, 0x616b3432), "--version -1");
  fails("PK\x03\x04" + good, "pickle");
  const auto tokens = [&](const std::string& bytes, int64_t vocabulary,
                          const std::string& what) {
    fake::WriteBytes(path, bytes);
    fake::RequireOneLine(
        formats::ReadLlama2cTokenizer(path, vocabulary).status(), what);
  };
  const std::string five = TinyTokens(5);
  for (size_t size = 0; size < five.size(); ++size) {
    tokens(five.substr(0, size), 5, path);
  }
  tokens(five, 4, "more tokens");
  tokens(five, 6, "fewer tokens");
  std::string longer = five;
  longer.replace(8, 4, fake::Raw(int32_t{-1}));
  tokens(longer, 5, "token 0 is longer");
}

}  // namespace
}  // namespace sft::model::llama2c_test
