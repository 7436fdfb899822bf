#include "harness/data/parquet/encodings.h"

#include <algorithm>
#include <cstring>

#include "harness/core/status.h"
#include "harness/data/parquet/thrift.h"

namespace sft::data::parquet {
namespace {

// Numbers of parquet.thrift.
enum Encoding {
  kPlainValues = 0,
  kRunLengths = 3,
  kDelta = 5,
  kDeltaLengths = 6,
  kDeltaBytes = 7,
  kByteStreams = 9,
};

absl::Status BrokenPage() {
  return absl::InvalidArgumentError(
      "is a broken Parquet file: a page that "
      "ends within its values");
}

// `count` numbers of `width` bits, the lowest bit first.
template <class Put>
void EachPacked(std::string_view bytes, int width, int64_t count,
                const Put& put) {
  uint64_t at = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t value = 0;
    for (int bit = 0; bit < width;) {
      const uint64_t byte = static_cast<uint8_t>(bytes[at >> 3]);
      const int from = static_cast<int>(at & 7);
      const int taken = std::min(8 - from, width - bit);
      value |= (byte >> from & ((uint64_t{1} << taken) - 1)) << bit;
      bit += taken;
      at += static_cast<uint64_t>(taken);
    }
    put(value);
  }
}

// DELTA_BINARY_PACKED numbers from the beginning of `bytes`, `most` at most.
absl::Status TakeDeltas(std::string_view& bytes, int64_t most,
                        std::vector<int64_t>& out) {
  uint64_t block = 0, parts = 0, count = 0, first = 0;
  for (uint64_t* number : {&block, &parts, &count, &first}) {
    if (!TakeVarint(bytes, *number)) return BrokenPage();
  }
  if (parts == 0 || parts > 512 || block == 0 || block > 1 << 16 ||
      block % parts != 0 || block / parts % 8 != 0 ||
      count > static_cast<uint64_t>(most)) {
    return BrokenPage();
  }
  const auto each = static_cast<int64_t>(block / parts);
  if (count == 0) return absl::OkStatus();
  auto value = static_cast<uint64_t>(UnZigzag(first));  // sums wrap round
  out.push_back(static_cast<int64_t>(value));
  int64_t left = static_cast<int64_t>(count) - 1;
  while (left > 0) {
    uint64_t least = 0;
    if (!TakeVarint(bytes, least) || bytes.size() < parts) return BrokenPage();
    const auto minimum = static_cast<uint64_t>(UnZigzag(least));
    const std::string_view widths = bytes.substr(0, parts);
    bytes.remove_prefix(parts);
    for (size_t part = 0; part < parts && left > 0; ++part) {
      const int width = static_cast<uint8_t>(widths[part]);
      const auto size = static_cast<size_t>(each / 8 * width);
      if (width > 64 || size > bytes.size()) return BrokenPage();
      EachPacked(bytes, width, std::min(each, left), [&](uint64_t delta) {
        value += minimum + delta;
        out.push_back(static_cast<int64_t>(value));
      });
      left -= std::min(each, left);
      bytes.remove_prefix(size);
    }
  }
  return absl::OkStatus();
}

absl::Status TakeLengths(std::string_view& bytes, int64_t count,
                         std::vector<int64_t>& lengths) {
  SFT_RETURN_IF_ERROR(TakeDeltas(bytes, count, lengths));
  if (std::ssize(lengths) != count) return BrokenPage();
  for (const int64_t length : lengths) {
    if (length < 0) return BrokenPage();
  }
  return absl::OkStatus();
}

// DELTA_LENGTH_BYTE_ARRAY.
absl::Status TakeTexts(std::string_view& bytes, int64_t count,
                       std::vector<Cell>& out) {
  std::vector<int64_t> lengths;
  SFT_RETURN_IF_ERROR(TakeLengths(bytes, count, lengths));
  for (const int64_t length : lengths) {
    if (length > std::ssize(bytes)) return BrokenPage();
    out.push_back({0, bytes.substr(0, static_cast<size_t>(length))});
    bytes.remove_prefix(static_cast<size_t>(length));
  }
  return absl::OkStatus();
}

// DELTA_BYTE_ARRAY: each begins as the one before it does.
absl::Status TakeFrontCoded(std::string_view bytes, int64_t count,
                            std::vector<Cell>& out,
                            std::vector<std::string>& made) {
  constexpr size_t kMostMade = size_t{1} << 30;
  std::vector<int64_t> shared;
  SFT_RETURN_IF_ERROR(TakeLengths(bytes, count, shared));
  std::vector<Cell> rests;
  SFT_RETURN_IF_ERROR(TakeTexts(bytes, count, rests));
  made.reserve(made.size() + rests.size());  // cells point into it
  std::string_view before;
  size_t total = 0;
  for (size_t i = 0; i < rests.size(); ++i) {
    if (shared[i] > std::ssize(before)) return BrokenPage();
    std::string text(before.substr(0, static_cast<size_t>(shared[i])));
    text += rests[i].bytes;
    total += text.size();
    if (total > kMostMade) return BrokenPage();
    before = made.emplace_back(std::move(text));
    out.push_back({0, before});
  }
  return absl::OkStatus();
}

int64_t WidthOf(const Node& leaf) {
  switch (leaf.physical) {
    case Physical::kInt32:
    case Physical::kFloat:
      return 4;
    case Physical::kInt64:
    case Physical::kDouble:
      return 8;
    case Physical::kInt96:
      return 12;
    case Physical::kFixedBytes:
      return leaf.fixed_bytes;
    default:
      return 0;
  }
}

// A value of that many bytes, the lowest first.
Cell CellOf(std::string_view bytes, const Node& leaf) {
  switch (leaf.physical) {
    case Physical::kInt32: {
      int32_t number = 0;
      memcpy(&number, bytes.data(), sizeof(number));
      return {number, {}};
    }
    case Physical::kFloat: {
      float number = 0;
      memcpy(&number, bytes.data(), sizeof(number));
      const double wide = number;
      Cell cell;
      memcpy(&cell.number, &wide, sizeof(wide));
      return cell;
    }
    case Physical::kInt64:
    case Physical::kDouble: {
      Cell cell;
      memcpy(&cell.number, bytes.data(), sizeof(cell.number));
      return cell;
    }
    default:
      return {0, bytes};
  }
}

absl::Status TakePlain(std::string_view bytes, const Node& leaf, int64_t count,
                       std::vector<Cell>& out) {
  if (leaf.physical == Physical::kBoolean) {
    if (std::ssize(bytes) < (count + 7) / 8) return BrokenPage();
    EachPacked(bytes, 1, count, [&out](uint64_t bit) {
      out.push_back({static_cast<int64_t>(bit), {}});
    });
    return absl::OkStatus();
  }
  if (leaf.physical == Physical::kBytes) {
    for (int64_t i = 0; i < count; ++i) {
      uint32_t size = 0;
      if (bytes.size() < sizeof(size)) return BrokenPage();
      memcpy(&size, bytes.data(), sizeof(size));
      bytes.remove_prefix(sizeof(size));
      if (size > bytes.size()) return BrokenPage();
      out.push_back({0, bytes.substr(0, size)});
      bytes.remove_prefix(size);
    }
    return absl::OkStatus();
  }
  const int64_t width = WidthOf(leaf);
  if (count > std::ssize(bytes) / width) return BrokenPage();
  for (int64_t i = 0; i < count; ++i) {
    out.push_back(CellOf(bytes.substr(static_cast<size_t>(i * width),
                                      static_cast<size_t>(width)),
                         leaf));
  }
  return absl::OkStatus();
}

// BYTE_STREAM_SPLIT: all first bytes, then all second ones, and so on.
absl::Status TakeByteStreams(std::string_view bytes, const Node& leaf,
                             int64_t count, std::vector<Cell>& out,
                             std::vector<std::string>& made) {
  const int64_t width = WidthOf(leaf);
  if (width == 0 || count > std::ssize(bytes) / width) return BrokenPage();
  std::string& whole = made.emplace_back(count * width, '\0');
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t b = 0; b < width; ++b) {
      whole[i * width + b] = bytes[b * count + i];
    }
  }
  return TakePlain(whole, leaf, count, out);
}

}  // namespace

