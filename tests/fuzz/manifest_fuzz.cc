// Manifests of plans: as a whole, and a run at a time.
#include "harness/spec/manifest.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  const auto reader = spec::ManifestReader::Open("manifest", bytes, {});
  if (!reader.ok()) return;
  (void)reader->Plan();
  for (size_t i = 0; i < reader->runs() && i < 100; ++i) {
    const auto run = reader->Run(i);
    if (run.ok()) (void)reader->IndexOf(run->run_id);
  }
}

}  // namespace sft::fuzz
