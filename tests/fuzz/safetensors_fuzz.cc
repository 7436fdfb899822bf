// safetensors files, headers and data.
#include "harness/formats/safetensors.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  const MemoryFile file(bytes);
  (void)formats::ReadSafetensors(file.path());
}

}  // namespace sft::fuzz