absl::Status TakeHybrid(std::string_view& bytes, int width, int64_t count,
                        std::vector<uint32_t>& out) {
  if (width < 0 || width > 32) return BrokenPage();
  for (int64_t left = count; left > 0;) {
    uint64_t head = 0;
    if (!TakeVarint(bytes, head)) return BrokenPage();
    const uint64_t size = head >> 1;
    if (size == 0 || size > uint64_t{1} << 31) return BrokenPage();
    if ((head & 1) != 0) {
      const int64_t taken = std::min<int64_t>(left, size * 8);
      // Some writers leave out what pads the last run.
      const auto needed = static_cast<size_t>((taken * width + 7) / 8);
      if (needed > bytes.size()) return BrokenPage();
      EachPacked(bytes, width, taken, [&out](uint64_t value) {
        out.push_back(static_cast<uint32_t>(value));
      });
      bytes.remove_prefix(
          std::min(bytes.size(), static_cast<size_t>(size) * width));
      left -= taken;
      continue;
    }
    const auto stored = static_cast<size_t>(width + 7) / 8;
    if (bytes.size() < stored) return BrokenPage();
    uint32_t value = 0;
    memcpy(&value, bytes.data(), stored);
    bytes.remove_prefix(stored);
    const int64_t taken = std::min<int64_t>(left, size);
    out.insert(out.end(), static_cast<size_t>(taken), value);
    left -= taken;
  }
  return absl::OkStatus();
}

