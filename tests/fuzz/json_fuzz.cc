// The strict JSON reader: what it takes is written and read again alike.
#include "harness/formats/json.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  const auto value = formats::ParseJson(bytes);
  if (!value.ok()) return;
  const auto again = formats::ParseJson(value->dump());
  if (!again.ok() || again->dump() != value->dump()) std::abort();
}

}  // namespace sft::fuzz
