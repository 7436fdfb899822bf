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
#include "harness/core/batch.h"
#include "harness/core/tokenizer.h"

namespace sft::data {

// One row before tokenization. Which fields are filled follows from the
// task's kind; `turns` always are, for decoders read nothing else.
struct Row {
  int64_t id = 0;               // line or record number in its source
  std::vector<ChatTurn> turns;  // the last one is the answer, by "assistant"
  // Classification: index into Task::labels. Multiple choice: into `choices`.
  int64_t label = -1;

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

enum class TaskKind {
  kClassification,     // one of Task::labels
  kTokenLabels,        // named entities: a BIO tag a word
  kQuestionAnswering,  // a span of the context
  kGeneration,         // free text against references: summaries, translations
  kInstruction,        // response loss: chat, instruction following
  kMultipleChoice,     // one of Row::choices, by likelihood
  kLastWord,           // the answer's tokens, each the likeliest
  kLanguageModeling    // held-out text
};
// "classification", "token_labels", ...: as in a spec's `task`.
std::string_view TaskKindName(TaskKind kind);

// How rows become prompts and answers, and how answers are scored.
struct Task {
  std::string name;
  TaskKind kind = TaskKind::kInstruction;
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
  // Held-out text (kLanguageModeling): documents.
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

struct RenderOptions {
  std::string form = "auto";  // auto, plain, chat
  int64_t max_length = 512;
  double loss_on_prompt = 0;     // 0 = answers only, 1 = every token
  std::string loss_on = "last";  // last, all_assistant: which answers
  std::string system_prompt;     // before rows without a system turn; "" = none
  // auto, always, never (harness/data/added_ids.h): BOS before a row.
  std::string bos = "auto";
  // RenderAnswers: answers with their end of turn, as they are trained on.
  bool score_end_of_turn = false;
  // Tokens that a prompt leaves free below max_length, beside what its task
  // keeps free by itself (see RenderRows).
  int64_t answer_room = 0;
  // Of an encoder: rows become what this head reads, and of the options above
  // only max_length matters.
  HeadKind head = HeadKind::kNextToken;
};
struct RenderedRows {
  std::vector<Example> examples;
  std::vector<int64_t> labels;      // of each example, -1 if none
  std::vector<RefusedRow> refused;  // no target token left, too long...
  int64_t truncated_rows = 0;
  int64_t truncated_tokens = 0;
};
// "plain" or "chat": what `options.form` comes to for this task and model.
// "auto" is the task's own form, but plain where there is no chat template;
// an error where chat is asked for and there is none.
absl::StatusOr<std::string> EffectiveForm(const Task& task,
                                          const Tokenizer& tokenizer,
                                          const RenderOptions& options);
// Rows as examples: loss on the answer and on the end-of-turn token after it.
// A row without a target token is refused and counted. A row above max_length
// loses the end of its answer; but where answers are scored or generated, the
// middle of its prompt, so that the longest label or choice, the word wanted or
// max_new_tokens still fit behind it.
absl::StatusOr<RenderedRows> RenderRows(const std::vector<Row>& rows,
                                        const Task& task,
                                        const Tokenizer& tokenizer,
                                        const RenderOptions& options);
// The prompt's ids alone, which generation continues. `cut_tokens`, if not
// null, becomes how many it lost.
absl::StatusOr<std::vector<int32_t>> RenderPrompt(
    const Row& row, const Task& task, const Tokenizer& tokenizer,
    const RenderOptions& options, int64_t* cut_tokens = nullptr);

// Given answers to one row: the ids of each, and of the prompt that they
// continue, which is the same for all but where tokens reach over the boundary.
struct RenderedAnswers {
  std::vector<std::vector<int32_t>> prompts, answers;  // none is empty
};
// With options.score_end_of_turn: as training has them, the tokens that bear
// its loss. Else as lm-evaluation-harness has them: white space at the end of a
// plain prompt belongs to the answer, and an answer is what encoding both adds
// to encoding the prompt. An error names an answer without a token.
absl::StatusOr<RenderedAnswers> RenderAnswers(
    const Row& row, const std::vector<std::string>& answers, const Task& task,
    const Tokenizer& tokenizer, const RenderOptions& options);

// Sets what nobody stated of how answers are generated: no stop string that a
// reference holds, and room for the longest reference of the test rows with a
// half more, within half of max_length.
void FitToReferences(const Splits& splits, const Tokenizer& tokenizer,
                     int64_t max_length, Task& task);

}  // namespace sft::data

#endif  // HARNESS_DATA_DATASET_H_