absl::Status DecodeValues(std::string_view bytes, int64_t encoding,
                          const Node& leaf, int64_t count,
                          std::vector<Cell>& out,
                          std::vector<std::string>& made) {
  const bool whole =
      leaf.physical == Physical::kInt32 || leaf.physical == Physical::kInt64;
  const bool text = leaf.physical == Physical::kBytes ||
                    leaf.physical == Physical::kFixedBytes;
  switch (encoding) {
    case kPlainValues:
      return TakePlain(bytes, leaf, count, out);
    case kRunLengths: {
      if (leaf.physical != Physical::kBoolean || bytes.size() < 4) break;
      bytes.remove_prefix(4);  // their size, which is all there is
      std::vector<uint32_t> bits;
      SFT_RETURN_IF_ERROR(TakeHybrid(bytes, 1, count, bits));
      for (const uint32_t bit : bits) out.push_back({bit, {}});
      return absl::OkStatus();
    }
    case kDelta: {
      if (!whole) break;
      std::vector<int64_t> numbers;
      SFT_RETURN_IF_ERROR(TakeDeltas(bytes, count, numbers));
      if (std::ssize(numbers) != count) return BrokenPage();
      for (const int64_t number : numbers) {
        out.push_back({leaf.physical == Physical::kInt32
                           ? static_cast<int32_t>(number)
                           : number,
                       {}});
      }
      return absl::OkStatus();
    }
    case kDeltaLengths:
      if (!text) break;
      return TakeTexts(bytes, count, out);
    case kDeltaBytes:
      if (!text) break;
      return TakeFrontCoded(bytes, count, out, made);
    case kByteStreams:
      return TakeByteStreams(bytes, leaf, count, out, made);
    default:
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("column '", leaf.name, "' is in encoding ", encoding,
                   ", which is not read here: pyarrow or pandas rewrites it"));
}

}  // namespace sft::data::parquet
