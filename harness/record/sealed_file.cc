#include "harness/record/sealed_file.h"

#include <charconv>
#include <cstring>
#include <fstream>
#include <utility>

#include "harness/core/digest.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/describe.h"
#include "harness/record/packed_items.h"

namespace sft::record {
namespace {

constexpr std::string_view kPlainMagic = "sftbench record\nbytes ";
constexpr std::string_view kPackedMagic = "sftbench packed record\nbytes ";
constexpr std::string_view kDigestLabel = "\nsha256 ";
constexpr size_t kPackedSizeBytes = sizeof(uint64_t);

bool BeginsWith(std::string_view text, std::string_view magic) {
  return text.substr(0, magic.size()) == magic;
}

std::string SealWith(std::string_view magic, size_t size_bytes,
                     const std::string& sha256) {
  std::string seal = absl::StrCat(ToAbsl(magic), size_bytes,
                                  ToAbsl(kDigestLabel), sha256, "\n");
  seal.resize(kSealBytes, '\0');
  return seal;
}

// Where the packed items of a sealed file lie.
absl::StatusOr<std::string_view> PackedPart(const std::string& where,
                                            std::string_view bytes) {
  const std::string_view rest = bytes.substr(kSealBytes);
  uint64_t size = 0;
  if (rest.size() >= kPackedSizeBytes) {
    std::memcpy(&size, rest.data(), kPackedSizeBytes);
  }
  if (rest.size() < kPackedSizeBytes || size > rest.size() - kPackedSizeBytes) {
    return InputError(where, "is damaged: its packed values are not whole");
  }
  return rest.substr(kPackedSizeBytes, size);
}

}  // namespace

absl::StatusOr<std::string> SealItems(std::vector<H5Item> items) {
  SortItems(items);
  SFT_ASSIGN_OR_RETURN(const std::string packed, PackItems(items));
  SFT_ASSIGN_OR_RETURN(const std::string image,
                       EncodeSortedH5(items, NotesOn(items)));
  const uint64_t packed_size = packed.size();
  std::string body(kPackedSizeBytes, '\0');
  std::memcpy(body.data(), &packed_size, kPackedSizeBytes);
  body += packed;
  // HDF5 looks for its data at the powers of two.
  size_t block = kSealBytes;
  while (block < kSealBytes + body.size()) block *= 2;
  body.resize(block - kSealBytes, '\0');
  body += image;
  return SealWith(kPackedMagic, body.size(), Sha256Hex(body)) + body;
}

std::string SealOf(size_t size_bytes, const std::string& sha256) {
  return SealWith(kPlainMagic, size_bytes, sha256);
}

absl::StatusOr<std::string> ReadSealed(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, kMaxRecordBytes));
  SFT_RETURN_IF_ERROR(CheckSeal(path, bytes));
  return bytes;
}

absl::Status CheckSeal(const std::string& where, std::string_view bytes) {
  const bool is_packed = BeginsWith(bytes, kPackedMagic);
  const std::string_view magic = is_packed ? kPackedMagic : kPlainMagic;
  if (!BeginsWith(bytes, magic)) {
    return InputError(where, "is no record of sftbench");
  }
  if (bytes.size() < kSealBytes) {
    return InputError(where, "is truncated within its first 512 bytes");
  }
  size_t size = 0;
  const auto number = std::from_chars(bytes.data() + magic.size(),
                                      bytes.data() + kSealBytes, size);
  const std::string_view body = bytes.substr(kSealBytes);
  if (number.ec == std::errc() && body.size() < size) {
    return InputError(where, absl::StrCat("is truncated: holds ", bytes.size(),
                                          " of ", size + kSealBytes, " bytes"));
  }
  if (bytes.substr(0, kSealBytes) !=
      SealWith(magic, body.size(), Sha256Hex(body))) {
    return InputError(where,
                      "is damaged: its bytes do not match the SHA-256 that it "
                      "was written with");
  }
  return absl::OkStatus();
}

bool BeginsPacked(const std::string& path) {
  std::string begin(kPackedMagic.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return file.good() && begin == kPackedMagic;
}

bool HasPackedItems(std::string_view bytes) {
  return BeginsWith(bytes, kPackedMagic);
}

absl::StatusOr<std::vector<H5Item>> ItemsOfSealed(const std::string& where,
                                                  const std::string& bytes) {
  if (!HasPackedItems(bytes)) return DecodeH5(where, bytes);
  SFT_ASSIGN_OR_RETURN(const std::string_view packed, PackedPart(where, bytes));
  return UnpackItems(where, packed);
}

absl::Status CheckPackedItems(const std::string& where,
                              const std::string& bytes,
                              const std::vector<H5Item>& items) {
  if (!HasPackedItems(bytes)) return absl::OkStatus();
  SFT_ASSIGN_OR_RETURN(const std::vector<H5Item> seen, DecodeH5(where, bytes));
  if (FlatBytes(items) != FlatBytes(seen)) {
    return InputError(where,
                      "is damaged: its packed values are not those that HDF5 "
                      "readers find");
  }
  return absl::OkStatus();
}

}  // namespace sft::record
