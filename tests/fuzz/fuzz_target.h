// A fuzz target is one file: Fuzz() reads bytes as one of the program's formats
// and must come back, whatever they are. libFuzzer drives it in a build with
// -DSFT_FUZZ=ON (clang); test_fuzz_<name> reads tests/fuzz/corpus/<name> once,
// past findings among it, in every build.
#ifndef TESTS_FUZZ_FUZZ_TARGET_H_
#define TESTS_FUZZ_FUZZ_TARGET_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace sft::fuzz {

void Fuzz(std::string_view bytes);

// Bytes under a path, for readers that take one; nothing is on a disk.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes)
      : descriptor_(memfd_create("fuzz", 0)) {
    if (descriptor_ < 0) std::abort();
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t wrote =
          write(descriptor_, bytes.data() + at, bytes.size() - at);
      if (wrote <= 0) std::abort();
      at += static_cast<size_t>(wrote);
    }
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const {
    return "/proc/self/fd/" + std::to_string(descriptor_);
  }

 private:
  int descriptor_;
};

}  // namespace sft::fuzz

#endif  // TESTS_FUZZ_FUZZ_TARGET_H_
