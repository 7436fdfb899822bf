// The Porter stemmer (Porter, "An algorithm for suffix stripping", Program
// 14.3, 1980) with the changes of NLTK's default mode, which rouge-score uses.
#ifndef HARNESS_METRICS_PORTER_STEMMER_H_
#define HARNESS_METRICS_PORTER_STEMMER_H_

#include <string>

namespace sft::metrics {

// `word`: lower-case ASCII letters and digits.
std::string PorterStem(const std::string& word);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_PORTER_STEMMER_H_
