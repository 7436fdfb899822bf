// Named entities: a BIO tag for each word. An encoder tags the words; a decoder
// writes the entities, which are read back as tags. A user's rows are words
// with tags of any scheme, or a text with spans of its characters.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/data/entity_answer.h"
#include "harness/data/entity_spans.h"
#include "harness/data/tag_scheme.h"
#include "harness/data/tasks/kinds.h"
#include "harness/data/tasks/user_record.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

absl::StatusOr<std::vector<HeadWindow>> WordWindows(const HeadInput& in) {
  const Row& row = in.row;
  const std::vector<std::string> classes = TagClasses(in.task);
  if (row.words.empty() || row.words.size() != row.tags.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        row.words.size(), " words with ", row.tags.size(), " tags"));
  }
  TextSide side;
  std::vector<int64_t> begins;
  for (size_t w = 0; w < row.words.size(); ++w) {
    const auto found = std::find(classes.begin(), classes.end(), row.tags[w]);
    if (found == classes.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "word ", w + 1, ": tag '", row.tags[w], "' is none of the task's"));
    }
    const std::vector<int32_t> ids = in.tokenizer.Encode(
        (in.layout.space_before_words ? " " : "") + row.words[w]);
    if (ids.empty()) {
      begins.push_back(-1);
      continue;
    }
    begins.push_back(side.size());
    side.labels.push_back(static_cast<int32_t>(found - classes.begin()));
    side.labels.insert(side.labels.end(), ids.size() - 1, kNoLoss);
    side.ids.insert(side.ids.end(), ids.begin(), ids.end());
  }
  std::vector<HeadWindow> windows = {
      WholeWindow(in.layout, side, std::nullopt, in.max_length)};
  const int64_t kept = side.size() - windows[0].cut_tokens;
  const int64_t first = std::ssize(in.layout.before);
  for (int64_t begin : begins) {
    const bool is_kept = begin >= 0 && begin < kept;
    windows[0].word_tokens.push_back(is_kept ? first + begin : -1);
  }
  return windows;
}

// Spans of characters stand in a column that `columns` names so.
bool HasSpans(const spec::UserData& data) {
  return data.columns.contains("entities");
}

UserParts TokenLabelsParts(const spec::UserData& data,
                           const std::vector<std::string>&) {
  if (HasSpans(data)) {
    return {.prompt = {"text"}, .answer = {"entities"}, .has_places = true};
  }
  return {.prompt = {"words"}, .answer = {"tags"}};
}

std::string TokenLabelsRemedy(const std::vector<std::string>& columns) {
  const auto has = [&columns](const char* name) {
    return std::find(columns.begin(), columns.end(), name) != columns.end();
  };
  if (has("tokens")) {
    return absl::StrCat("columns: {words: tokens, tags: ",
                        has("ner_tags") ? "ner_tags" : "TAGS",
                        "} reads words "
                        "and tags");
  }
  if (!has("text")) return "";
  for (const char* name : {"entities", "spans", "label", "labels", "ents"}) {
    if (!has(name)) continue;
    return absl::StrCat("columns: {text: text, entities: ", name,
                        "} reads spans of characters");
  }
  return "";
}

absl::StatusOr<CutSpans> CutSpansOf(const spec::UserData& data) {
  const std::string& how = data.cut_spans;
  if (how.empty() || how == "fail") return CutSpans::kFail;
  if (how == "widen") return CutSpans::kWiden;
  if (how == "drop") return CutSpans::kDrop;
  return absl::InvalidArgumentError(
      absl::StrCat("cut_spans: '", how, "': wanted one of fail, widen, drop"));
}

absl::StatusOr<TaggedWords> WordsOfSpans(const UserRecord& record) {
  SFT_ASSIGN_OR_RETURN(const CutSpans cut, CutSpansOf(record.data()));
  SFT_ASSIGN_OR_RETURN(const std::string text, record.Text("text"));
  nlohmann::json parsed;
  const nlohmann::json* value = record.Find("entities");
  if (value != nullptr && value->is_string()) {
    SFT_ASSIGN_OR_RETURN(
        parsed, formats::ParseJson(value->get_ref<const std::string&>()));
    value = &parsed;
  }
  absl::StatusOr<std::vector<EntitySpan>> spans =
      ReadEntitySpans(value == nullptr ? parsed : *value);
  if (!spans.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("column '", record.Column("entities"),
                     "': ", spans.status().message()));
  }
  return TagWords(text, *std::move(spans), cut);
}

// As they stand, numbers replaced by the names that tag_names has for them.
absl::StatusOr<Tags> NamedTags(const UserRecord& record) {
  SFT_ASSIGN_OR_RETURN(const nlohmann::json* value, record.Wanted("tags"));
  Tags tags = record.Words(*value);
  const std::vector<std::string>& names = record.data().tag_names;
  for (std::string& tag : tags) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(tag, &number)) continue;
    if (names.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("tag ", tag,
                       ": wanted names, as B-person, not numbers; tag_names: "
                       "[O, B-person, ...] says what they mean, from 0 on"));
    }
    if (number < 0 || number >= std::ssize(names)) {
      return absl::InvalidArgumentError(
          absl::StrCat("tag ", number, ": tag_names: has ", names.size(),
                       " names, from 0 to ", names.size() - 1));
    }
    tag = names[number];
  }
  return tags;
}

