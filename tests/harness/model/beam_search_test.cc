// The rules of beam search over made-up log-probabilities; what a model makes
// of them is in generate_test.cc.
#include "harness/model/generate/beam_search.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "harness/core/rng.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::beam_search_test {
namespace {

using Ids = std::vector<int32_t>;
// log p of each next token.
using Language = std::function<std::vector<double>(const Ids&)>;

// Follows a search as a decoder would.
Ids Search(const Language& language, const GenerationOptions& options,
           int64_t limit, int64_t* steps = nullptr) {
  BeamSearch search(options, limit);
  std::vector<Ids> beams(options.beams);
  while (!search.done()) {
    std::vector<BeamCandidate> all;
    for (int64_t b = 0; b < options.beams; ++b) {
      const std::vector<double> log_p = language(beams[b]);
      for (size_t t = 0; t < log_p.size(); ++t) {
        all.push_back(
            {search.scores()[b] + log_p[t], b, static_cast<int32_t>(t)});
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const BeamCandidate& a, const BeamCandidate& b) {
                       return a.score > b.score;
                     });
    all.resize(std::min<size_t>(all.size(), search.candidates()));
    search.Step(all);
    std::vector<Ids> next;
    const Ids tokens = search.tokens();
    for (size_t b = 0; b < tokens.size(); ++b) {
      next.push_back(beams[search.parents()[b]]);
      next.back().push_back(tokens[b]);
    }
    beams = next;
    if (steps != nullptr) ++*steps;
  }
  return search.Answer();
}

// A random language: log p depends on all that came before.
Language RandomLanguage(uint64_t seed, int64_t vocabulary) {
  return [seed, vocabulary](const Ids& ids) {
    std::string salt;
    for (int32_t id : ids) salt += static_cast<char>('a' + id);
    Rng rng(seed, Stream::kBootstrap, salt);
    std::vector<double> log_p;
    double sum = 0;
    for (int64_t i = 0; i < vocabulary; ++i) {
      log_p.push_back(rng.Normal());
      sum += std::exp(log_p.back());
    }
    for (double& value : log_p) value -= std::log(sum);
    return log_p;
  };
}

double LogP(const Language& language, const Ids& ids) {
  double sum = 0;
  Ids before;
  for (int32_t id : ids) {
    sum += language(before)[id];
    before.push_back(id);
  }
  return sum;
}

// The likeliest of all sequences of `length` tokens.
Ids Likeliest(const Language& language, int64_t vocabulary, int64_t length) {
  Ids best, ids(length, 0);
  double best_sum = -1e300;
  for (;;) {
    const double sum = LogP(language, ids);
    if (sum > best_sum) best_sum = sum, best = ids;
    int64_t at = length - 1;
    while (at >= 0 && ++ids[at] == vocabulary) ids[at--] = 0;
    if (at < 0) return best;
  }
}

TEST_CASE("with enough beams the likeliest of all sequences is found",
          "[model][beams]") {
  int64_t greedy_differs = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Language language = RandomLanguage(seed, 4);
    GenerationOptions options;
    options.beams = 64;
    const Ids best = Likeliest(language, 4, 4);
    CHECK(Search(language, options, 4) == best);
    Ids greedy;
    while (greedy.size() < 4) {
      const std::vector<double> log_p = language(greedy);
      greedy.push_back(static_cast<int32_t>(
          std::max_element(log_p.begin(), log_p.end()) - log_p.begin()));
    }
    greedy_differs += greedy != best;
  }
  CHECK(greedy_differs > 5);
}

TEST_CASE("the length penalty decides between short and long answers",
          "[model][beams]") {
  // Token 0 ends. "1 0" costs 2 nats in 2 tokens; "2 2 2 0" 2.4 in 4.
  const Language language = [](const Ids& ids) -> std::vector<double> {
    if (ids.empty()) return {-9, -1, -1.2};
    if (ids[0] == 1) return {ids.size() == 1 ? -1.0 : -9, -9, -9};
    return ids.size() < 3 ? std::vector<double>{-9, -9, -0.4}
                          : std::vector<double>{-0.4, -9, -9};
  };
  GenerationOptions options;
  options.beams = 2;
  options.stop_ids = {0};
  options.length_penalty = 0;
  CHECK(Search(language, options, 10) == Ids{1});
  options.length_penalty = 2;
  CHECK(Search(language, options, 10) == Ids{2, 2, 2});
}

TEST_CASE("a search ends once nothing running can be better",
          "[model][beams]") {
  // Token 0 is all but certain after two tokens.
  const Language language = [](const Ids& ids) -> std::vector<double> {
    return ids.size() < 2 ? std::vector<double>{-9, -0.5, -1.5}
                          : std::vector<double>{-0.01, -6, -7};
  };
  GenerationOptions options;
  options.beams = 2;
  options.stop_ids = {0};
  int64_t steps = 0;
  CHECK(Search(language, options, 1000, &steps) == Ids{1, 1});
  CHECK(steps < 20);
}

TEST_CASE("stop functions end beams as stop tokens do, and stay in the answer",
          "[model][beams]") {
  const Language language = [](const Ids&) -> std::vector<double> {
    return {-3, -0.2, -2};
  };
  GenerationOptions options;
  options.beams = 2;
  options.stop = [](const Ids& ids) {
    return std::count(ids.begin(), ids.end(), 1) == 3;
  };
  CHECK(Search(language, options, 50) == Ids{1, 1, 1});
}

TEST_CASE("fewer tokens than beams, and no hope at all, end well",
          "[model][beams]") {
  GenerationOptions options;
  options.beams = 5;
  const Language one = [](const Ids&) -> std::vector<double> { return {-1}; };
  CHECK(Search(one, options, 3) == Ids{0, 0, 0});
  const Language nothing = [](const Ids&) -> std::vector<double> {
    return {-INFINITY, -INFINITY};
  };
  CHECK(Search(nothing, options, 3).size() <= 3);
}

}  // namespace
}  // namespace sft::model::beam_search_test
