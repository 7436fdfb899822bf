// Catalogues of translated messages as GNU gettext's msgfmt writes them (.mo;
// the gettext manual, "The Format of GNU MO Files").
#ifndef HARNESS_DATA_GETTEXT_MO_H_
#define HARNESS_DATA_GETTEXT_MO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"

namespace sft::data {

struct CatalogueMessage {
  int64_t number = 0;  // place in the file's table, from 1
  std::string text, translation;
};
struct Catalogue {
  std::vector<CatalogueMessage> messages;
  std::vector<RefusedRow> refused;
};

// The messages of a file of either byte order, without contexts; of plural
// forms the first, and not the header. Offsets and lengths are checked against
// the file's size before a string is made. A message that is no UTF-8 or has
// no translation is refused under "file: message N"; a file that is no
// catalogue, whose strings leave it or overlap, or whose header names a charset
// other than UTF-8 and ASCII, is an error.
absl::StatusOr<Catalogue> ReadMo(const std::string& path);

}  // namespace sft::data

#endif  // HARNESS_DATA_GETTEXT_MO_H_
