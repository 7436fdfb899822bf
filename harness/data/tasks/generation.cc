// Free text against references: summaries, translations, worked answers.
#include "harness/core/status.h"
#include "harness/data/tasks/kinds.h"
#include "harness/data/tasks/user_record.h"

namespace sft::data {
namespace {

UserParts GenerationParts(const spec::UserData&,
                          const std::vector<std::string>&) {
  return {.prompt = {"source"}, .answer = {"target"}};
}

absl::Status FillGeneration(const UserRecord& record, const Task&, Row& row) {
  using Json = nlohmann::json;
  SFT_ASSIGN_OR_RETURN(row.text, record.Text("source"));
  SFT_ASSIGN_OR_RETURN(const Json* target, record.Wanted("target"));
  if (target->is_object()) return WantedText(record.Column("target"), *target);
  for (const Json& one :
       target->is_array() ? *target : Json::array({*target})) {
    if (one.is_structured() || one.is_null()) {
      return WantedText(record.Column("target"), one);
    }
    row.references.push_back(TextOf(one));
    if (row.references.back().empty()) {
      return absl::InvalidArgumentError("target: a reference is empty");
    }
  }
  if (row.references.empty()) {
    return absl::InvalidArgumentError("target: no reference in it");
  }
  return record.Ask("{source}\n", row.references[0], row);
}

}  // namespace

TaskKindRow GenerationKind() {
  TaskKindRow row{.name = "generation",
                  .summary =
                      "free text against references, as in summaries and "
                      "translations",
                  .generates = true,
                  .has_references = true};
  UserForm user =
      PlainUserForm(row.name, {"rougeL", "bleu", "chrf"}, MeasuresWrittenText);
  user.formats = {"parallel"};
  user.parts = GenerationParts;
  user.fill = FillGeneration;
  row.user = std::move(user);
  return row;
}

}  // namespace sft::data
