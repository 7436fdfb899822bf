// Prompts of sentence-pair tasks (GLUE, SuperGLUE), one form for every file
// that holds them. Encoders read `text` and `text_pair`.
#ifndef DATASETS_PAIRS_H_
#define DATASETS_PAIRS_H_

#include <cstdint>
#include <string>

#include "harness/data/dataset.h"
#include "harness/data/splits.h"

namespace sft::datasets {

struct PairedTexts {
  std::string prompt, text, text_pair;
};

// "Premise: ...\nHypothesis: ...\nEntailment:"
PairedTexts EntailmentPair(const std::string& premise,
                           const std::string& hypothesis);
// "Question 1: ...\nQuestion 2: ...\nSame meaning:"
PairedTexts ParaphrasePair(const std::string& first, const std::string& second);
// "Passage: ...\nQuestion: ...?\nAnswer:"
PairedTexts PassagePair(const std::string& question,
                        const std::string& passage);
// "Word: ...\nSentence 1: ...\nSentence 2: ...\nSame sense:"
PairedTexts WordSensePair(const std::string& word, const std::string& first,
                          const std::string& second);
// "What is the cause of: ...\nA: ...\nB: ...\nAnswer:"; or "the effect".
PairedTexts CausePair(const std::string& cause_or_effect,
                      const std::string& premise, const std::string& a,
                      const std::string& b);

// A classification row keyed by both texts.
data::KeyedRow PairRow(PairedTexts texts, const data::Task& task,
                       int64_t label);

}  // namespace sft::datasets

#endif  // DATASETS_PAIRS_H_
