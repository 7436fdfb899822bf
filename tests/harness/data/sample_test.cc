// Which rows a limit leaves.
#include "harness/data/sample.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

namespace sft::data::sample_test {
namespace {

TEST_CASE("a sample holds every class in its proportion", "[data][sample]") {
  // A file that is sorted by label: 10 classes of 50 rows.
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < 500; ++i) labels.push_back(i / 50);
  const std::vector<size_t> kept = SampleIndices(labels, 100, 7);
  CHECK(kept.size() == 100);
  CHECK(std::is_sorted(kept.begin(), kept.end()));
  std::map<int64_t, int> counts;
  for (const size_t i : kept) ++counts[labels[i]];
  CHECK(counts.size() == 10);
  for (const auto& [label, count] : counts) CHECK(count == 10);
  CHECK(SampleIndices(labels, 100, 7) == kept);
  CHECK(SampleIndices(labels, 100, 8) != kept);
  // Fewer rows than classes: not always the first ones.
  std::set<int64_t> seen;
  for (uint64_t key = 0; key < 40; ++key) {
    const std::vector<size_t> few = SampleIndices(labels, 3, key);
    CHECK(few.size() == 3);
    for (const size_t i : few) seen.insert(labels[i]);
  }
  CHECK(seen.size() == 10);
  CHECK(SampleIndices(labels, 500, 7).size() == 500);
  CHECK(SampleIndices(labels, 9000, 7).size() == 500);
}

TEST_CASE("unequal classes keep their shares, rows without a class are one",
          "[data][sample]") {
  std::vector<int64_t> labels(90, 0);
  labels.resize(100, 1);
  std::map<int64_t, int> counts;
  for (const size_t i : SampleIndices(labels, 20, 1)) ++counts[labels[i]];
  CHECK(counts[0] == 18);
  CHECK(counts[1] == 2);
  const std::vector<size_t> none =
      SampleIndices(std::vector<int64_t>(1000, -1), 100, 1);
  CHECK(none.size() == 100);
  CHECK(none.back() > 800);  // no head
}

TEST_CASE("the key is of the rows, the use and the seed", "[data][sample]") {
  Row row;
  row.turns = {{"user", "a"}, {"assistant", "b"}};
  const std::string digest = DigestOfRows({row});
  CHECK(DigestOfRows({row}) == digest);
  CHECK(DigestOfRows({row, row}) != digest);
  row.choices = {"x"};
  CHECK(DigestOfRows({row}) != digest);
  CHECK(SampleKey(digest, "train", 0) == SampleKey(digest, "train", 0));
  CHECK(SampleKey(digest, "train", 0) != SampleKey(digest, "train", 1));
  CHECK(SampleKey(digest, "train", 0) != SampleKey(digest, "test", 0));
}

TEST_CASE("identity is all of the prompt, and the answer", "[data][sample]") {
  Row a;
  a.turns = {{"user", "q"}, {"assistant", "b"}};
  Row b = a;
  CHECK(IdentityOf(a).prompt == IdentityOf(b).prompt);
  CHECK(IdentityOf(a).answer == IdentityOf(b).answer);
  b.choices = {"b", "c"};
  CHECK(IdentityOf(a).prompt != IdentityOf(b).prompt);
  b = a;
  b.turns[1].content = std::string("c");
  CHECK(IdentityOf(a).prompt == IdentityOf(b).prompt);
  CHECK(IdentityOf(a).answer != IdentityOf(b).answer);
  b.turns = {
      {"user", "q"}, {"assistant", "x"}, {"user", "r"}, {"assistant", "b"}};
  CHECK(IdentityOf(a).prompt != IdentityOf(b).prompt);
}

}  // namespace
}  // namespace sft::data::sample_test
