#include "harness/data/parquet/pages.h"

#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "harness/core/packed_file.h"
#include "harness/core/status.h"
#include "harness/data/parquet/thrift.h"

namespace sft::data::parquet {
namespace {

// Numbers of parquet.thrift.
enum PageType { kDataPage = 0, kDictionaryPage = 2, kDataPageV2 = 3 };
enum Codec { kUncompressed = 0, kSnappy = 1, kGzipped = 2, kZstandard = 6 };
enum DictionaryEncoding { kPlainDictionary = 2, kRleDictionary = 8 };

absl::Status BrokenChunk(std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("is a broken Parquet file: ", ToAbsl(what)));
}

// The `size` bytes that `packed` unpacks to.
absl::StatusOr<std::string> Unpacked(std::string_view packed, int64_t codec,
                                     int64_t size) {
  if (size < 0 ||
      size > (int64_t{1} << 20) + kMaxUnpacking * std::ssize(packed)) {
    return BrokenChunk("a page that claims to unpack to more than it can");
  }
  std::string out(static_cast<size_t>(size), '\0');
  size_t made = out.size();
  switch (codec) {
    case kSnappy: {
      size_t claimed = 0;
      if (snappy_uncompressed_length(packed.data(), packed.size(), &claimed) !=
              SNAPPY_OK ||
          claimed != out.size() ||
          snappy_uncompress(packed.data(), packed.size(), out.data(), &made) !=
              SNAPPY_OK) {
        return BrokenChunk("a page that snappy cannot unpack");
      }
      break;
    }
    case kGzipped: {
      z_stream stream = {};
      if (inflateInit2(&stream, 15 + 32) != Z_OK) return BrokenChunk("memory");
      stream.next_in =
          reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
      stream.avail_in = static_cast<uInt>(packed.size());
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = static_cast<uInt>(out.size());
      const int rc = inflate(&stream, Z_FINISH);
      made = stream.total_out;
      inflateEnd(&stream);
      if (rc != Z_STREAM_END) return BrokenChunk("a page that is no gzip");
      break;
    }
    case kZstandard:
      made =
          ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
      if (ZSTD_isError(made)) return BrokenChunk("a page that is no zstd");
      break;
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          "is compressed by ",
          codec == 4                 ? "Brotli"
          : codec == 5 || codec == 7 ? "LZ4"
                                     : absl::StrCat("codec ", codec),
          ", which is not read here: pyarrow rewrites it with compression "
          "'zstd'"));
  }
  if (made != out.size()) return BrokenChunk("a page of another size");
  return out;
}

class ChunkReader {
 public:
  ChunkReader(std::string_view file, const Chunk& chunk, const Node& leaf)
      : bytes_(file.substr(chunk.begin, chunk.size)),
        chunk_(chunk),
        leaf_(leaf) {}

  absl::StatusOr<Cells> Read() {
    // What runs of nulls may say at most in few bytes.
    const int64_t most = (int64_t{1} << 21) + 4096 * std::ssize(bytes_);
    if (chunk_.values > most) {
      return absl::InvalidArgumentError(absl::StrCat(
          "column '", leaf_.name, "' has a row group of ", chunk_.values,
          " values in ", bytes_.size(), " bytes: write smaller row groups"));
    }
    while (cells_.entries < chunk_.values) {
      if (bytes_.empty()) return BrokenChunk("a column without its last page");
      SFT_ASSIGN_OR_RETURN(const Thrift page, ReadThrift(bytes_));
      const int64_t size = page.Number(3);
      if (size < 0 || size > std::ssize(bytes_)) {
        return BrokenChunk("a page that is larger than its column");
      }
      const std::string_view body = bytes_.substr(0, static_cast<size_t>(size));
      bytes_.remove_prefix(static_cast<size_t>(size));
      SFT_RETURN_IF_ERROR(Page(page, body));
    }
    return std::move(cells_);
  }

 private:
  // Bytes that stay where they are.
  absl::StatusOr<std::string_view> Unpack(std::string_view packed,
                                          int64_t size) {
    if (chunk_.codec == kUncompressed) return packed;
    if (size == 0) return std::string_view();
    SFT_ASSIGN_OR_RETURN(std::string bytes,
                         Unpacked(packed, chunk_.codec, size));
    return cells_.pages.emplace_back(std::move(bytes));
  }

