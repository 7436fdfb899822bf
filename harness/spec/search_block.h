// The block search: of a spec, {kind: halving, rungs: 3, draws: 20}: how cells
// compete, and how often the axes are drawn whose values are.
#ifndef HARNESS_SPEC_SEARCH_BLOCK_H_
#define HARNESS_SPEC_SEARCH_BLOCK_H_

#include "harness/spec/field_reader.h"
#include "harness/spec/yaml_tree.h"

namespace sft::spec {

// Before any axis is read. What is refused leaves "search" in doubt.
void ReadSearchBlock(const YamlNode& node, FieldReader& reader,
                     ExperimentSpec& spec);

// Once all is read: that draws and axes to be drawn are both there, and what
// scores are compared.
void CheckSearchBlock(ExperimentSpec& spec);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_SEARCH_BLOCK_H_
