// YAML as a small tree with line numbers, read from yaml-cpp's events so that
// depth, size, anchors and repeated keys are refused while reading.
#ifndef HARNESS_SPEC_YAML_TREE_H_
#define HARNESS_SPEC_YAML_TREE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::spec {

inline constexpr size_t kMaxSpecBytes = size_t{1} << 20;
inline constexpr int kMaxSpecDepth = 32;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Entry;
  Kind kind = Kind::kNull;
  int line = 0;                 // counted from 1
  std::string text;             // of a scalar
  std::vector<YamlNode> items;  // of a list
  std::vector<Entry> entries;   // of a map, as written

  // "a list", for messages.
  std::string_view KindName() const;
};
// No std::pair, of which clang 14 makes no node that holds such pairs.
struct YamlNode::Entry {
  YamlNode key, value;
};

// The one document of `text`; errors are "path:line: what".
absl::StatusOr<YamlNode> ParseYaml(const std::string& path,
                                   std::string_view text);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_YAML_TREE_H_
