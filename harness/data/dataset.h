// Rows as read, and the tasks they serve. A data set is one unit in datasets/
// and one row of datasets/registry.cc.
#ifndef HARNESS_DATA_DATASET_H_
#define HARNESS_DATA_DATASET_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"

namespace sft::data {

// One row before tokenization. Which fields are filled follows from the
// task's kind; `turns` always are, for decoders read nothing else.
struct Row {
  int64_t id = 0;               // line or record number in its source
  std::vector<ChatTurn> turns;  // the last one is the answer, by "assistant"
  // What a chat template is given beside them (tools), as JSON; "" if nothing.
  std::string chat_variables;
  // Classification: index into Task::labels. Multiple choice: into `choices`.
  int64_t label = -1;
  // Several labels: indices into Task::labels, rising. A number: it.
  std::vector<int64_t> label_set;
  double value = 0;

  // What encoders read: one text, or a pair (premise and hypothesis, question
  // and context). Empty where a row has no such form.
  std::string text, text_pair;
  // Token labels: words and their BIO tags ("B-person", "I-person", "O"), as
  // many of one as of the other.
  std::vector<std::string> words, tags;
  // Generation and question answering: every accepted answer; none where a
  // question has no answer (Task::no_answer).
  std::vector<std::string> references;
  // Question answering: the byte of text_pair at which references[i] begins.
  std::vector<int64_t> answer_begins;
  // Multiple choice: continuations of the prompt.
  std::vector<std::string> choices;
  // Instruction following: verifiable constraints as JSON, an array of
  // {"id": "punctuation:no_comma", "kwargs": {...}}; "" if none.
  std::string constraints;
};
// A row that could not be used, and why.
struct RefusedRow {
  std::string where;  // file:line
  std::string reason;
};

// How rows become prompts and answers, and how answers are scored.
struct Task {
  std::string name;
  // The name of a row of harness/data/tasks, which says what a kind is. Nothing
  // compares it: what differs between kinds is a property of the row.
  std::string kind = "instruction";
  // Classification: label words, e.g. "negative". Token labels: entity types
  // without B- and I-, e.g. "person".
  std::vector<std::string> labels;
  // Primary first: names that harness/eval resolves.
  std::vector<std::string> metrics;
  // "plain": turns are joined as text (prompt, then " " + answer);
  // "chat": the model's chat template. RunConfig::prompt_form overrides.
  std::string default_form = "chat";
  // Of a generated answer (token labels, question answering, generation).
  int64_t max_new_tokens = 64;
  // Where a generated answer ends beside the end of turn, e.g. "\n".
  std::vector<std::string> stop_strings;
  // Nobody stated them: FitToReferences may change them.
  bool guessed_max_new_tokens = false, guessed_stop_strings = false;
  // Question answering: what a decoder writes where the context holds no
  // answer, and what is read back as none; "" where every question has one.
  std::string no_answer;
};

struct Splits {
  std::vector<Row> train, validation, test;
  std::vector<RefusedRow> refused;
  // Held-out text (TaskKindRow::is_text): documents.
  std::vector<std::string> documents;
  // What was done to the rows, for the record: "prepare.exact_duplicates".
  std::map<std::string, double> facts;
  // A line each for standard error: what was lost, or looks like a mistake.
  std::vector<std::string> notices;
};

// Where files may be looked for.
struct DataFolders {
  std::string assets;  // what setup.sh fetched
  std::string data;    // SFTBENCH_DATA, "" if unset
};

struct DatasetRow {
  std::string name;
  Task task;
  std::string licence;
  std::string source;  // who made it, and the package or file
  std::string summary;
  // Files it reads, below assets ("assets:..."), the data folder ("data:...")
  // or anywhere ("path:..."); the plan hashes them.
  std::vector<std::string> files;
  // Raised when the same files come to other rows, or to another order of
  // them; above 1 it is part of the ids.
  int64_t revision = 1;
  std::function<absl::StatusOr<Splits>(const DataFolders&)> load;
};

// Absolute path of an entry of `files`; the error says which file to put
// where.
absl::StatusOr<std::string> ResolveDataFile(const std::string& file,
                                            const DataFolders& folders);
// Whether all of a set's files are there.
bool IsHere(const DatasetRow& row, const DataFolders& folders);

}  // namespace sft::data

#endif  // HARNESS_DATA_DATASET_H_
