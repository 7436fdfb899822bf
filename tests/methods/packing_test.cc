// The packer against TRL, and the collators built on it.
#include "methods/packing.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "tests/methods/methods_support.h"

namespace sft::methods::packing_test {
namespace {

using nlohmann::json;

json AsJson(const std::vector<std::vector<data::Piece>>& bins) {
  json out = json::array();
  for (const auto& bin : bins) {
    json pieces = json::array();
    for (const data::Piece& p : bin)
      pieces.push_back({p.index, p.begin, p.length});
    out.push_back(pieces);
  }
  return out;
}

// First fit over a stable descending sort, by definition.
std::vector<std::vector<data::Piece>> FirstFitByDefinition(
    const std::vector<int64_t>& lengths, int64_t capacity) {
  std::vector<int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::min(lengths[a], capacity) > std::min(lengths[b], capacity);
  });
  std::vector<std::vector<data::Piece>> bins;
  std::vector<int64_t> space;
  for (int64_t row : order) {
    const int64_t length = std::min(lengths[row], capacity);
    size_t bin = 0;
    while (bin < bins.size() && space[bin] < length) ++bin;
    if (bin == bins.size()) {
      bins.emplace_back();
      space.push_back(capacity);
    }
    bins[bin].push_back({row, 0, length});
    space[bin] -= length;
  }
  return bins;
}

std::vector<std::unique_ptr<data::Collator>> PackedCollators(
    int64_t batch_size, int64_t max_length) {
  std::vector<std::unique_ptr<data::Collator>> out;
  for (const std::string& strategy : PackStrategyNames()) {
    for (const std::string overflow : {"truncate", "split"}) {
      for (int64_t max_per_pack : {0, 2}) {
        if (strategy == "wrapped" && max_per_pack > 0) continue;
        PackedOptions options;
        options.strategy = strategy;
        options.overflow = overflow;
        options.max_per_pack = max_per_pack;
        out.push_back(MakePackedCollator(options, batch_size, max_length));
      }
    }
  }
  return out;
}

std::vector<int64_t> Lengths(int64_t n, uint64_t longest, uint64_t seed = 3) {
  Rng rng(seed, Stream::kDataOrder, "lengths");
  std::vector<int64_t> out;
  for (int64_t i = 0; i < n; ++i) {
    out.push_back(1 + static_cast<int64_t>(rng.Below(longest)));
  }
  return out;
}

}  // namespace

TEST_CASE("Best-fit decreasing, its split and wrapped equal TRL's bins",
          "[methods][packing]") {
  const json golden = ReadGoldenJson("packing.json");
  for (const auto& [name, c] : golden["cases"].items()) {
    INFO(name);
    const auto lengths = c["lengths"].get<std::vector<int64_t>>();
    const auto capacity = c["capacity"].get<int64_t>();
    const auto bins = [&](PackStrategy strategy, PackOverflow overflow) {
      return AsJson(PackLengths(lengths, capacity, strategy, overflow).bins);
    };
    CHECK(bins(PackStrategy::kBestFitDecreasing, PackOverflow::kTruncate) ==
          c["bfd"]);
    CHECK(bins(PackStrategy::kBestFitDecreasing, PackOverflow::kSplit) ==
          c["bfd_split"]);
    CHECK(bins(PackStrategy::kWrapped, PackOverflow::kTruncate) ==
          c["wrapped"]);
  }
}

TEST_CASE("First-fit decreasing equals its definition", "[methods][packing]") {
  for (int64_t n : {0, 1, 2, 3, 63, 64, 65, 500}) {
    for (int64_t capacity : {1, 7, 32, 100}) {
      const auto lengths = Lengths(n, 40, static_cast<uint64_t>(n));
      CHECK(AsJson(PackLengths(lengths, capacity,
                               PackStrategy::kFirstFitDecreasing,
                               PackOverflow::kTruncate)
                       .bins) ==
            AsJson(FirstFitByDefinition(lengths, capacity)));
    }
  }
}

