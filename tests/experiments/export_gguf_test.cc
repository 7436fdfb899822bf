// `export --gguf` through the program: what it writes reads back with the same
// logits, and what it refuses.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::export_gguf_test {
namespace {

namespace fs = std::filesystem;

support::Finished Sftbench(const std::vector<std::string>& words,
                           const std::string& input = "") {
  std::vector<std::string> all = {SFTBENCH_BINARY};
  all.insert(all.end(), words.begin(), words.end());
  return support::RunProgram(all, input);
}

TEST_CASE("a model is exported as a GGUF file that reads back",
          "[experiments][gguf]") {
  const support::TempDir dir("export-gguf");
  const std::string file = (dir.path() / "new" / "m.gguf").string();
  const std::string folder =
      (support::SourceDir() / "tests/golden/decoders/qwen3").string();
  const support::Finished done =
      Sftbench({"export", folder, "--gguf", "f32", file});
  INFO(done.error);
  REQUIRE(done.exit_status == 0);
  CHECK_THAT(done.error, Catch::Contains("written: " + file));
  CHECK_THAT(done.error,
             Catch::Contains("note: " + folder + " has no tokenizer.json"));
  const std::string ids = "5 9 33 7\n";
  const support::Finished before = Sftbench({"logits", folder}, ids);
  REQUIRE(before.exit_status == 0);
  CHECK(Sftbench({"logits", file}, ids).out == before.out);

  // What is there is not written over, unless told to.
  const auto first = fs::file_size(file);
  const support::Finished again =
      Sftbench({"export", file, "--gguf", "q8_0", file});
  CHECK(again.exit_status == 2);
  CHECK_THAT(again.error, Catch::Contains("is there already"));
  CHECK(fs::file_size(file) == first);
  CHECK(Sftbench({"export", file, "--gguf", "q8_0", file, "--force"})
            .exit_status == 0);
  CHECK(fs::file_size(file) < first);
  CHECK(Sftbench({"logits", file}, ids).exit_status == 0);
}

TEST_CASE("an export to GGUF that cannot be is refused in one line",
          "[experiments][gguf]") {
  const support::TempDir dir("export-gguf");
  const std::string file = (dir.path() / "m.gguf").string();
  const std::string decoders =
      (support::SourceDir() / "tests/golden/decoders/").string();
  const std::string qwen = decoders + "qwen2";
  struct Case {
    std::vector<std::string> words;
    std::string part;
  };
  for (const Case& c : std::vector<Case>{
           {{qwen, "--gguf", "f16"}, "wants a FILE that ends in .gguf"},
           {{qwen, "--gguf", "f16", file + ".bin"}, "m.gguf.bin"},
           {{qwen, "--gguf", "q4_k", file}, "--gguf wants one of f32, f16"},
           {{qwen, "--gguf", "f16", file, "--merged"}, "--gguf goes without"},
           {{qwen, "--merged", file}, "--gguf TYPE with a FILE"},
           {{decoders + "rope_dynamic", "--gguf", "f16", file},
            "llama.cpp has no dynamic rope scaling"},
           {{decoders + "opt", "--gguf", "f16", file},
            "llama.cpp knows no opt"},
           {{"no-such-model", "--gguf", "f16", file}, "no-such-model"},
           {{"/no/such.h5", "--gguf", "f16", file}, "/no/such.h5"}}) {
    std::vector<std::string> words = {"export"};
    words.insert(words.end(), c.words.begin(), c.words.end());
    const support::Finished done = Sftbench(words);
    INFO(done.error);
    CHECK(done.exit_status == 2);
    CHECK_THAT(done.error, Catch::Contains(c.part));
    CHECK(std::count(done.error.begin(), done.error.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(file));
  }
}

}  // namespace
}  // namespace sft::experiments::export_gguf_test
