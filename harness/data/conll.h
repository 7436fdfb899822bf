// Sentences in CoNLL columns (Tjong Kim Sang and De Meulder, 2003): a token a
// line, its word in the first column and its tag in the last, a blank line
// behind each sentence. Columns are split at tabs where a line holds one, else
// at spaces. Tags are BIO2 ("B-person", "I-person", "O").
#ifndef HARNESS_DATA_CONLL_H_
#define HARNESS_DATA_CONLL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"

namespace sft::data {

struct ConllSentence {
  int64_t line = 0;  // of its first token, from 1
  std::vector<std::string> words, tags;
};
struct ConllTable {
  std::vector<ConllSentence> sentences;
  std::vector<RefusedRow> refused;
};

struct ConllOptions {
  // The file is IOB1, as CoNLL-2003's own are: an entity begins with I-, with
  // B- only right behind one of its type. Tags are converted to BIO2.
  bool iob1 = false;
  // Tags are whatever stands there, but not empty.
  bool any_tags = false;
  // From 1; 0 = the first and the last.
  int64_t word_column = 0, tag_column = 0;
  int64_t max_line_bytes = int64_t{1} << 20;
  int64_t max_words = int64_t{1} << 16;  // of a sentence
};

// The sentences of a file, unpacked if it is gzip or zstd; -DOCSTART- lines and
// lines of white space alone separate, and lines before a sentence that begin
// with '#' and are no word with its tag are comments. A sentence with a fault
// (a line that is no UTF-8, too long, or has other columns than the file's
// first; a tag that is no O, B-x or I-x; I-x that continues no x) is refused,
// with the file:line of the fault. A file without a good sentence is an error.
absl::StatusOr<ConllTable> ReadConll(const std::string& path,
                                     const ConllOptions& options);

}  // namespace sft::data

#endif  // HARNESS_DATA_CONLL_H_
