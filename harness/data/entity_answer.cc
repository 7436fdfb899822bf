#include "harness/data/entity_answer.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/data/clean_text.h"

namespace sft::data {
namespace {

bool StartsAt(std::string_view text, size_t at, std::string_view part) {
  return text.substr(at, part.size()) == part;
}

// Which of `types` stands at `at` with a colon behind it: its index.
std::optional<size_t> TypeAt(std::string_view text, size_t at,
                             const std::vector<std::string>& types) {
  for (size_t i = 0; i < types.size(); ++i) {
    if (StartsAt(text, at, types[i]) &&
        StartsAt(text, at + types[i].size(), ":")) {
      return i;
    }
  }
  return std::nullopt;
}

// From `at` on, the semicolon behind which a type follows, or the end; words
// may hold semicolons themselves ("&amp;"). `next` is where the type begins.
size_t EndOfEntity(std::string_view text, size_t at,
                   const std::vector<std::string>& types, size_t* next) {
  for (; at < text.size(); ++at) {
    if (text[at] != ';') continue;
    *next = at + (StartsAt(text, at + 1, " ") ? 2 : 1);
    if (TypeAt(text, *next, types)) return at;
  }
  *next = text.size();
  return text.size();
}

// The words [begin, end) from `from` on that read `text`.
std::optional<std::pair<size_t, size_t>> FindWords(
    std::string_view text, const std::vector<std::string>& words, size_t from) {
  for (size_t begin = from; begin < words.size(); ++begin) {
    std::string joined;
    for (size_t end = begin; end < words.size(); ++end) {
      if (end > begin) joined += ' ';
      joined += words[end];
      if (joined == text) return std::pair(begin, end + 1);
      if (!StartsAt(text, 0, joined)) break;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string EntityAnswer(const std::vector<std::string>& words,
                         const std::vector<std::string>& tags) {
  std::string answer;
  for (size_t i = 0; i < words.size(); ++i) {
    if (tags[i][0] == 'B') {
      if (!answer.empty()) answer += "; ";
      answer += tags[i].substr(2) + ": " + words[i];
    } else if (tags[i][0] == 'I') {
      answer += " " + words[i];
    }
  }
  return answer.empty() ? "none" : answer;
}

std::string EntityTypeComplaint(std::string_view type) {
  if (type.empty()) return "is empty";
  if (type.find_first_of(" \t\r\n\v\f") != std::string_view::npos) {
    return "holds a space";
  }
  const size_t at = type.find_first_of(";:");
  if (at == std::string_view::npos) return "";
  return absl::StrCat("holds a '", std::string(1, type[at]), "'");
}

std::vector<std::string> TagsOfAnswer(std::string_view answer,
                                      const std::vector<std::string>& words,
                                      const std::vector<std::string>& types) {
  std::vector<std::string> tags(words.size(), "O");
  const std::string text = CollapseSpace(answer);
  size_t from = 0;  // the word behind the last entity
  size_t at = 0;
  if (!TypeAt(text, 0, types)) EndOfEntity(text, 0, types, &at);
  while (at < text.size()) {
    const std::string& type = types[*TypeAt(text, at, types)];
    at += type.size() + 1;
    size_t next = 0;
    const size_t end = EndOfEntity(text, at, types, &next);
    std::string entity = CollapseSpace(text.substr(at, end - at));
    auto found = FindWords(entity, words, from);
    // What a semicolon cuts off may be an entity of an unknown type.
    while (!found && entity.find(';') != std::string::npos) {
      entity = CollapseSpace(entity.substr(0, entity.rfind(';')));
      found = FindWords(entity, words, from);
    }
    if (found) {
      for (size_t i = found->first; i < found->second; ++i) {
        tags[i] = (i == found->first ? "B-" : "I-") + type;
      }
      from = found->second;
    }
    at = next;
  }
  return tags;
}

}  // namespace sft::data
