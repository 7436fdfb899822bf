#include "harness/data/conll.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_split.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/clean_text.h"
#include "harness/data/line_reader.h"

namespace sft::data {
namespace {

std::vector<std::string> Columns(std::string_view line) {
  if (line.find('\t') != std::string_view::npos) {
    return absl::StrSplit(ToAbsl(line), '\t');
  }
  return absl::StrSplit(ToAbsl(line), ' ', absl::SkipEmpty());
}

// "B-person" is 'B' and "person", "O" is 'O' and ""; false for all else.
bool SplitTag(std::string_view tag, char& prefix, std::string_view& type) {
  prefix = tag.empty() ? '\0' : tag[0];
  type = {};
  if (tag == "O") return true;
  if ((prefix != 'B' && prefix != 'I') || tag.size() < 3 || tag[1] != '-') {
    return false;
  }
  type = tag.substr(2);
  return true;
}

class ConllReader {
 public:
  ConllReader(std::string path, const ConllOptions& options)
      : path_(std::move(path)), options_(options) {}

  void Feed(std::string_view line, int64_t number, bool too_long) {
    if (too_long) {
      Refuse(number,
             absl::StrCat("a line above ", options_.max_line_bytes, " bytes"));
    } else if (IsBlank(line)) {
      EndSentence();
    } else if (const std::string why = Utf8Complaint(line); !why.empty()) {
      Refuse(number, why);
    } else {
      std::vector<std::string> columns = Columns(line);
      if (!IsComment(line, columns)) AddToken(std::move(columns), number);
    }
  }

  void EndSentence() {
    if (!why_.empty()) {
      table_.refused.push_back({where_, std::move(why_)});
    } else if (!sentence_.words.empty()) {
      table_.sentences.push_back(std::move(sentence_));
    }
    sentence_ = {};
    why_.clear();
  }

  ConllTable& table() { return table_; }

 private:
  // The first fault of a sentence is the one that is told.
  void Refuse(int64_t number, std::string why) {
    if (!why_.empty()) return;
    where_ = absl::StrCat(path_, ":", number);
    why_ = std::move(why);
    sentence_ = {};
  }

  bool IsComment(std::string_view line,
                 const std::vector<std::string>& columns) const {
    if (line[0] != '#' || !why_.empty() || !sentence_.words.empty()) {
      return false;
    }
    const int64_t count = static_cast<int64_t>(columns.size());
    char prefix = 0;
    std::string_view type;
    return count < 2 || (columns_ > 0 && count != columns_) ||
           !(columns.back() == "O" || SplitTag(columns.back(), prefix, type) ||
             (options_.any_tags && columns_ > 0));
  }

  void AddToken(std::vector<std::string> columns, int64_t number) {
    if (columns[0] == "-DOCSTART-") {
      EndSentence();
      return;
    }
    if (!why_.empty()) return;
    const int64_t count = static_cast<int64_t>(columns.size());
    if (count < 2) {
      Refuse(number,
             "1 column, wanted a word and a tag, separated by a tab or spaces");
    } else if (columns_ > 0 && count != columns_) {
      Refuse(number, absl::StrCat(count, " columns, wanted ", columns_,
                                  " as in line ", columns_line_));
    } else if (const int64_t most =
                   std::max(options_.word_column, options_.tag_column);
               most > count) {
      Refuse(number, absl::StrCat(count, " columns, and columns: wants the ",
                                  most, "th"));
    } else if (WordOf(columns).empty()) {
      Refuse(number, "an empty word");
    } else if (TagOf(columns).empty() && options_.any_tags) {
      Refuse(number, "an empty tag");
    } else if (static_cast<int64_t>(sentence_.words.size()) ==
               options_.max_words) {
      Refuse(number, absl::StrCat("a sentence above ", options_.max_words,
                                  " words; a blank line ends a sentence"));
    } else {
      if (columns_ == 0) {
        columns_ = count;
        columns_line_ = number;
      }
      AddTagged(WordOf(columns), TagOf(columns), number);
    }
  }

  const std::string& WordOf(const std::vector<std::string>& columns) const {
    return options_.word_column > 0 ? columns[options_.word_column - 1]
                                    : columns.front();
  }
  const std::string& TagOf(const std::vector<std::string>& columns) const {
    return options_.tag_column > 0 ? columns[options_.tag_column - 1]
                                   : columns.back();
  }

  void AddTagged(std::string word, std::string tag, int64_t number) {
    if (options_.any_tags)
      return AddPair(std::move(word), std::move(tag), number);
    char prefix = 0;
    std::string_view type;
    if (!SplitTag(tag, prefix, type)) {
      Refuse(number, absl::StrCat("tag '", tag,
                                  "', wanted O, B-type or "
                                  "I-type"));
      return;
    }
    std::string_view before_type;
    const std::string before =
        sentence_.tags.empty() ? "" : sentence_.tags.back();
    char before_prefix = 0;
    SplitTag(before, before_prefix, before_type);
    if (prefix == 'I' && type != before_type) {
      if (!options_.iob1) {
        Refuse(number,
               absl::StrCat("BIO error: '", tag, "' follows ",
                            before.empty() ? "nothing" : "'" + before + "'",
                            ", wanted B-", ToAbsl(type), " or I-", ToAbsl(type),
                            " before it"));
        return;
      }
      tag[0] = 'B';
    }
    AddPair(std::move(word), std::move(tag), number);
  }

  void AddPair(std::string word, std::string tag, int64_t number) {
    if (sentence_.words.empty()) sentence_.line = number;
    sentence_.words.push_back(std::move(word));
    sentence_.tags.push_back(std::move(tag));
  }

  const std::string path_;
  const ConllOptions& options_;
  int64_t columns_ = 0, columns_line_ = 0;  // of the file's first token
  ConllSentence sentence_;                  // being read
  std::string where_, why_;                 // its fault
  ConllTable table_;
};

}  // namespace

absl::StatusOr<ConllTable> ReadConll(const std::string& path,
                                     const ConllOptions& options) {
  SFT_ASSIGN_OR_RETURN(LineReader lines,
                       LineReader::Open(path, options.max_line_bytes));
  ConllReader reader(path, options);
  while (true) {
    SFT_ASSIGN_OR_RETURN(const bool more, lines.Next());
    if (!more) break;
    std::string_view line = lines.line();
    if (lines.number() == 1) line = WithoutByteOrderMark(line);
    reader.Feed(line, lines.number(), lines.too_long());
  }
  reader.EndSentence();
  ConllTable table = std::move(reader.table());
  if (table.sentences.empty()) {
    if (table.refused.empty()) return InputError(path, "no sentence");
    return InputError(
        table.refused[0].where,
        absl::StrCat(table.refused[0].reason, " (and none of the ",
                     table.refused.size(), " sentences is usable)"));
  }
  return table;
}

}  // namespace sft::data
