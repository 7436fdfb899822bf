// ReadTextItems: from files to items.
#include "harness/metrics/text_item_files.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json.h"
#include "harness/metrics/unicode_text.h"

namespace sft::metrics {
namespace {

using nlohmann::json;
using Strings = std::vector<std::string>;

std::string At(const std::string& path, size_t line) {
  return absl::StrCat(path, ":", line);
}

absl::StatusOr<Strings> ReadUtf8Lines(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(Strings lines, ReadLines(path));
  if (!lines.empty()) lines[0] = WithoutByteOrderMark(lines[0]);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!IsValidUtf8(lines[i])) {
      return InputError(At(path, i + 1), "is not UTF-8");
    }
  }
  return lines;
}

std::string UnescapeNewlines(std::string line) {
  for (size_t at = 0; (at = line.find("\\n", at)) != std::string::npos; ++at) {
    line.replace(at, 2, 1, '\n');
  }
  return line;
}

absl::StatusOr<std::vector<TextItem>> ReadLineItems(
    const Metric& metric, const std::string& hypotheses,
    const Strings& references) {
  auto prepare = [&metric](const std::string& line) {
    return metric.text.escaped_newlines ? UnescapeNewlines(line) : line;
  };
  std::vector<TextItem> items;
  SFT_ASSIGN_OR_RETURN(const Strings lines, ReadUtf8Lines(hypotheses));
  for (const std::string& line : lines) items.push_back({prepare(line), {}});
  for (const std::string& path : references) {
    SFT_ASSIGN_OR_RETURN(const Strings wanted, ReadUtf8Lines(path));
    if (wanted.size() != lines.size()) {
      return InputError(
          path, absl::StrCat("has ", wanted.size(), " lines, but ", hypotheses,
                             " has ", lines.size()));
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      items[i].references.push_back(prepare(wanted[i]));
    }
  }
  return items;
}

struct TaggedSentence {
  Strings tags;
  size_t line = 0;  // of its first token
};

absl::StatusOr<std::vector<TaggedSentence>> ReadConll(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const Strings lines, ReadUtf8Lines(path));
  std::vector<TaggedSentence> sentences;
  bool inside = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    const Strings columns = SplitText(lines[i]);
    if (columns.empty()) {
      inside = false;
      continue;
    }
    if (!inside) sentences.push_back({{}, i + 1});
    inside = true;
    sentences.back().tags.push_back(columns.back());
  }
  return sentences;
}

std::string JoinTags(const Strings& tags) {
  std::string out;
  for (const std::string& tag : tags) out += (out.empty() ? "" : " ") + tag;
  return out;
}

absl::StatusOr<std::vector<TextItem>> ReadTagItems(
    const std::string& hypotheses, const std::string& references) {
  SFT_ASSIGN_OR_RETURN(const auto given, ReadConll(hypotheses));
  SFT_ASSIGN_OR_RETURN(const auto wanted, ReadConll(references));
  std::vector<TextItem> items;
  for (size_t i = 0; i < std::min(given.size(), wanted.size()); ++i) {
    if (given[i].tags.size() != wanted[i].tags.size()) {
      return InputError(
          At(hypotheses, given[i].line),
          absl::StrCat("this sentence has ", given[i].tags.size(),
                       " tokens, but at ", At(references, wanted[i].line),
                       " it has ", wanted[i].tags.size()));
    }
    items.push_back({JoinTags(given[i].tags), {JoinTags(wanted[i].tags)}});
  }
  if (given.size() != wanted.size()) {
    return InputError(references,
                      absl::StrCat("has ", wanted.size(), " sentences, but ",
                                   hypotheses, " has ", given.size()));
  }
  return items;
}

absl::StatusOr<json> ReadJson(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const std::string_view body = WithoutByteOrderMark(text);
  json value;
  const std::optional<formats::JsonFault> fault =
      formats::ReadJsonInto(body, formats::kMaxJsonDepth, value);
  if (!fault) return value;
  const auto line = std::count(body.begin(), body.begin() + fault->byte, '\n');
  return InputError(At(path, static_cast<size_t>(line) + 1), fault->what);
}

