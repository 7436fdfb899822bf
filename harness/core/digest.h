// SHA-256 (FIPS 180-4, by OpenSSL): ids, checksums, provenance.
#ifndef HARNESS_CORE_DIGEST_H_
#define HARNESS_CORE_DIGEST_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace sft {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(const void* data, size_t size_bytes);
  void Update(std::string_view text) { Update(text.data(), text.size()); }
  // Length-prefixed, so that ("ab","c") and ("a","bc") differ.
  void UpdateField(std::string_view text);
  // Lower-case hex; ends the digest.
  std::string Hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string Sha256Hex(std::string_view bytes);
absl::StatusOr<std::string> Sha256OfFile(const std::string& path);

}  // namespace sft

#endif  // HARNESS_CORE_DIGEST_H_
