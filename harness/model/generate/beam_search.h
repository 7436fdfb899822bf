// Beam search over the continuations of one prompt, with the rules of
// transformers' generate(num_beams, length_penalty, early_stopping=False):
// finished beams are ranked by sum of log p / length^penalty, the stop token
// counted.
#ifndef HARNESS_MODEL_GENERATE_BEAM_SEARCH_H_
#define HARNESS_MODEL_GENERATE_BEAM_SEARCH_H_

#include <cstdint>
#include <vector>

#include "harness/model/model.h"

namespace sft::model {

// A running beam with one more token.
struct BeamCandidate {
  double score = 0;  // sum of log p, this token's included
  int64_t beam = 0;
  int32_t token = 0;
};

class BeamSearch {
 public:
  // `limit`: tokens of an answer at most; at least 1.
  BeamSearch(const GenerationOptions& options, int64_t limit);

  // How many candidates Step wants, best first.
  int64_t candidates() const;
  // Sums of log p of the running beams. At first all but one are hopeless, for
  // they are the same.
  const std::vector<double>& scores() const { return scores_; }

  // One more token.
  void Step(const std::vector<BeamCandidate>& best);
  bool done() const { return done_; }
  // Of each running beam after Step: the beam before it, and its new token.
  const std::vector<int64_t>& parents() const { return parents_; }
  std::vector<int32_t> tokens() const;

  // The best finished beam, without its stop token.
  std::vector<int32_t> Answer() const;

 private:
  struct Finished {
    std::vector<int32_t> ids;
    double score = 0;
    bool is_answer = false;  // a place that is not taken yet if false
  };
  bool Ends(const std::vector<int32_t>& ids) const;

  const GenerationOptions& options_;
  int64_t limit_;
  std::vector<std::vector<int32_t>> running_;
  std::vector<double> scores_;
  std::vector<int64_t> parents_;
  std::vector<Finished> finished_;  // best first
  int64_t length_ = 0;
  bool can_improve_ = true;
  bool done_ = false;
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_GENERATE_BEAM_SEARCH_H_
