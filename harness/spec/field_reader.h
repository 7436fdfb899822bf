// Fields, values and axes out of the YAML of a spec. What is wrong is
// complained of and left out, and its field is in doubt from then on.
#ifndef HARNESS_SPEC_FIELD_READER_H_
#define HARNESS_SPEC_FIELD_READER_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/fields.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/yaml_tree.h"

namespace sft::spec {

class FieldReader {
 public:
  // `spec` gets complaints and doubts, and outlives it.
  FieldReader(const SpecTables& tables, ExperimentSpec& spec);

  // The names of a spec's own data set serve as those of the tables do.
  void AddDataset(const std::string& name);
  const SpecTables& tables() const { return tables_; }
  const std::map<std::string, FieldSpec>& fields() const { return fields_; }

  void Complain(const YamlNode& node, std::string_view what);
  void Doubt(const std::string& field) { spec_.in_doubt.insert(field); }
  // A key that is none, one of its kind, or a node of another kind.
  void ComplainOfKey(const YamlNode& key, const YamlNode& value,
                     std::string_view where,
                     const std::vector<std::string>& known);
  bool Want(const YamlNode& node, YamlNode::Kind kind, std::string_view name);

  // nullptr if there is no such field; `where` is " under set:".
  const FieldSpec* FindField(const YamlNode& key, const YamlNode& value,
                             std::string_view where);
  std::optional<SpecValue> ReadValue(const FieldSpec& field,
                                     const YamlNode& node);
  // A field's one value; twice is an error.
  void Set(const YamlNode& key, const FieldSpec& field, const YamlNode& node,
           std::map<std::string, SpecValue>& set);
  void ReadSet(const YamlNode& node, std::map<std::string, SpecValue>& set);
  // Of `grid`, or of `zip`, where an axis may have a value twice.
  void ReadAxes(std::string_view where, const YamlNode& node,
                std::vector<SpecAxis>& axes);
  // field -> the values that match; one value needs no list. False if any of
  // it was refused, so that it would match other cells than were meant.
  bool ReadMatch(std::string_view where, const YamlNode& node,
                 SpecMatch& match);

 private:
  void ReadAxis(std::string_view where, const FieldSpec& field,
                const YamlNode& values, SpecAxis& axis);

  ExperimentSpec& spec_;
  SpecTables tables_;  // with the names of the spec's own data sets
  const std::map<std::string, FieldSpec> fields_;
  std::vector<std::string> names_;  // of the fields
};

}  // namespace sft::spec

#endif  // HARNESS_SPEC_FIELD_READER_H_
