#include "harness/model/generate/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sft::model {
namespace {

using Ids = std::vector<int32_t>;

constexpr double kHopeless = -1e9;

bool Holds(const Ids& ids, int32_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

BeamSearch::BeamSearch(const GenerationOptions& options, int64_t limit)
    : options_(options),
      limit_(limit),
      running_(options.beams),
      scores_(options.beams, kHopeless),
      finished_(options.beams, Finished{{}, kHopeless, false}) {
  scores_[0] = 0;
}

// Each beam may end in each of the stop tokens, and yet as many go on.
int64_t BeamSearch::candidates() const {
  return options_.beams *
         std::max<int64_t>(2, 1 + std::ssize(options_.stop_ids));
}

bool BeamSearch::Ends(const Ids& ids) const {
  return std::ssize(ids) >= limit_ || Holds(options_.stop_ids, ids.back()) ||
         (options_.stop && options_.stop(ids));
}

void BeamSearch::Step(const std::vector<BeamCandidate>& best) {
  ++length_;
  struct Continued {
    Ids ids;
    double score;
    int64_t parent;
    bool ends;
  };
  std::vector<Continued> continued;
  bool any_goes_on = false;
  for (const BeamCandidate& c : best) {
    Continued next{running_[c.beam], c.score, c.beam, false};
    next.ids.push_back(c.token);
    next.ends = Ends(next.ids);
    any_goes_on = any_goes_on || !next.ends;
    continued.push_back(std::move(next));
  }
  // Only the first `beams` may be answers: the others stand in for those that
  // end.
  const double penalty =
      std::pow(static_cast<double>(length_), options_.length_penalty);
  for (int64_t i = 0; i < std::min(options_.beams, std::ssize(continued));
       ++i) {
    if (!continued[i].ends || !can_improve_) continue;
    finished_.push_back({continued[i].ids, continued[i].score / penalty, true});
  }
  std::stable_sort(
      finished_.begin(), finished_.end(),
      [](const Finished& a, const Finished& b) { return a.score > b.score; });
  finished_.resize(options_.beams);

  for (Continued& c : continued) {
    if (c.ends) c.score += kHopeless;
  }
  std::stable_sort(
      continued.begin(), continued.end(),
      [](const Continued& a, const Continued& b) { return a.score > b.score; });
  running_.clear();
  scores_.clear();
  parents_.clear();
  for (int64_t i = 0; i < options_.beams; ++i) {
    // A vocabulary smaller than the beams leaves some of them hopeless.
    const Continued& c =
        continued[std::min<int64_t>(i, std::ssize(continued) - 1)];
    running_.push_back(c.ids);
    scores_.push_back(i < std::ssize(continued) ? c.score : 2 * kHopeless);
    parents_.push_back(c.parent);
  }
  // A guess: a running beam at its present length against what is finished.
  const double hope = scores_[0] / penalty;
  bool better = false;
  for (const Finished& f : finished_) {
    better =
        better || hope > (f.is_answer ? finished_.back().score : kHopeless);
  }
  can_improve_ = can_improve_ && better;
  done_ = !can_improve_ || !any_goes_on;
}

std::vector<int32_t> BeamSearch::tokens() const {
  Ids out;
  for (const Ids& ids : running_) out.push_back(ids.back());
  return out;
}

std::vector<int32_t> BeamSearch::Answer() const {
  Ids ids = finished_.front().ids;
  if (!ids.empty() && Holds(options_.stop_ids, ids.back())) ids.pop_back();
  return ids;
}

}  // namespace sft::model
