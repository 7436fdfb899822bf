// Rows of users' files: the first byte chooses the format.
#include <array>
#include <filesystem>

#include "harness/data/conll.h"
#include "harness/data/csv.h"
#include "harness/data/gettext_mo.h"
#include "harness/data/jsonl.h"
#include "harness/data/tsv.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  if (bytes.empty()) return;
  const MemoryFile file(bytes.substr(1));
  switch (bytes[0] % 6) {
    case 0:
      (void)data::ReadJsonl(file.path());
      break;
    case 1:
      (void)data::ReadJsonArray(file.path());
      break;
    case 2:
      (void)data::ReadCsv(file.path(), {});
      break;
    case 3:
      (void)data::ReadConll(file.path(), {.iob1 = (bytes[0] & 8) != 0});
      break;
    case 4:
      (void)data::ReadTsv(file.path(), {});
      break;
    default:
      (void)data::ReadMo(file.path());
  }
}

}  // namespace sft::fuzz
