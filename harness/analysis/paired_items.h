// One metric of two cells over the same items, paired by seed, as functions of
// which items are drawn and which change sides. S seeds, I items.
#ifndef HARNESS_ANALYSIS_PAIRED_ITEMS_H_
#define HARNESS_ANALYSIS_PAIRED_ITEMS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "harness/analysis/item_sums.h"

namespace sft::analysis {

class PairedItems {
 public:
  // `evaluations`: each model's sums, once; `pairs`: per seed, two indices
  // into them. Keeps the rows that all of them have; nullopt if there are none.
  static std::optional<PairedItems> Of(
      std::vector<ItemSums> evaluations,
      std::vector<std::pair<size_t, size_t>> pairs);

  size_t n_items() const { return n_items_; }
  size_t n_seeds() const { return pairs_.size(); }

  // First minus second, mean over seeds, where item i stands items_I[i] times
  // and seed s seeds_S[s] times.
  double Difference(const std::vector<double>& items_I,
                    const std::vector<double>& seeds_S) const;
  // Of the items as they are.
  double Difference() const;
  // By seed [S].
  std::vector<double> SeedDifferences() const;
  // What each item adds to a seed's difference [S][I]: I times the difference
  // less I - 1 times that without the item (jackknife pseudo-values). Of a mean
  // they are the differences of the scores themselves.
  std::vector<std::vector<double>> PseudoValues() const;

  // The items that any pair differs in; the others may change sides unseen.
  size_t n_differing() const { return differing_.size(); }
  // The difference where item i of these has changed sides if swapped[i].
  double SwappedDifference(const std::vector<char>& swapped) const;

  // Of means: each item's own score, first and second, by seed [S][I].
  struct Scores {
    std::vector<std::vector<double>> first_SI, second_SI;
  };
  std::optional<Scores> ItemScores() const;

 private:
  // Of one evaluation: the parts of item i are parts[begins[i]] to
  // parts[begins[i + 1]].
  struct Evaluation {
    ItemSums metric;  // without its rows
    std::vector<ItemPart> parts;
    std::vector<size_t> begins;
    std::vector<double> sums;  // over all items

    void Add(size_t item, double times, std::vector<double>& sums) const;
    bool SameItem(const Evaluation& other, size_t item) const;
  };

  std::vector<Evaluation> evaluations_;
  std::vector<std::pair<size_t, size_t>> pairs_;
  std::vector<size_t> differing_;
  size_t n_items_ = 0;
  size_t columns_ = 0;
};

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_PAIRED_ITEMS_H_
