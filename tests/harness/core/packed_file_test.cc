// Files as they are packed: plain, gzip, zstd, whole and broken.
#include "harness/core/packed_file.h"

#include <zlib.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "harness/core/files.h"
#include "tests/support/paths.h"

namespace sft::packed_file_test {
namespace {

// With a checksum, as the program zstd writes it.
std::string Zstd(const std::string& text, int level = 3) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  const size_t size =
      ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size());
  ZSTD_freeCCtx(context);
  REQUIRE_FALSE(ZSTD_isError(size));
  out.resize(size);
  return out;
}

std::string Gzip(const std::string& text) {
  z_stream stream = {};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8,
                       Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Unpacked {
  std::string text, error;
};
Unpacked Read(const std::string& path) {
  absl::StatusOr<PackedFile> file = PackedFile::Open(path);
  Unpacked out;
  if (!file.ok()) {
    out.error = std::string(file.status().message());
    return out;
  }
  while (true) {
    const absl::StatusOr<std::string_view> bytes = file->Next();
    if (!bytes.ok()) {
      out.error = std::string(bytes.status().message());
      return out;
    }
    if (bytes->empty()) return out;
    out.text += *bytes;
  }
}

class Folder {
 public:
  std::string Write(const std::string& bytes) const {
    const std::string path = (folder_.path() / "file").string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

 private:
  support::TempDir folder_;
};

// Text that does not shrink to nothing.
std::string SomeText(size_t bytes) {
  std::string text;
  uint64_t state = 7;
  while (text.size() < bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    text += std::to_string(state >> 40) + (state >> 62 == 0 ? "\n" : " ");
  }
  return text;
}

TEST_CASE("a file comes out as it went in, however it is packed",
          "[core][files]") {
  const Folder folder;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{3}, size_t{300000}}) {
    INFO(size << " bytes");
    const std::string text = SomeText(size);
    for (const std::string& bytes : {text, Gzip(text), Zstd(text)}) {
      const Unpacked read = Read(folder.Write(bytes));
      CHECK(read.error.empty());
      CHECK(read.text == text);
    }
  }
  // Several members, or frames, one of which is to be skipped.
  CHECK(Read(folder.Write(Gzip("a\n") + Gzip("b\n"))).text == "a\nb\n");
  const std::string skipped("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
  CHECK(Read(folder.Write(skipped + Zstd("a\n") + Zstd("b\n"))).text ==
        "a\nb\n");
  // gzip passes over what follows it.
  CHECK(Read(folder.Write(Gzip("a\n") + std::string(4, '\0'))).text == "a\n");
  const auto lines = ReadLines(folder.Write(Zstd("a\r\nb")));
  REQUIRE(lines.ok());
  CHECK(*lines == std::vector<std::string>{"a", "b"});
}

TEST_CASE("broken packing is an error, and so is text that never ends",
          "[core][files]") {
  const Folder folder;
  const std::string text = SomeText(200000);
  for (const std::string& whole : {Gzip(text), Zstd(text)}) {
    const Unpacked cut = Read(folder.Write(whole.substr(0, whole.size() / 2)));
    CHECK(cut.error.find("unexpected end of file") != std::string::npos);
    CHECK(text.rfind(cut.text, 0) == 0);
    std::string damaged = whole;
    for (size_t i = 40; i < 60; ++i) damaged[i] ^= 0x5a;
    CHECK(Read(folder.Write(damaged)).error.find("cannot be decompressed") !=
          std::string::npos);
  }
  CHECK(Read(folder.Write(Zstd("a\n") + "tail")).error.find("cannot be") !=
        std::string::npos);
  const std::string endless = Zstd(std::string(size_t{64} << 20, '\n'), 19);
  CHECK(endless.size() < 10000);
  const Unpacked read = Read(folder.Write(endless));
  CHECK(read.error.find("times its size") != std::string::npos);
  CHECK(read.text.size() < (size_t{32} << 20));
  const auto lines = ReadLines(folder.Write(Gzip(text).substr(0, 9000)));
  REQUIRE_FALSE(lines.ok());
  CHECK(lines.status().message().find("/file:") != std::string::npos);
}

TEST_CASE("an ending that says how a file is packed is taken off",
          "[core][files]") {
  CHECK(WithoutPacking("a/rows.csv.gz") == "a/rows.csv");
  CHECK(WithoutPacking("rows.jsonl.zst") == "rows.jsonl");
  CHECK(WithoutPacking("rows.csv") == "rows.csv");
}

}  // namespace
}  // namespace sft::packed_file_test