TEST_CASE("A million rows pack in seconds", "[methods][packing][slow]") {
  const auto lengths = Lengths(1000000, 2000);
  for (PackStrategy strategy :
       {PackStrategy::kFirstFitDecreasing, PackStrategy::kBestFitDecreasing}) {
    const PackResult packed =
        PackLengths(lengths, 2048, strategy, PackOverflow::kTruncate);
    const double tokens = static_cast<double>(
        std::accumulate(lengths.begin(), lengths.end(), int64_t{0}));
    CHECK(tokens / (2048.0 * static_cast<double>(packed.bins.size())) > 0.99);
  }
}

TEST_CASE("Every token is placed once, or counted as lost",
          "[methods][packing]") {
  const auto rows = RandomExamples(Lengths(80, 50));
  std::vector<int64_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  int64_t tokens = 0, targets = 0;
  for (const Example& row : rows) {
    tokens += static_cast<int64_t>(row.input_ids.size());
    targets += row.target_tokens();
  }
  auto collators = PackedCollators(2, 32);
  PaddedOptions padded;
  padded.order = "bucketed";
  collators.push_back(MakePaddedCollator({}, 4, 32));
  collators.push_back(MakePaddedCollator(padded, 4, 32));
  collators.push_back(MakePaddingFreeCollator({}, 4, 32));
  for (const auto& collator : collators) {
    Rng rng(1, Stream::kDataOrder);
    const auto plans = collator->PlanPass(rows, order, rng);
    std::set<std::pair<int64_t, int64_t>> seen;
    int64_t placed = 0, targets_placed = 0;
    for (const data::MicroBatchPlan& plan : plans) {
      for (const data::Piece& p : plan.pieces) {
        for (int64_t t = p.begin; t < p.begin + p.length; ++t) {
          CHECK(seen.emplace(p.index, t).second);
        }
      }
      const Batch batch = collator->Collate(rows, plan);
      placed += batch.real_tokens;
      targets_placed += batch.target_tokens;
      for (int64_t length : batch.lengths) CHECK(length <= 32);
    }
    auto report = collator->Report();
    CHECK(static_cast<int64_t>(seen.size()) == placed);
    CHECK(placed + report["packing.truncated_tokens"] == tokens);
    CHECK(targets_placed + report["packing.lost_target_tokens"] == targets);
    CHECK(report["packing.efficiency"] > 0);
    CHECK(report["packing.efficiency"] <= 1);
  }
}

TEST_CASE("No strategy exceeds max_per_pack, and each places every row once",
          "[methods][packing]") {
  for (const auto& [name, strategy] : AllPackStrategies()) {
    for (int64_t bound : {1, 2, 3, 12}) {
      if (strategy == PackStrategy::kWrapped) continue;
      INFO(name << " at most " << bound);
      const auto lengths = Lengths(300, 32);
      std::vector<int64_t> seen(lengths.size(), 0);
      for (const auto& bin :
           PackLengths(lengths, 32, strategy, PackOverflow::kTruncate, bound)
               .bins) {
        CHECK(static_cast<int64_t>(bin.size()) <= bound);
        int64_t tokens = 0;
        for (const data::Piece& piece : bin) {
          ++seen[piece.index];
          tokens += piece.length;
          CHECK(piece.length == lengths[piece.index]);
        }
        CHECK(tokens <= 32);
      }
      CHECK(seen == std::vector<int64_t>(lengths.size(), 1));
    }
  }
}

TEST_CASE("Histogram packs take the rows of a length in their order",
          "[methods][packing]") {
  // Of 10: [5 5] [3 3 3], then the last 3.
  const auto bins =
      PackLengths({3, 5, 3, 3, 5, 3}, 10, PackStrategy::kLongestPackFirst,
                  PackOverflow::kTruncate)
          .bins;
  CHECK(AsJson(bins) == json::parse("[[[1,0,5],[4,0,5]],"
                                    "[[0,0,3],[2,0,3],[3,0,3]],[[5,0,3]]]"));
}

