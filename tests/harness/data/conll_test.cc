// CoNLL columns, with every fault planted that the reader must find.
#include "harness/data/conll.h"

#include <zlib.h>

#include <catch2/catch.hpp>
#include <string>

#include "harness/core/files.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"

namespace sft::data::conll_test {
namespace {

using Strings = std::vector<std::string>;

class File {
 public:
  explicit File(const std::string& text, const std::string& name = "a.conll")
      : path_((folder_.path() / name).string()) {
    REQUIRE(WriteFileAtomically(path_, text).ok());
  }
  const std::string& path() const { return path_; }
  std::string At(int line) const { return path_ + ":" + std::to_string(line); }

 private:
  support::TempDir folder_;
  std::string path_;
};

ConllTable Read(const File& file, const ConllOptions& options = {}) {
  auto table = ReadConll(file.path(), options);
  INFO(table.status().message());
  REQUIRE(table.ok());
  return *std::move(table);
}

TEST_CASE("a sentence ends at an empty line, one of white space, a document",
          "[data][conll]") {
  const File file(
      "\xef\xbb\xbf"
      "-DOCSTART- O\n\nEU B-ORG\r\nrejects O\r\n\r\nGerman B-MISC\n \t \n"
      "\n\nlamb O\n-DOCSTART- O\nPeter B-PER\nBlackburn I-PER");
  const ConllTable table = Read(file);
  CHECK(table.refused.empty());
  REQUIRE(table.sentences.size() == 4);
  CHECK(table.sentences[0].words == Strings{"EU", "rejects"});
  CHECK(table.sentences[0].tags == Strings{"B-ORG", "O"});
  CHECK(table.sentences[0].line == 3);
  CHECK(table.sentences[1].line == 6);
  CHECK(table.sentences[2].words == Strings{"lamb"});
  CHECK(table.sentences[3].tags == Strings{"B-PER", "I-PER"});
  CHECK(table.sentences[3].line == 12);
}

TEST_CASE("columns between word and tag are passed over, tabs split first",
          "[data][conll]") {
  const ConllTable spaces = Read(File("EU NNP I-NP B-ORG\n.  . O   O\n"));
  CHECK(spaces.sentences[0].words == Strings{"EU", "."});
  CHECK(spaces.sentences[0].tags == Strings{"B-ORG", "O"});
  const ConllTable tabs = Read(File("New York\tB-loc\n. . .\tO\n#\tO\n"));
  CHECK(tabs.sentences[0].words == Strings{"New York", ". . .", "#"});
  CHECK(tabs.sentences[0].tags == Strings{"B-loc", "O", "O"});
}

TEST_CASE("each planted fault costs its sentence and is told with its line",
          "[data][conll]") {
  const File file(
      "good B-x\nwords I-x\n\n"     // 1, 2
      "caf\xe9 O\n\n"               // 4
      "alone\n\n"                   // 6
      "fine O\nodd X-y\n\n"         // 9
      "dash B-\n\n"                 // 11
      "none I-x\n\n"                // 13
      "is B-x\nother I-y\n\n"       // 16
      "is O\nnone I-x\nalso I-y\n"  // 19 and 20 are one sentence
      "\n"
      "three columns O\n\n"  // 22
      "\tO\n\n"              // 24
      "b B-x\nlow b-x\n\n"   // 27
      "the B-y\nend I-y\n");
  const ConllTable table = Read(file);
  REQUIRE(table.sentences.size() == 2);
  CHECK(table.sentences[1].words == Strings{"the", "end"});
  const std::vector<std::pair<int, std::string>> wanted = {
      {4, "byte 0xe9 at column 4 is no UTF-8 text"},
      {6, "1 column, wanted a word and a tag, separated by a tab or spaces"},
      {9, "tag 'X-y', wanted O, B-type or I-type"},
      {11, "tag 'B-', wanted O, B-type or I-type"},
      {13, "BIO error: 'I-x' follows nothing, wanted B-x or I-x before it"},
      {16, "BIO error: 'I-y' follows 'B-x', wanted B-y or I-y before it"},
      {19, "BIO error: 'I-x' follows 'O', wanted B-x or I-x before it"},
      {22, "3 columns, wanted 2 as in line 1"},
      {24, "an empty word"},
      {27, "tag 'b-x', wanted O, B-type or I-type"}};
  REQUIRE(table.refused.size() == wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    CHECK(table.refused[i].where == file.At(wanted[i].first));
    CHECK(table.refused[i].reason == wanted[i].second);
  }
}

TEST_CASE("lines and sentences above the limit are refused, the rest is kept",
          "[data][conll]") {
  ConllOptions options;
  options.max_line_bytes = 100;
  options.max_words = 3;
  const File file("a O\n" + std::string(5000, 'x') +
                  " O\nb O\n\nc O\nd O\ne O\nf O\n\nfine O\n");
  const ConllTable table = Read(file, options);
  REQUIRE(table.sentences.size() == 1);
  CHECK(table.sentences[0].words == Strings{"fine"});
  REQUIRE(table.refused.size() == 2);
  CHECK(table.refused[0].where == file.At(2));
  CHECK(table.refused[0].reason == "a line above 100 bytes");
  CHECK(table.refused[1].where == file.At(8));
  CHECK(table.refused[1].reason ==
        "a sentence above 3 words; a blank line ends a sentence");
}

TEST_CASE("IOB1 becomes BIO2 when it is asked for", "[data][conll]") {
  ConllOptions options;
  options.iob1 = true;
  const ConllTable table = Read(
      File("a I-x\nb I-x\nc B-x\nd I-y\ne O\nf I-y\n\ng I-z\nh B-z\ni I-z\n"),
      options);
  CHECK(table.refused.empty());
  REQUIRE(table.sentences.size() == 2);
  CHECK(table.sentences[0].tags ==
        Strings{"B-x", "I-x", "B-x", "B-y", "O", "B-y"});
  CHECK(table.sentences[1].tags == Strings{"B-z", "B-z", "I-z"});
}

TEST_CASE("a gzip file is read in place, a cut one is an error",
          "[data][conll]") {
  const support::TempDir folder;
  const std::string path = (folder.path() / "a.conll.gz").string();
  const gzFile file = gzopen(path.c_str(), "wb");
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::to_string(i * 7919) + " O\n\n";
  REQUIRE(gzwrite(file, text.data(), static_cast<unsigned>(text.size())) > 0);
  gzclose(file);
  const auto table = ReadConll(path, {});
  REQUIRE(table.ok());
  CHECK(table->sentences.size() == 2000);

  const std::string bytes = ReadFile(path).value();
  REQUIRE(WriteFileAtomically(path, bytes.substr(0, bytes.size() / 2)).ok());
  CHECK(std::string(ReadConll(path, {}).status().message())
            .find("cannot be decompressed") != std::string::npos);
}

TEST_CASE("a file without a good sentence is an error that tells the first",
          "[data][conll]") {
  const File bad("x\n\ny\n");
  CHECK(ReadConll(bad.path(), {}).status().message() ==
        bad.At(1) +
            ": 1 column, wanted a word and a tag, separated by a tab or "
            "spaces (and none of the 2 sentences is usable)");
  const File empty("\n \n");
  CHECK(ReadConll(empty.path(), {}).status().message() ==
        empty.path() + ": no sentence");
  CHECK_FALSE(ReadConll(empty.path() + ".none", {}).ok());
}

TEST_CASE("CoNLL-2003 and WNUT-17 have the sentences of their papers",
          "[data][conll][real]") {
  const auto data = support::RequireData();
  struct Count {
    const char* file;
    size_t sentences, entities;
  };
  for (const Count& count : {Count{"conll2003/train.bio.gz", 14041, 23499},
                             Count{"conll2003/testa.bio", 3250, 5942},
                             Count{"conll2003/testb.bio", 3453, 5648},
                             Count{"wnut17/train.conll", 3394, 1975},
                             Count{"wnut17/dev.conll", 1009, 836},
                             Count{"wnut17/test.conll", 1287, 1079}}) {
    INFO(count.file);
    const auto table = ReadConll((data / count.file).string(), {});
    REQUIRE(table.ok());
    CHECK(table->refused.empty());
    CHECK(table->sentences.size() == count.sentences);
    size_t entities = 0;
    for (const ConllSentence& sentence : table->sentences) {
      REQUIRE(sentence.words.size() == sentence.tags.size());
      for (const std::string& tag : sentence.tags) entities += tag[0] == 'B';
    }
    CHECK(entities == count.entities);
  }
}

}  // namespace
}  // namespace sft::data::conll_test
