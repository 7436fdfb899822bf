#include "harness/core/digest.h"

#include <openssl/evp.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "harness/core/status.h"
#include "harness/core/stop_point.h"

namespace sft {

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Impl() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  EVP_DigestInit_ex(impl_->context, EVP_sha256(), nullptr);
}
Sha256::~Sha256() = default;

void Sha256::Update(const void* data, size_t size_bytes) {
  EVP_DigestUpdate(impl_->context, data, size_bytes);
}

void Sha256::UpdateField(std::string_view text) {
  const uint64_t size = text.size();
  Update(&size, sizeof(size));
  Update(text);
}

std::string Sha256::Hex() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(impl_->context, bytes, &size);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * size);
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[bytes[i] >> 4];
    hex += kDigits[bytes[i] & 15];
  }
  return hex;
}

std::string Sha256Hex(std::string_view bytes) {
  Sha256 digest;
  digest.Update(bytes);
  return digest.Hex();
}

absl::StatusOr<std::string> Sha256OfFile(const std::string& path) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "rb"), fclose);
  if (file == nullptr) return InputError(path, "cannot be opened");
  Sha256 digest;
  std::vector<char> buffer(1 << 20);
  size_t n = 0;
  while ((n = fread(buffer.data(), 1, buffer.size(), file.get())) > 0) {
    digest.Update(buffer.data(), n);
    StopPoint();
  }
  if (ferror(file.get())) return InputError(path, "cannot be read");
  return digest.Hex();
}

}  // namespace sft