absl::StatusOr<TaggedWords> WordsOfRecord(const UserRecord& record) {
  if (HasSpans(record.data())) return WordsOfSpans(record);
  TaggedWords out;
  SFT_ASSIGN_OR_RETURN(const nlohmann::json* words, record.Wanted("words"));
  out.words = record.Words(*words);
  SFT_ASSIGN_OR_RETURN(out.tags, NamedTags(record));
  const std::string& name = record.data().scheme;
  if (name.empty() || name == "auto") return out;
  SFT_ASSIGN_OR_RETURN(const TagSchemeRow* scheme, TagSchemeByName(name));
  SFT_RETURN_IF_ERROR(scheme->to_iob2(out.tags));
  return out;
}

// Bad rows are told when they are read.
absl::Status SettleTags(const EachRecord& each, spec::UserData& data,
                        std::vector<std::string>& notes) {
  SFT_RETURN_IF_ERROR(CutSpansOf(data).status());
  if (!data.scheme.empty() && data.scheme != "auto") {
    return TagSchemeByName(data.scheme).status();
  }
  TagSchemeSurvey survey;
  int64_t cut = 0;
  SFT_RETURN_IF_ERROR(each([&](const UserRecord& record) -> absl::Status {
    if (HasSpans(data)) {
      const absl::StatusOr<TaggedWords> words = WordsOfSpans(record);
      if (words.ok()) cut += words->cut;
    } else if (const absl::StatusOr<Tags> tags = NamedTags(record); tags.ok()) {
      survey.Add(*tags);
    }
    return absl::OkStatus();
  }));
  if (cut > 0) {
    notes.push_back(absl::StrCat(
        cut, " entities begin or end within a word and are ",
        data.cut_spans == "widen" ? "widened to whole words" : "left out"));
  }
  data.scheme = survey.Scheme();
  if (data.scheme != "iob2") {
    notes.push_back(
        absl::StrCat("tags are of scheme ", data.scheme, ", read as BIO2"));
  }
  return absl::OkStatus();
}

absl::Status CheckTags(const Row& row, const Task& task) {
  if (row.words.size() != row.tags.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        row.words.size(), " words with ", row.tags.size(), " tags"));
  }
  std::string before = "O";
  for (size_t w = 0; w < row.tags.size(); ++w) {
    const std::string& tag = row.tags[w];
    const std::string type = tag.size() > 2 ? tag.substr(2) : "";
    const bool known =
        tag == "O" || ((tag[0] == 'B' || tag[0] == 'I') && tag[1] == '-' &&
                       std::find(task.labels.begin(), task.labels.end(),
                                 type) != task.labels.end());
    if (!known) {
      return absl::InvalidArgumentError(absl::StrCat(
          "word ", w + 1, ": tag '", tag, "' is neither O nor B- or I- of ",
          CanonicalText(task.labels).substr(0, 200)));
    }
    if (tag[0] == 'I' && (before == "O" || before.substr(2) != type)) {
      return absl::InvalidArgumentError(
          absl::StrCat("word ", w + 1, ": ", tag, " follows ", before,
                       ", wanted B-", type, " first"));
    }
    before = tag;
  }
  return absl::OkStatus();
}

absl::Status FillTokenLabels(const UserRecord& record, const Task& task,
                             Row& row) {
  SFT_ASSIGN_OR_RETURN(TaggedWords read, WordsOfRecord(record));
  row.words = std::move(read.words);
  row.tags = std::move(read.tags);
  SFT_RETURN_IF_ERROR(CheckTags(row, task));
  const std::string answer = EntityAnswer(row.words, row.tags);
  if (!HasSpans(record.data()) || !record.data().prompt_template.empty()) {
    return record.Ask("Text: {words}\nEntities:", answer, row);
  }
  row.turns = {{"user", absl::StrCat("Text: ", absl::StrJoin(row.words, " "),
                                     "\nEntities:")},
               {"assistant", answer}};
  return absl::OkStatus();
}

absl::Status AddTypes(const UserRecord& record, std::set<std::string>& types) {
  if (!HasSpans(record.data()) && record.Find("tags") != nullptr) {
    SFT_RETURN_IF_ERROR(NamedTags(record).status());
  }
  const absl::StatusOr<TaggedWords> read = WordsOfRecord(record);
  if (!read.ok()) return absl::OkStatus();  // told when it is filled in
  for (const std::string& tag : read->tags) {
    if (tag.size() > 2 && tag[1] == '-') types.insert(tag.substr(2));
  }
  return absl::OkStatus();
}

std::string TypeComplaint(const std::string& type) {
  const std::string why = EntityTypeComplaint(type);
  if (why.empty()) return "";
  return absl::StrCat("entity type '", type, "' ", why,
                      ", which the written form 'type: words; type: words' "
                      "cannot carry; name it otherwise in the file, such as "
                      "with _");
}

}  // namespace

TaskKindRow TokenLabelsKind() {
  TaskKindRow row{.name = "token_labels",
                  .summary = "named entities: a BIO tag for each word",
                  .generates = true,
                  .writes_tags = true};
  row.head =
      HeadForm{HeadKind::kToken,
               [](const Task& task) { return 1 + 2 * std::ssize(task.labels); },
               WordWindows};
  UserForm user = PlainUserForm(row.name, {"span_f1", "span_f1_strict"});
  user.formats = {"conll"};
  user.keys = {"scheme", "tag_names", "cut_spans"};
  user.parts = TokenLabelsParts;
  user.settle = SettleTags;
  user.column_remedy = TokenLabelsRemedy;
  user.fill = FillTokenLabels;
  user.label_noun = "B- tag of an entity";
  user.add_labels = AddTypes;
  user.label_complaint = TypeComplaint;
  row.user = std::move(user);
  return row;
}

}  // namespace sft::data
