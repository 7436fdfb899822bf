#include "harness/spec/yaml_remedy.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_split.h"
#include "harness/core/status.h"

namespace sft::spec {
namespace {

using Lines = std::vector<std::string>;

size_t IndentOf(const std::string& line) {
  return std::min(line.find_first_not_of(" \t"), line.size());
}
bool IsBlank(const std::string& line) {
  const size_t at = IndentOf(line);
  return at == line.size() || line[at] == '#' || line[at] == '\r';
}
std::string Trimmed(const std::string& line) {
  const size_t from = IndentOf(line);
  size_t to = line.size();
  while (to > from && (line[to - 1] == ' ' || line[to - 1] == '\r')) --to;
  return line.substr(from, std::min<size_t>(to - from, 80));
}

YamlFault At(size_t line, size_t column, std::string what) {
  return {static_cast<int>(line) + 1, static_cast<int>(column) + 1,
          std::move(what)};
}

// Quotes and brackets as they stand open at the end of the text.
struct Open {
  char mark;
  size_t line, column;
};

// The first bracket or quote that is not closed, or closed by another.
std::optional<YamlFault> Unbalanced(const Lines& lines) {
  std::vector<Open> open;
  for (size_t l = 0; l < lines.size(); ++l) {
    const std::string& line = lines[l];
    for (size_t c = 0; c < line.size(); ++c) {
      const char mark = line[c];
      const bool quoted = !open.empty() &&
                          (open.back().mark == '"' || open.back().mark == '\'');
      if (quoted) {
        if (mark == '\\' && open.back().mark == '"') ++c;
        if (mark == open.back().mark) open.pop_back();
        continue;
      }
      // A quote or a bracket begins a value; within a word it is a letter.
      const char before = c == 0 ? ' ' : line[c - 1];
      const bool begins = before == ' ' || before == '[' || before == '{' ||
                          before == ',' || before == '\t';
      if (mark == '#' && (before == ' ' || before == '\t')) break;
      if ((mark == '"' || mark == '\'') && begins) {
        open.push_back({mark, l, c});
      } else if ((mark == '[' || mark == '{') && (begins || !open.empty())) {
        open.push_back({mark, l, c});
      } else if ((mark == ']' || mark == '}') && !open.empty()) {
        const char wanted = open.back().mark == '[' ? ']' : '}';
        if (mark != wanted) {
          return At(l, c,
                    absl::StrCat("'", std::string(1, open.back().mark),
                                 "' of line ", open.back().line + 1,
                                 " is closed by '", std::string(1, mark), "'"));
        }
        open.pop_back();
      }
    }
  }
  if (open.empty()) return std::nullopt;
  const bool quote = open.back().mark == '"' || open.back().mark == '\'';
  const Open& first = quote ? open.back() : open.front();
  return At(first.line, first.column,
            absl::StrCat("'", std::string(1, first.mark),
                         "' is opened and not closed"));
}

// Where the value of "key: value" begins, npos if the line is none.
size_t ValueOf(const std::string& line) {
  const size_t colon = line.find(": ");
  if (colon == std::string::npos) return std::string::npos;
  return std::min(line.find_first_not_of(' ', colon + 1), line.size());
}

// A value that YAML takes for more than text.
std::optional<YamlFault> WantsQuotes(const Lines& lines, size_t l) {
  const std::string& line = lines[l];
  const size_t value = ValueOf(line);
  if (value >= line.size()) return std::nullopt;
  const char first = line[value];
  if (first == '"' || first == '\'') {
    const size_t end = line.find(first, value + 1);
    const size_t rest =
        end == std::string::npos ? end : line.find_first_not_of(" \r", end + 1);
    if (rest != std::string::npos && line[rest] != '#') {
      return At(l, rest,
                "text goes on behind the closing quote; one quote in "
                "quoted text is written twice");
    }
    return std::nullopt;
  }
  const std::string text = Trimmed(line.substr(value));
  const std::string remedy = absl::StrCat("wants quotes: \"", text, "\"");
  if (first == '{' || first == '[') {
    const char last = first == '{' ? '}' : ']';
    const size_t end = line.find(last, value);
    if (end != std::string::npos &&
        line.find_first_not_of(" \r", end + 1) != std::string::npos &&
        line[line.find_first_not_of(" \r", end + 1)] != '#') {
      return At(l, value, "text that begins with a bracket " + remedy);
    }
    return std::nullopt;
  }
  if (std::string_view("*&!%@`|>").find(first) != std::string_view::npos) {
    return At(l, value,
              absl::StrCat("text that begins with '", std::string(1, first),
                           "' ", remedy));
  }
  if (line.find(": ", value) != std::string::npos || text.back() == ':') {
    return At(l, value, "text that holds ': ' " + remedy);
  }
  return std::nullopt;
}

// The line above `l` that is no comment, npos if there is none.
size_t Above(const Lines& lines, size_t l) {
  while (l-- > 0) {
    if (!IsBlank(lines[l])) return l;
  }
  return std::string::npos;
}

std::optional<YamlFault> LacksColon(const Lines& lines, size_t l) {
  const std::string text = Trimmed(lines[l]);
  if (text.empty() || text[0] == '-' || text[0] == '#' ||
      text.find_first_of("[]{}\"'") == 0) {
    return std::nullopt;
  }
  const size_t colon = text.find(':');
  if (colon == std::string::npos) {
    return At(l, IndentOf(lines[l]), "a ':' is missing behind the key");
  }
  if (colon + 1 < text.size() && text[colon + 1] != ' ' &&
      text.find(": ") == std::string::npos) {
    return At(l, IndentOf(lines[l]) + colon, "a space is missing after ':'");
  }
  return std::nullopt;
}

// Keys of one map begin in one column.
std::optional<YamlFault> OddIndent(const Lines& lines, size_t l) {
  const size_t indent = IndentOf(lines[l]);
  const size_t above = Above(lines, l);
  if (above == std::string::npos || indent == IndentOf(lines[above])) {
    return std::nullopt;
  }
  const size_t other = IndentOf(lines[above]);
  return At(l, indent,
            absl::StrCat("this line is indented by ", indent,
                         indent == 1 ? " space" : " spaces", ", line ",
                         above + 1, " by ", other,
                         "; keys of one map begin in the same column, those of "
                         "a map within it two further"));
}

}  // namespace

YamlFault ExplainYaml(std::string_view text, const YamlFault& found) {
  Lines lines;
  for (absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) {
    lines.emplace_back(line);
  }
  const size_t stopped =
      std::min<size_t>(found.line > 0 ? found.line - 1 : 0, lines.size() - 1);
  std::optional<YamlFault> fault;
  for (size_t l = 0; l <= stopped && !fault; ++l) {
    const size_t tab = lines[l].find('\t');
    if (tab < IndentOf(lines[l]) && !IsBlank(lines[l])) {
      fault = At(l, tab, "a tab stands in the indentation, YAML wants spaces");
    }
  }
  if (!fault) fault = Unbalanced(lines);
  // The parser stops at the line, or at the first one that makes no sense
  // behind it.
  const size_t above = Above(lines, stopped);
  if (!fault) fault = WantsQuotes(lines, stopped);
  if (!fault && above != std::string::npos) fault = WantsQuotes(lines, above);
  if (!fault) fault = LacksColon(lines, stopped);
  if (!fault && above != std::string::npos) fault = LacksColon(lines, above);
  if (!fault) fault = OddIndent(lines, stopped);
  if (!fault) {
    fault = found;
    if (fault->line == 0) return *fault;
  }
  absl::StrAppend(
      &fault->what, "; the line is '",
      Trimmed(lines[std::min<size_t>(fault->line - 1, lines.size() - 1)]), "'");
  return *fault;
}

}  // namespace sft::spec
