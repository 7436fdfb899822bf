#include "harness/record/sealed_file.h"

#include <charconv>
#include <utility>

#include "harness/core/digest.h"
#include "harness/core/files.h"
#include "harness/core/status.h"

namespace sft::record {
namespace {

constexpr size_t kBlockBytes = 512;  // the smallest that HDF5 skips
constexpr std::string_view kMagic = "sftbench record\nbytes ";
constexpr std::string_view kDigestLabel = "\nsha256 ";
constexpr int64_t kMaxRecordBytes = int64_t{1} << 32;

std::string BlockOf(std::string_view image) {
  std::string block =
      absl::StrCat(ToAbsl(kMagic), image.size(), ToAbsl(kDigestLabel),
                   Sha256Hex(image), "\n");
  block.resize(kBlockBytes, '\0');
  return block;
}

}  // namespace

absl::StatusOr<std::string> SealItems(std::vector<H5Item> items) {
  SFT_ASSIGN_OR_RETURN(const std::string image, EncodeH5(std::move(items)));
  return BlockOf(image) + image;
}

absl::StatusOr<std::vector<H5Item>> ReadSealedItems(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string bytes,
                       ReadFile(path, kMaxRecordBytes));
  const std::string_view text = bytes;
  if (text.substr(0, kMagic.size()) != kMagic) {
    return InputError(path, "is no record of sftbench");
  }
  if (text.size() < kBlockBytes) {
    return InputError(path, "is truncated within its first 512 bytes");
  }
  size_t size = 0;
  const char* first = text.data() + kMagic.size();
  const auto number = std::from_chars(first, text.data() + kBlockBytes, size);
  const std::string_view image = text.substr(kBlockBytes);
  if (number.ec == std::errc() && image.size() < size) {
    return InputError(path, absl::StrCat("is truncated: holds ", text.size(),
                                         " of ", size + kBlockBytes, " bytes"));
  }
  if (text.substr(0, kBlockBytes) != BlockOf(image)) {
    return InputError(path,
                      "is damaged: its bytes do not match the SHA-256 that it "
                      "was written with");
  }
  return DecodeH5(path, bytes);
}

}  // namespace sft::record
