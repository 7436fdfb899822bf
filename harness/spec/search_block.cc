#include "harness/spec/search_block.h"

#include <algorithm>
#include <utility>

#include "harness/core/status.h"
#include "harness/spec/cells.h"

namespace sft::spec {
namespace {

using Kind = YamlNode::Kind;

// What any kind of search has.
struct DrawFields {
  int64_t draws = 0;
  int64_t seed = 0;
  template <class V>
  void VisitFields(V& v) {
    v("draws", draws, Limits{1, static_cast<double>(kMaxCells), {}},
      "values of each axis that is drawn, for every method alike");
    v("seed", seed, Limits{.min = 0}, "of the draws");
  }
};

const MethodSpecRow* FindSearch(const SpecTables& tables,
                                const std::string& kind) {
  for (const MethodSpecRow& row : tables.searches) {
    if (row.name == kind) return &row;
  }
  return nullptr;
}

std::string UnknownKind(const SpecTables& tables, const std::string& kind) {
  std::vector<std::string> names;
  for (const MethodSpecRow& row : tables.searches) names.push_back(row.name);
  const std::string near = NearestName(kind, names);
  return absl::StrCat(
      "search: kind = '", kind, "': wanted one of ", CanonicalText(names),
      near.empty() ? "" : absl::StrCat("; did you mean '", near, "'?"));
}

}  // namespace

void ReadSearchBlock(const YamlNode& node, FieldReader& reader,
                     ExperimentSpec& spec) {
  const size_t before = spec.complaints.lines().size();
  const auto doubt = [&] { reader.Doubt("search"); };
  if (!reader.Want(node, Kind::kMap, "search")) return doubt();
  const YamlNode* kind = nullptr;
  for (const auto& [key, value] : node.entries) {
    if (key.text == "kind") kind = &value;
  }
  const MethodSpecRow* row =
      kind == nullptr ? nullptr : FindSearch(reader.tables(), kind->text);
  if (kind == nullptr) {
    reader.Complain(node, "search: needs kind:, as {kind: halving, rungs: 3}");
    return doubt();
  }
  if (row == nullptr) {
    reader.Complain(*kind, UnknownKind(reader.tables(), kind->text));
    return doubt();
  }
  std::vector<FieldSpec> fields = DescribeFields<DrawFields>();
  fields.insert(fields.end(), row->options.begin(), row->options.end());
  std::map<std::string, std::string> values;
  for (const FieldSpec& field : row->options) {
    values[field.name] = field.default_text;
  }
  std::map<std::string, int> lines;
  for (const auto& [key, value] : node.entries) {
    if (key.text == "kind") continue;
    const auto field = std::find_if(
        fields.begin(), fields.end(),
        [&key = key](const FieldSpec& one) { return one.name == key.text; });
    if (field == fields.end()) {
      std::vector<std::string> names = {"kind"};
      for (const FieldSpec& one : fields) names.push_back(one.name);
      reader.ComplainOfKey(
          key, value, absl::StrCat(" under search: {kind: ", row->name, "}"),
          names);
      continue;
    }
    if (!reader.Want(value, Kind::kScalar,
                     absl::StrCat("search.", field->name))) {
      continue;
    }
    if (!lines.emplace(field->name, key.line).second) {
      reader.Complain(
          key, absl::StrCat("search: ", field->name, " stands already on line ",
                            lines.at(field->name)));
      continue;
    }
    const auto text = CanonicalizeField(*field, value.text);
    if (!text.ok()) {
      reader.Complain(value, absl::StrCat("search: ", text.status().message()));
      continue;
    }
    values[field->name] = *text;
  }
  if (spec.complaints.lines().size() != before) return doubt();
  DrawFields drawn;
  // They were canonical already.
  if (!ReadFields(values, drawn).ok()) return doubt();
  spec.search.kind = row->name;
  spec.search.draws = drawn.draws;
  spec.search.seed = drawn.seed;
  for (const FieldSpec& field : row->options) {
    spec.search.options[field.name] = values[field.name];
  }
}

void CheckSearchBlock(ExperimentSpec& spec) {
  if (spec.Doubts("search") || spec.search.kind.empty()) return;
  const std::string where = WhereInSpec(spec, "search");
  if (spec.search.draws > 0 && !HasDrawnAxis(spec) && spec.in_doubt.empty()) {
    spec.complaints.Add(
        where, absl::StrCat("search: draws = ", spec.search.draws,
                            ", and no axis is drawn; one is such as "
                            "learning_rate: {loguniform: [1e-5, 1e-3]} under "
                            "grid:"));
  }
  if (spec.select_by.empty() && !spec.Doubts("select")) {
    spec.complaints.Add(where,
                        "search: needs select:, which says what cells are "
                        "compared by, as {by: validation_loss, per: [method]}");
  }
}

}  // namespace sft::spec