// A list of objects under `key`; null where it is not.
const json* ListIn(const json& parent, const char* key) {
  if (!parent.is_object()) return nullptr;
  const auto found = parent.find(key);
  return found != parent.end() && found->is_array() ? &*found : nullptr;
}

absl::StatusOr<TextItem> ReadQuestion(const json& question, const json& answers,
                                      const std::string& hypotheses,
                                      const std::string& references) {
  const json* wanted = ListIn(question, "answers");
  const auto id = question.is_object() ? question.find("id") : question.end();
  if (wanted == nullptr || id == question.end() || !id->is_string()) {
    return InputError(references, "a question wants \"id\" and \"answers\"");
  }
  const std::string name = id->get<std::string>();
  TextItem item;
  item.id = name;
  for (const json& answer : *wanted) {
    const auto text = answer.is_object() ? answer.find("text") : answer.end();
    if (text == answer.end() || !text->is_string()) {
      return InputError(
          references,
          absl::StrCat("question '", name, "': an answer wants \"text\""));
    }
    item.references.push_back(text->get<std::string>());
  }
  // SQuAD 2.
  const auto impossible = question.find("is_impossible");
  if (item.references.empty() && impossible != question.end() &&
      impossible->is_boolean() && impossible->get<bool>()) {
    item.references.emplace_back();
    item.unanswerable = true;
  }
  if (item.references.empty()) {
    return InputError(references, absl::StrCat("question '", name,
                                               "' has no answer, and no "
                                               "\"is_impossible\": true"));
  }
  const auto given = answers.find(name);
  item.answered = given != answers.end();
  if (item.answered && !given->is_string()) {
    return InputError(hypotheses, absl::StrCat("the answer to '", name,
                                               "' wants to be a string"));
  }
  if (item.answered) item.hypothesis = given->get<std::string>();
  return item;
}

absl::StatusOr<std::vector<TextItem>> ReadSquadItems(
    const std::string& hypotheses, const std::string& references) {
  SFT_ASSIGN_OR_RETURN(const json answers, ReadJson(hypotheses));
  if (!answers.is_object()) {
    return InputError(hypotheses, "wants to be {\"id\": \"answer\", ...}");
  }
  SFT_ASSIGN_OR_RETURN(const json dataset, ReadJson(references));
  const json* articles = ListIn(dataset, "data");
  if (articles == nullptr) {
    return InputError(references, "has no list \"data\", as SQuAD's JSON has");
  }
  std::vector<TextItem> items;
  for (const json& article : *articles) {
    const json* paragraphs = ListIn(article, "paragraphs");
    if (paragraphs == nullptr) {
      return InputError(references, "an article has no list \"paragraphs\"");
    }
    for (const json& paragraph : *paragraphs) {
      const json* questions = ListIn(paragraph, "qas");
      if (questions == nullptr) {
        return InputError(references, "a paragraph has no list \"qas\"");
      }
      for (const json& question : *questions) {
        SFT_ASSIGN_OR_RETURN(
            TextItem item,
            ReadQuestion(question, answers, hypotheses, references));
        items.push_back(std::move(item));
      }
    }
  }
  return items;
}

absl::StatusOr<std::vector<TextItem>> ReadItems(const Metric& metric,
                                                const std::string& hypotheses,
                                                const Strings& references) {
  switch (metric.text.format) {
    case ItemFormat::kTags:
      return ReadTagItems(hypotheses, references[0]);
    case ItemFormat::kSquad:
      return ReadSquadItems(hypotheses, references[0]);
    case ItemFormat::kLines:
      break;
  }
  return ReadLineItems(metric, hypotheses, references);
}

}  // namespace

absl::StatusOr<std::vector<TextItem>> ReadTextItems(
    const Metric& metric, const std::string& hypotheses,
    const std::vector<std::string>& references) {
  if (references.empty() ||
      (references.size() > 1 && !metric.text.several_references)) {
    return InputError(
        "--references",
        absl::StrCat(references.size(), " files; ", metric.name, " wants one"));
  }
  SFT_ASSIGN_OR_RETURN(std::vector<TextItem> items,
                       ReadItems(metric, hypotheses, references));
  if (items.empty()) return InputError(hypotheses, "holds no item");
  return items;
}

}  // namespace sft::metrics
