#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include "harness/core/digest.h"
#include "harness/core/fields.h"
#include "harness/core/file_lock.h"
#include "harness/core/files.h"
#include "harness/core/rng.h"
#include "harness/core/stopwatch.h"

namespace sft::core_test {
namespace {

struct Options {
  int64_t rank = 16;
  double alpha = 0.1;
  bool on = false;
  std::string init = "kaiming";
  std::vector<std::string> targets = {"q_proj", "v_proj"};
  template <class V>
  void VisitFields(V& v) {
    v("x.rank", rank, Limits{1, 64, {}}, "rank");
    v("x.alpha", alpha, Limits{}, "alpha");
    v("x.on", on, Limits{}, "switch");
    v("x.init", init, Limits{.choices = {"kaiming", "pissa"}}, "init");
    v("x.targets", targets, Limits{}, "targets");
  }
};

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "sft.XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const {
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

TEST_CASE("SHA-256 gives the digests of FIPS 180-4", "[core][digest]") {
  CHECK(Sha256Hex("abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256Hex("") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 a, b;
  a.UpdateField("ab"), a.UpdateField("c");
  b.UpdateField("a"), b.UpdateField("bc");
  CHECK(a.Hex() != b.Hex());
}

TEST_CASE("splitmix64 is the published generator", "[core][rng]") {
  // First output of Vigna's splitmix64.c for the state 0.
  CHECK(SplitMix64(0) == 0xE220A8397B1DCDAFULL);
}

TEST_CASE("streams differ by seed, name and salt, and repeat", "[core][rng]") {
  std::set<uint64_t> first;
  for (uint64_t seed : {0, 1}) {
    for (Stream stream :
         {Stream::kInit, Stream::kDataOrder, Stream::kDropout, Stream::kMethod,
          Stream::kBootstrap, Stream::kGeneration}) {
      for (const char* salt : {"", "a"}) {
        first.insert(Rng(seed, stream, salt).Next());
        CHECK(Rng(seed, stream, salt).Next() == Rng(seed, stream, salt).Next());
      }
    }
  }
  CHECK(first.size() == 24);
}

TEST_CASE("uniform, below and normal have their moments", "[core][rng]") {
  Rng rng(3, Stream::kInit);
  double sum = 0, squares = 0;
  std::vector<int> counts(7);
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    const double z = rng.Normal();
    sum += z;
    squares += z * z;
    ++counts[rng.Below(7)];
    const double u = rng.Uniform();
    REQUIRE((u >= 0 && u < 1));
  }
  CHECK(std::abs(sum / kDraws) < 0.03);
  CHECK(std::abs(squares / kDraws - 1) < 0.05);
  for (int count : counts) CHECK(std::abs(count - kDraws / 7) < 300);
}

TEST_CASE("an options struct reads back what it prints", "[core][fields]") {
  Options options;
  options.rank = 8;
  options.alpha = 1e-5;
  options.targets = {"o_proj"};
  Options read;
  REQUIRE(ReadFields(PrintFields(options), read).ok());
  CHECK(PrintFields(read) == PrintFields(options));
  CHECK(PrintFields(options)["x.alpha"] == "1e-05");
  CHECK(DescribeFields<Options>().size() == 5);
}

TEST_CASE("a bad value names field, value and what was wanted",
          "[core][fields]") {
  Options options;
  auto message = [&options](const char* name, const char* text) {
    return std::string(ReadFields({{name, text}}, options).message());
  };
  CHECK(message("x.rank", "65") ==
        "x.rank = '65': wanted a value of at least 1 and at most 64");
  CHECK(message("x.rank", "many") == "x.rank = 'many': wanted a whole number");
  CHECK(message("x.rank", "1.5") == "x.rank = '1.5': wanted a whole number");
  CHECK(message("x.alpha", "nan") == "x.alpha = 'nan': wanted a number");
  CHECK(message("x.on", "2") == "x.on = '2': wanted true or false");
  CHECK(message("x.init", "zero") ==
        "x.init = 'zero': wanted one of kaiming, pissa");
  CHECK(message("x.rank", "1e1").empty());
  CHECK(options.rank == 10);
}

TEST_CASE("the nearest name is found for a slip, none for another word",
          "[core][fields]") {
  CHECK(NearestName("lerning_rate", {"seed", "learning_rate"}) ==
        "learning_rate");
  CHECK(NearestName("zzzzzz", {"seed", "learning_rate"}).empty());
}

TEST_CASE("publishing by link lets the first one win", "[core][files]") {
  Folder folder;
  std::ofstream(folder / "a") << "first";
  std::ofstream(folder / "b") << "second";
  CHECK(*PublishByLink(folder / "a", folder / "r"));
  CHECK_FALSE(*PublishByLink(folder / "b", folder / "r"));
  CHECK(*ReadFile(folder / "r") == "first");
  CHECK_FALSE(FileExists(folder / "a"));
  CHECK_FALSE(FileExists(folder / "b"));
}

TEST_CASE("a file is written whole under its own name", "[core][files]") {
  Folder folder;
  REQUIRE(WriteWhole(folder / "a", "longer").ok());
  REQUIRE(WriteWhole(folder / "a", "short").ok());
  CHECK(*ReadFile(folder / "a") == "short");
  CHECK(absl::IsNotFound(WriteWhole(folder / "none/a", "text")));
  const std::string first = TemporaryBeside(folder / "a");
  CHECK(first != TemporaryBeside(folder / "a"));
  CHECK(first.find(HostName()) != std::string::npos);
}

TEST_CASE("a folder is replaced whole", "[core][files]") {
  Folder folder;
  for (const char* text : {"old", "new"}) {
    REQUIRE(MakeFolders(folder / "tmp").ok());
    std::ofstream(folder / "tmp/x") << text;
    REQUIRE(PublishFolder(folder / "tmp", folder / "kept").ok());
    CHECK(*ReadFile(folder / "kept/x") == text);
    CHECK_FALSE(FileExists(folder / "tmp"));
  }
}

TEST_CASE("lines end at newline or carriage return and newline",
          "[core][files]") {
  Folder folder;
  std::ofstream(folder / "t") << "a\r\nb\n\nlast";
  CHECK(*ReadLines(folder / "t") ==
        std::vector<std::string>{"a", "b", "", "last"});
  CHECK_FALSE(ReadLines(folder / "t", 2).ok());
  CHECK_FALSE(ReadLines(folder / "none").ok());
  CHECK_FALSE(ReadFile(folder / "t", 3).ok());
  REQUIRE(WriteFileAtomically(folder / "t", "now").ok());
  CHECK(*ReadFile(folder / "t") == "now");
  auto map = MappedFile::Open(folder / "t");
  REQUIRE(map.ok());
  CHECK(map->size_bytes() == 3);
}

TEST_CASE("seconds are written as clocks show them", "[core][stopwatch]") {
  CHECK(FormatSeconds(5) == "0:05");
  CHECK(FormatSeconds(65.4) == "1:05");
  CHECK(FormatSeconds(2 * 3600 + 3 * 60 + 10) == "2:03:10");
  CHECK(FormatSeconds(std::numeric_limits<double>::infinity()) == "?");
}

}  // namespace
}  // namespace sft::core_test
