// Windows that overlap, and bits per byte.
#include "harness/eval/heldout_windows.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>

#include "harness/eval/evaluator.h"
#include "harness/metrics/metrics.h"
#include "tests/harness/data/fake_tokenizer.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::eval::heldout_windows_test {
namespace {

using nlohmann::json;

// A byte a token.
std::string TextOf(int64_t tokens) {
  std::string text;
  for (int64_t i = 0; i < tokens; ++i) text += static_cast<char>('0' + i);
  return text;
}

// [first token, tokens, how many of the last ones are predicted] of each.
json WindowsAs(const HeldoutWindows& held) {
  json out = json::array();
  for (const Example& window : held.windows) {
    out.push_back({window.input_ids[0] - '0', window.input_ids.size(), 0});
  }
  for (const Wanted& one : held.wanted) {
    json& predicted = out[one.sequence][2];
    predicted = predicted.get<int64_t>() + 1;
    const Example& window = held.windows[one.sequence];
    CHECK(window.input_ids[one.position + 1] == one.token);
  }
  return out;
}

TEST_CASE("windows are those of transformers' guide and of lm-eval",
          "[eval][heldout]") {
  std::ifstream in(support::SourceDir() / "tests/golden/windows.json");
  const json golden = json::parse(in);
  const data::FakeTokenizer tokenizer;
  REQUIRE(golden["cases"].size() > 80);
  for (const json& c : golden["cases"]) {
    INFO(c.dump());
    const bool rolling = c.contains("rolling");
    const int64_t length = c["length"];
    const json& wanted = rolling ? c["rolling"] : c["strided"];
    const auto held =
        WindowsOf(tokenizer, {TextOf(c["tokens"])},
                  {.window = rolling ? length + 1 : length,
                   .stride = rolling ? length : c["stride"].get<int64_t>()},
                  "text");
    if (wanted.empty()) {
      CHECK_FALSE(held.ok());
      continue;
    }
    REQUIRE(held.ok());
    json windows = WindowsAs(*held), expected = wanted;
    if (rolling) {
      // lm-eval's last window reaches back for older text to read.
      REQUIRE(windows.size() == expected.size());
      CHECK(windows.back()[2] == expected.back()[2]);
      windows.erase(windows.size() - 1);
      expected.erase(expected.size() - 1);
    }
    CHECK(windows == expected);
  }
}

TEST_CASE("each token is predicted once, and its bytes are counted once",
          "[eval][heldout]") {
  const data::FakeTokenizer tokenizer;
  const std::vector<std::string> documents = {TextOf(23), "", TextOf(1),
                                              TextOf(9)};
  for (const int64_t stride : {0, 1, 3, 4, 5}) {
    INFO("stride " << stride);
    const auto held =
        WindowsOf(tokenizer, documents,
                  {.window = 5, .stride = stride, .count_bytes = true}, "text");
    REQUIRE(held.ok());
    int64_t bytes = 0;
    for (const int64_t one : held->bytes) bytes += one;
    // Without a stride the first token of every window is only read.
    CHECK(bytes == (stride == 0 || stride == 5 ? 23 + 9 - 5 - 2 : 22 + 8));
    CHECK(bytes == std::ssize(held->wanted));
    CHECK((held->detail.find("stride") != std::string::npos) == (stride > 0));
  }
  const auto capped =
      WindowsOf(tokenizer, documents,
                {.window = 5, .stride = 2, .max_tokens = 12}, "text");
  REQUIRE(capped.ok());
  // Windows of the two texts in turn: 5 and 5 tokens, then 2.
  CHECK(capped->windows.size() == 3);
  CHECK(capped->wanted.size() == 10);
  CHECK_FALSE(
      WindowsOf(tokenizer, documents, {.window = 5, .stride = 6}, "t").ok());
}

TEST_CASE("bits per byte are nats over bytes", "[eval][metrics]") {
  const metrics::Metric* metric = metrics::FindMetric("bits_per_byte");
  REQUIRE(metric != nullptr);
  CHECK_FALSE(metric->higher_is_better);
  const auto value = metrics::ValueOfSums(*metric, {std::numbers::ln2 * 6, 3});
  REQUIRE(value.has_value());
  CHECK(*value == Approx(2));
}

}  // namespace
}  // namespace sft::eval::heldout_windows_test
