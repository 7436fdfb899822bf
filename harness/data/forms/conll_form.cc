// CoNLL columns: a word and its tag a line, a blank line behind each sentence.
#include <string>

#include "harness/core/status.h"
#include "harness/data/conll.h"
#include "harness/data/forms/forms.h"

namespace sft::data {
namespace {

absl::Status ReadSentences(const FormInput& input, RowSink& sink) {
  ConllOptions options;
  options.any_tags = true;  // which scheme they are in, the task finds out
  options.word_column = input.options.word_column;
  options.tag_column = input.options.tag_column;
  SFT_ASSIGN_OR_RETURN(const ConllTable read, ReadConll(input.path, options));
  const auto name = [](int64_t column, const char* usual) {
    return column > 0 ? absl::StrCat(column) : std::string(usual);
  };
  const std::string words = name(options.word_column, "words");
  const std::string tags = name(options.tag_column, "tags");
  SFT_RETURN_IF_ERROR(sink.Columns({words, tags}, 1));
  for (const RefusedRow& row : read.refused) {
    SFT_RETURN_IF_ERROR(sink.Refuse(row));
  }
  for (const ConllSentence& sentence : read.sentences) {
    SFT_RETURN_IF_ERROR(sink.Row(
        {{words, sentence.words}, {tags, sentence.tags}}, sentence.line));
  }
  return absl::OkStatus();
}

}  // namespace

TableForm ConllForm() {
  return {.name = "conll",
          .summary = "a word and its tag a line, a blank line a sentence",
          .endings = {".conll", ".bio", ".iob", ".iob2", ".conllu"},
          .read = ReadSentences};
}

}  // namespace sft::data
