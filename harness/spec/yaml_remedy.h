// What is wrong with text that is no YAML, in the words of who wrote it: a tab,
// an indentation, a colon, a quote or bracket left open.
#ifndef HARNESS_SPEC_YAML_REMEDY_H_
#define HARNESS_SPEC_YAML_REMEDY_H_

#include <string>
#include <string_view>

namespace sft::spec {

struct YamlFault {
  int line = 0;  // counted from 1, 0 = unknown
  int column = 0;
  std::string what;
};

// `found`: where the parser stopped, and why. The fault is where the text has
// to be changed, which often is above; it ends with that line itself.
YamlFault ExplainYaml(std::string_view text, const YamlFault& found);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_YAML_REMEDY_H_
