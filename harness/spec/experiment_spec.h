// The question as written in YAML (design: the spec). No default is filled in
// here; every value keeps the line it stood on for error messages.
#ifndef HARNESS_SPEC_EXPERIMENT_SPEC_H_
#define HARNESS_SPEC_EXPERIMENT_SPEC_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/fields.h"
#include "harness/spec/complaints.h"
#include "harness/spec/run_config.h"
#include "harness/spec/user_data.h"

namespace sft::spec {

struct SpecValue {
  std::string text;
  int line = 0;
};
struct SpecAxis {
  std::string name;
  std::vector<SpecValue> values;
  int line = 0;
  // Its values are drawn, one a draw of the search: axes that are drawn move
  // together.
  bool is_drawn = false;
};
// field -> values, one of which a cell must have.
using SpecMatch = std::map<std::string, std::vector<std::string>>;
struct SpecCase {  // axes that hold only where every `when` axis matches
  SpecMatch when;
  std::vector<SpecAxis> grid;
  std::map<std::string, SpecValue> set;
  int line = 0;
};

struct SpecExclusion {  // cells that are left out
  SpecMatch when;
  int line = 0;
};

struct SpecSearch {
  std::string kind;                            // "" = none
  std::map<std::string, std::string> options;  // of the kind, canonical
  int64_t draws = 0;                           // of axes that are drawn
  int64_t seed = 0;                            // of the draws
};

struct ExperimentSpec {
  std::string path;  // for messages
  std::string text;  // as written, recorded
  std::string question;
  std::map<std::string, SpecValue> set;  // fixed fields: model, budget.steps,
                                         // batch_size, ... ("set:" block and
                                         // model/train/evaluate/budget keys)
  std::vector<SpecAxis> grid;
  std::vector<SpecCase> cases;
  std::vector<std::vector<SpecAxis>> zip;
  std::vector<SpecExclusion> exclude;
  std::map<std::string, std::string> baseline;
  std::string select_by;
  std::vector<std::string> select_per;
  SpecSearch search;
  std::vector<UserData> data;  // the user's own data sets
  // Line of each key at the top, and of those under `baseline` and `select` as
  // "baseline.method", "select.by".
  std::map<std::string, int> lines;

  // What reading it refused; empty in a spec that ParseSpec gives. The plan of
  // the others adds its own, but for what may only follow from these: a field
  // in doubt lacks a value that was meant, and "" stands for all of them.
  Complaints complaints;
  std::set<std::string> in_doubt;
  bool Doubts(const std::string& field) const {
    return in_doubt.count("") != 0 || in_doubt.count(field) != 0;
  }
};

// "path:line" where `field` has this canonical value (of several the last, as
// cases win), else where the field or the key at the top stands, else "path".
std::string WhereInSpec(const ExperimentSpec& spec, const std::string& field,
                        const std::string& value = "");

// Of select.by: the measure, and the task that alone counts, "" = all have one.
std::string MeasureOf(const std::string& select_by);
std::string TaskOfMeasure(const std::string& select_by);

// Axis names in the order of the spec.
std::vector<std::string> AxisNames(const ExperimentSpec& spec);
bool HasDrawnAxis(const ExperimentSpec& spec);

// What the composition root tells the spec about its tables.
struct MethodSpecRow {
  std::string name;
  std::string summary;
  std::vector<FieldSpec> options;
  std::string data_option = {};  // the one that names a data set; "" = none
};
struct OptimizerSpecRow {
  std::string name;
  // Why a config cannot have it, "" if it can.
  std::function<std::string(const RunConfig&)> objection;
};
struct SpecTables {
  std::vector<MethodSpecRow> update_methods;
  std::vector<MethodSpecRow> batching_methods;
  std::vector<MethodSpecRow> searches;
  std::vector<OptimizerSpecRow> optimizers;
  std::vector<std::string> models;
  std::vector<std::string> datasets;  // trainable
  std::vector<std::string> tasks;     // for `evaluate`
  std::vector<std::string> retained;  // for `retain`
  int64_t cores = 1;  // what `threads: auto` means here, in the plan
};

// Of all methods.
LaterOptions LaterOptionsOf(const SpecTables& tables);
// Every field that a spec may set or vary: RunConfig's, `optimizer` with the
// tables' names as its choices, and all options of the tables' methods.
std::map<std::string, FieldSpec> KnownFields(const SpecTables& tables);
// `text` in canonical form, names looked up in the tables; the error says what
// was wanted.
absl::StatusOr<std::string> CanonicalSpecValue(const FieldSpec& field,
                                               const std::string& text,
                                               const SpecTables& tables);

// Unknown keys are errors that name the line and the nearest known key. An
// error holds all that is wrong with the spec as written, a line each; text
// that is no YAML has its first fault alone.
absl::StatusOr<ExperimentSpec> ParseSpec(const std::string& path,
                                         const SpecTables& tables);
absl::StatusOr<ExperimentSpec> ParseSpecText(const std::string& path,
                                             std::string_view text,
                                             const SpecTables& tables);
// The same, as far as it can be read: errors are of the file and of YAML alone,
// the others are in its `complaints`, and the plan ends with them.
absl::StatusOr<ExperimentSpec> ReadSpec(const std::string& path,
                                        const SpecTables& tables);
absl::StatusOr<ExperimentSpec> ReadSpecText(const std::string& path,
                                            std::string_view text,
                                            const SpecTables& tables);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_EXPERIMENT_SPEC_H_