TEST_CASE("A bound for wrapped, and nnlshp over long packs, are refused",
          "[methods][packing]") {
  spec::RunConfig config;
  const auto message = [&config] {
    for (const train::BatchingMethodRow& row : AllMethods().batching) {
      if (row.name != "packed") continue;
      const auto batching = row.make(config);
      REQUIRE_FALSE(batching.ok());
      return std::string(batching.status().message());
    }
    return std::string();
  };
  config.method_options = {{"pack.strategy", "wrapped"},
                           {"pack.max_per_pack", "3"}};
  CHECK_THAT(message(), Catch::Contains("pack.max_per_pack: 3"));
  config.method_options = {{"pack.strategy", "nnlshp"}};
  config.max_length = 2048;
  CHECK_THAT(message(), Catch::Contains("max_length: 2048"));
}

TEST_CASE("padding_free makes the very batches of padded, without pads",
          "[methods][packing]") {
  const auto rows = RandomExamples(Lengths(37, 60));
  std::vector<int64_t> order(rows.size());
  std::iota(order.rbegin(), order.rend(), 0);
  for (const std::string how : {"random", "bucketed"}) {
    PaddedOptions options;
    options.order = how;
    const auto padded = MakePaddedCollator(options, 4, 64);
    const auto flat = MakePaddingFreeCollator(options, 4, 64);
    Rng first(5, Stream::kDataOrder), second(5, Stream::kDataOrder);
    const auto a = padded->PlanPass(rows, order, first);
    const auto b = flat->PlanPass(rows, order, second);
    REQUIRE(a.size() == b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      CHECK(AsJson({a[i].pieces}) == AsJson({b[i].pieces}));
      CHECK(flat->Collate(rows, b[i]).padded_tokens() == 0);
    }
  }
}

TEST_CASE("pad_to max makes every batch as wide as max_length",
          "[methods][packing]") {
  const auto rows = RandomExamples({5, 9, 7});
  PaddedOptions options;
  options.pad_to = "max";
  const auto collator = MakePaddedCollator(options, 2, 16);
  Rng rng(1, Stream::kDataOrder);
  for (const auto& plan : collator->PlanPass(rows, {0, 1, 2}, rng)) {
    CHECK(collator->Collate(rows, plan).input_ids_BT.size(1) == 16);
  }
}

TEST_CASE("Packed rows stay apart, wrapped ones do not", "[methods][packing]") {
  const auto rows = RandomExamples({6, 6, 6, 6, 6});
  PackedOptions options;
  const auto plan_of = [&](const data::Collator& collator) {
    Rng rng(1, Stream::kDataOrder);
    return collator.PlanPass(rows, {0, 1, 2, 3, 4}, rng);
  };
  const auto apart = MakePackedCollator(options, 4, 16);
  options.strategy = "wrapped";
  const auto across = MakePackedCollator(options, 4, 16);
  const Batch rows_apart = apart->Collate(rows, plan_of(*apart)[0]);
  CHECK(rows_apart.lengths == std::vector<int64_t>{6, 6, 6, 6, 6});
  const Batch rows_across = across->Collate(rows, plan_of(*across)[0]);
  CHECK(rows_across.lengths == std::vector<int64_t>{16, 14});
}

TEST_CASE("Packed and padding-free rows give the loss of padded ones",
          "[methods][packing]") {
  const auto rows = RandomExamples(Lengths(12, 30));
  std::vector<int64_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  auto model = LoadTestModel(at::kDouble);
  std::vector<double> losses;
  std::vector<std::unique_ptr<data::Collator>> collators;
  collators.push_back(MakePaddedCollator({}, 12, 64));
  collators.push_back(MakePaddingFreeCollator({}, 12, 64));
  for (const std::string& strategy : PackStrategyNames()) {
    if (strategy == "wrapped") continue;  // its rows see each other
    PackedOptions options;
    options.strategy = strategy;
    collators.push_back(MakePackedCollator(options, 12, 64));
  }
  for (const auto& collator : collators) {
    Rng rng(1, Stream::kDataOrder);
    double loss = 0;
    for (const auto& plan : collator->PlanPass(rows, order, rng)) {
      loss += LossOf(*model, collator->Collate(rows, plan));
    }
    losses.push_back(loss);
  }
  REQUIRE(losses.size() == 8);
  for (double loss : losses) CHECK(loss == Approx(losses[0]).epsilon(1e-10));
}

}  // namespace sft::methods::packing_test