  absl::Status Page(const Thrift& page, std::string_view body) {
    const int64_t unpacked = page.Number(2);
    switch (page.Number(1, -1)) {
      case kDictionaryPage: {
        const Thrift& head = page.At(7);
        SFT_ASSIGN_OR_RETURN(const std::string_view bytes,
                             Unpack(body, unpacked));
        dictionary_.clear();
        return Values(bytes, 0, head.Number(1), dictionary_);
      }
      case kDataPage: {
        const Thrift& head = page.At(5);
        SFT_ASSIGN_OR_RETURN(std::string_view bytes, Unpack(body, unpacked));
        return DataPage(head.Number(1), head.Number(2), bytes);
      }
      case kDataPageV2: {
        const Thrift& head = page.At(8);
        const int64_t definitions = head.Number(5),
                      repetitions = head.Number(6);
        if (definitions < 0 || repetitions < 0 ||
            definitions > std::ssize(body) ||
            repetitions > std::ssize(body) - definitions) {
          return BrokenChunk("levels that are larger than their page");
        }
        std::string_view levels =
            body.substr(0, static_cast<size_t>(repetitions));
        body.remove_prefix(levels.size());
        SFT_RETURN_IF_ERROR(Levels(levels, leaf_.max_repetition, head.Number(1),
                                   cells_.repetitions));
        levels = body.substr(0, static_cast<size_t>(definitions));
        body.remove_prefix(levels.size());
        SFT_RETURN_IF_ERROR(Levels(levels, leaf_.max_definition, head.Number(1),
                                   cells_.definitions));
        std::string_view bytes = body;
        if (head.Number(7, 1) != 0) {
          SFT_ASSIGN_OR_RETURN(
              bytes, Unpack(body, unpacked - definitions - repetitions));
        }
        return PageValues(head.Number(1), head.Number(4), bytes);
      }
      default:
        return absl::OkStatus();  // an index
    }
  }

  // Levels with their size before them, then values.
  absl::Status DataPage(int64_t count, int64_t encoding,
                        std::string_view bytes) {
    for (const auto& [most, out] :
         {std::pair(leaf_.max_repetition, &cells_.repetitions),
          std::pair(leaf_.max_definition, &cells_.definitions)}) {
      if (most == 0) continue;
      uint32_t size = 0;
      if (bytes.size() < sizeof(size))
        return BrokenChunk("a page of no levels");
      memcpy(&size, bytes.data(), sizeof(size));
      bytes.remove_prefix(sizeof(size));
      if (size > bytes.size()) return BrokenChunk("a page of too many levels");
      SFT_RETURN_IF_ERROR(Levels(bytes.substr(0, size), most, count, *out));
      bytes.remove_prefix(size);
    }
    return PageValues(count, encoding, bytes);
  }

  absl::Status Levels(std::string_view bytes, int most, int64_t count,
                      std::vector<uint32_t>& out) {
    SFT_RETURN_IF_ERROR(CheckCount(count));
    if (most == 0) return absl::OkStatus();
    const size_t before = out.size();
    SFT_RETURN_IF_ERROR(TakeHybrid(
        bytes, std::bit_width(static_cast<unsigned>(most)), count, out));
    for (size_t i = before; i < out.size(); ++i) {
      if (out[i] > static_cast<uint32_t>(most)) {
        return BrokenChunk("a level above its column's");
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckCount(int64_t count) const {
    if (count >= 0 && count <= chunk_.values - cells_.entries) {
      return absl::OkStatus();
    }
    return BrokenChunk("pages of more values than their column has");
  }

  // The values of the last `count` entries, whose levels are there.
  absl::Status PageValues(int64_t count, int64_t encoding,
                          std::string_view bytes) {
    SFT_RETURN_IF_ERROR(CheckCount(count));
    int64_t wanted = count;
    if (leaf_.max_definition > 0) {
      wanted =
          std::count(cells_.definitions.end() - count, cells_.definitions.end(),
                     static_cast<uint32_t>(leaf_.max_definition));
    }
    cells_.entries += count;
    if (encoding != kPlainDictionary && encoding != kRleDictionary) {
      return Values(bytes, encoding, wanted, cells_.values);
    }
    if (wanted == 0) return absl::OkStatus();
    if (bytes.empty()) return BrokenChunk("a page without its indices");
    const int width = static_cast<uint8_t>(bytes[0]);
    bytes.remove_prefix(1);
    std::vector<uint32_t> indices;
    SFT_RETURN_IF_ERROR(TakeHybrid(bytes, width, wanted, indices));
    for (const uint32_t index : indices) {
      if (index >= dictionary_.size()) {
        return BrokenChunk("an index behind its dictionary");
      }
      cells_.values.push_back(dictionary_[index]);
    }
    return absl::OkStatus();
  }

  absl::Status Values(std::string_view bytes, int64_t encoding, int64_t count,
                      std::vector<Cell>& out) {
    // A value takes a bit at least, unless it is of a run.
    if (count < 0 || count > (int64_t{1} << 21) + 4096 * std::ssize(bytes)) {
      return BrokenChunk("a page of more values than it can have");
    }
    return DecodeValues(bytes, encoding, leaf_, count, out,
                        cells_.made.emplace_back());
  }

  std::string_view bytes_;  // of the chunk, not yet read
  const Chunk& chunk_;
  const Node& leaf_;
  Cells cells_;
  std::vector<Cell> dictionary_;
};

}  // namespace

absl::StatusOr<Cells> ReadChunk(std::string_view file, const Chunk& chunk,
                                const Node& leaf) {
  return ChunkReader(file, chunk, leaf).Read();
}

}  // namespace sft::data::parquet
