// Everything that is wrong with an input, where a first error alone would make
// its writer come back once for each.
#ifndef HARNESS_SPEC_COMPLAINTS_H_
#define HARNESS_SPEC_COMPLAINTS_H_

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace sft::spec {

class Complaints {
 public:
  // `where` is "file" or "file:line"; `what` names the value and the remedy.
  void Add(std::string_view where, std::string_view what);
  // Nothing if `status` is OK; each of its lines is one.
  void Add(const absl::Status& status);

  bool empty() const { return lines_.empty(); }
  // In the order of being added, none twice.
  const std::vector<std::string>& lines() const { return lines_; }
  // OK without any, else one error with a line each; of very many the first.
  absl::Status ToStatus() const;

 private:
  std::vector<std::string> lines_;
  std::set<std::string> known_;
};

}  // namespace sft::spec

#endif  // HARNESS_SPEC_COMPLAINTS_H_
