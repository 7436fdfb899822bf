// Histogram packing: cases worked by hand, equality with packing row by row,
// and the figures published for real histograms.
#include "methods/histogram_packing.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "harness/data/length_histogram.h"
#include "methods/nnls_packing.h"
#include "tests/methods/methods_support.h"
#include "tests/support/require.h"

namespace sft::methods::histogram_packing_test {
namespace {

using Lengths = std::vector<int64_t>;
using Packs = std::map<Lengths, int64_t>;  // lengths -> packs

constexpr PackStrategy kFfd = PackStrategy::kFirstFitDecreasing;
constexpr PackStrategy kBfd = PackStrategy::kBestFitDecreasing;
constexpr PackStrategy kSpfhp = PackStrategy::kShortestPackFirst;
constexpr PackStrategy kLpfhp = PackStrategy::kLongestPackFirst;
constexpr PackStrategy kNnlshp = PackStrategy::kLeastSquares;

Packs Collected(const std::vector<HistogramPack>& packs) {
  Packs out;
  for (const HistogramPack& pack : packs) {
    Lengths lengths;
    for (const LengthRun& run : pack.runs) {
      lengths.insert(lengths.end(), run.rows, run.length);
    }
    CHECK(static_cast<int64_t>(lengths.size()) == pack.rows);
    CHECK(pack.count > 0);
    out[lengths] += pack.count;
  }
  return out;
}

Packs Pack(const Lengths& lengths, int64_t capacity, PackStrategy strategy,
           int64_t max_per_pack = 0) {
  return Collected(PackHistogram(data::CountLengths(lengths), capacity,
                                 strategy, max_per_pack));
}

Lengths RandomLengths(int64_t n, uint64_t longest, uint64_t seed) {
  Rng rng(seed, Stream::kDataOrder, "histogram lengths");
  Lengths out;
  for (int64_t i = 0; i < n; ++i) {
    out.push_back(1 + static_cast<int64_t>(rng.Below(longest)));
  }
  return out;
}

struct Filled {
  int64_t packs = 0;
  double efficiency = 0;
};

// Packs, checks that the packs hold the histogram's rows and no others within
// their bounds, and says how full they are.
Filled Fill(const Lengths& counts, int64_t capacity, PackStrategy strategy,
            int64_t max_per_pack) {
  Filled out;
  Lengths left = counts;
  int64_t tokens = 0;
  for (const HistogramPack& pack :
       PackHistogram(counts, capacity, strategy, max_per_pack)) {
    int64_t filled = 0;
    for (const LengthRun& run : pack.runs) {
      left[run.length] -= run.rows * pack.count;
      filled += run.length * run.rows;
    }
    CHECK(filled <= capacity);
    CHECK((max_per_pack == 0 || pack.rows <= max_per_pack));
    tokens += filled * pack.count;
    out.packs += pack.count;
  }
  CHECK(std::all_of(left.begin(), left.end(), [](int64_t n) { return !n; }));
  out.efficiency =
      static_cast<double>(tokens) / static_cast<double>(out.packs * capacity);
  return out;
}

std::optional<Lengths> Published(const std::string& name) {
  const auto path = support::RequireData("length_histograms/" + name + ".csv");
  auto counts = data::ReadLengthHistogram(path.string());
  INFO(counts.status().ToString());
  REQUIRE(counts.ok());
  return *counts;
}

}  // namespace

TEST_CASE("shortest and longest pack first, worked by hand",
          "[methods][packing]") {
  const Lengths lengths = {7, 5, 5, 3, 3, 2};
  // 7 | 5 | 5: the threes go to the emptiest packs, those of 5; the 2 to 7.
  CHECK(Pack(lengths, 10, kSpfhp) == Packs{{{5, 3}, 2}, {{7, 2}, 1}});
  // 7 | 5 5: a three fills the pack of 7, the other opens one.
  const Packs longest = {{{7, 3}, 1}, {{5, 5}, 1}, {{3, 2}, 1}};
  CHECK(Pack(lengths, 10, kLpfhp) == longest);
  CHECK(Pack(lengths, 10, kFfd) == longest);
  CHECK(Pack(lengths, 10, kBfd) == longest);
  // SPFHP opens a pack for each row where none has room, also for equals.
  CHECK(Pack({3, 3, 3}, 10, kSpfhp) == Packs{{{3}, 3}});
  CHECK(Pack({3, 3, 3, 3, 3}, 10, kLpfhp) ==
        Packs{{{3, 3, 3}, 1}, {{3, 3}, 1}});
}

TEST_CASE("first fit takes the oldest pack, best fit the fullest",
          "[methods][packing]") {
  // Of 20, after 12 | 10 9: the 1 fits both.
  const Lengths lengths = {12, 10, 9, 1};
  CHECK(Pack(lengths, 20, kFfd) == Packs{{{12, 1}, 1}, {{10, 9}, 1}});
  CHECK(Pack(lengths, 20, kBfd) == Packs{{{12}, 1}, {{10, 9, 1}, 1}});
  // With at most two a pack only the older one takes it.
  CHECK(Pack(lengths, 20, kBfd, 2) == Packs{{{12, 1}, 1}, {{10, 9}, 1}});
}

TEST_CASE("least-squares packs, worked by hand", "[methods][packing]") {
  // Of 4: [4] [3 1] [2 2] [2 1 1]. The five threes need the five ones.
  const Lengths lengths = {4, 4, 3, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1};
  CHECK(Pack(lengths, 4, kNnlshp) == Packs{{{4}, 2}, {{3, 1}, 5}, {{2, 2}, 2}});
  // Three threes and a one, x packs [3 1]: (x-3)^2 + (x-1)^2 is least for x =
  // 2, one of them with a pad; the third three is left over.
  CHECK(Pack({3, 3, 3, 1}, 4, kNnlshp) == Packs{{{3, 1}, 1}, {{3}, 2}});
  CHECK(Pack({1, 1}, 4, kNnlshp, 1) == Packs{{{1}, 2}});
  CHECK(Pack({2, 2, 2}, 4, kNnlshp, 2) == Packs{{{2, 2}, 1}, {{2}, 1}});
  // It never has more than three, whatever is allowed.
  for (const auto& [pack, count] : Pack(Lengths(50, 1), 16, kNnlshp, 12)) {
    CHECK(pack.size() <= 3);
  }
}

TEST_CASE("an empty histogram has no packs, and rows of no token no place",
          "[methods][packing]") {
  for (PackStrategy strategy : {kFfd, kBfd, kSpfhp, kLpfhp, kNnlshp}) {
    CHECK(PackHistogram({}, 8, strategy, 0).empty());
    CHECK(PackHistogram({5}, 8, strategy, 0).empty());
    CHECK(PackHistogram({0, 0, 0}, 8, strategy, 0).empty());
    CHECK(Pack({8}, 8, strategy) == Packs{{{8}, 1}});
    CHECK(Pack({1}, 1, strategy) == Packs{{{1}, 1}});
    CHECK_THROWS_WITH(Pack({9}, 8, strategy), Catch::Contains("9 tokens"));
  }
  CHECK_THROWS_WITH(Pack({1}, 8, PackStrategy::kNextFit),
                    Catch::Contains("order"));
  CHECK_THROWS_WITH(Pack({1}, kMaxLeastSquaresCapacity + 1, kNnlshp),
                    Catch::Contains("too many ways"));
}

TEST_CASE("a histogram packs first and best fit as its rows do",
          "[methods][packing]") {
  for (int64_t n : {1, 2, 17, 300, 2000}) {
    for (int64_t capacity : {40, 41, 64, 500}) {
      for (int64_t bound : {0, 1, 2, 3, 12}) {
        for (PackStrategy strategy : {kFfd, kBfd}) {
          INFO(n << " rows, " << capacity << ", at most " << bound);
          const Lengths lengths =
              RandomLengths(n, 40, static_cast<uint64_t>(n));
          const PackResult rows = PackLengths(lengths, capacity, strategy,
                                              PackOverflow::kTruncate, bound);
          Packs want;
          for (const auto& bin : rows.bins) {
            Lengths pack;
            for (const data::Piece& piece : bin) pack.push_back(piece.length);
            ++want[pack];
          }
          CHECK(Pack(lengths, capacity, strategy, bound) == want);
        }
      }
    }
  }
}

TEST_CASE("histogram packs hold every row once, within both bounds",
          "[methods][packing]") {
  for (PackStrategy strategy : {kFfd, kBfd, kSpfhp, kLpfhp, kNnlshp}) {
    for (int64_t n : {1, 5, 200, 5000}) {
      for (uint64_t longest : {3, 30, 64}) {
        for (int64_t bound : {0, 1, 2, 3, 12}) {
          Fill(data::CountLengths(RandomLengths(n, longest, longest)), 64,
               strategy, bound);
        }
      }
    }
  }
}

TEST_CASE("a trillion rows fill their packs", "[methods][packing]") {
  Lengths counts(513, 0);
  for (int64_t l = 1; l <= 512; ++l) counts[l] = 1000000007 * (1 + l % 7);
  for (PackStrategy strategy : {kFfd, kBfd, kSpfhp, kLpfhp}) {
    CHECK(Fill(counts, 512, strategy, 0).efficiency > 0.98);
  }
}

// Published in arXiv 2107.02027, to the digits that are given there.
TEST_CASE("Wikipedia's 16 million sequences pack as published",
          "[methods][packing]") {
  const auto counts = Published("wikipedia_512");
  if (!counts.has_value()) return;
  CHECK(std::accumulate(counts->begin(), counts->end(), int64_t{0}) ==
        16279552);
  const auto fill = [&](PackStrategy strategy, int64_t bound) {
    const Filled filled = Fill(*counts, 512, strategy, bound);
    return 100 * filled.efficiency;
  };
  CHECK(fill(kSpfhp, 3) == Approx(89.4).margin(0.05));
  CHECK(fill(kSpfhp, 12) == Approx(99.604).margin(0.0005));
  CHECK(fill(kLpfhp, 12) == Approx(99.8129).margin(0.00005));
}

TEST_CASE("Wikipedia's sequences fill first-fit and best-fit packs to 99.95 %",
          "[methods][packing]") {
  const auto counts = Published("wikipedia_512");
  if (!counts.has_value()) return;
  // Without a bound longest-pack-first is best fit but for ties.
  for (PackStrategy strategy : {kFfd, kBfd, kLpfhp}) {
    const Filled filled = Fill(*counts, 512, strategy, 0);
    CHECK(filled.packs == 8138483);  // 0.999494
    CHECK(filled.efficiency == Approx(0.9995).margin(0.00005));
  }
}

TEST_CASE("least squares packs Wikipedia as published", "[methods][packing]") {
  const auto counts = Published("wikipedia_512");
  if (!counts.has_value()) return;
  const Filled filled = Fill(*counts, 512, kNnlshp, 3);
  CHECK(100 * filled.efficiency == Approx(99.75).margin(0.005));
}

TEST_CASE("SQuAD's sequences pack as full as two a pack allow",
          "[methods][packing]") {
  const auto counts = Published("squad11_384");
  if (!counts.has_value()) return;
  const Filled first = Fill(*counts, 384, kFfd, 0);
  CHECK(first.efficiency >= 0.974);
  CHECK(Fill(*counts, 384, kBfd, 0).packs == first.packs);
  CHECK(Fill(*counts, 384, kLpfhp, 0).packs == first.packs);
  CHECK(Fill(*counts, 384, kNnlshp, 0).efficiency > 0.97);
}

}  // namespace sft::methods::histogram_packing_test
