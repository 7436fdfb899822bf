#include "harness/core/rng.h"

#include <cmath>

namespace sft {
namespace {
constexpr double kPi = 3.14159265358979323846;

// FNV-1a, then mixed: names to keys.
uint64_t HashName(std::string_view name) {
  uint64_t h = 0xcbf29ce484222325ULL;
  for (unsigned char c : name) h = (h ^ c) * 0x100000001b3ULL;
  return SplitMix64(h);
}
}  // namespace

std::string_view StreamName(Stream stream) {
  switch (stream) {
    case Stream::kInit:
      return "init";
    case Stream::kDataOrder:
      return "data_order";
    case Stream::kDropout:
      return "dropout";
    case Stream::kMethod:
      return "method";
    case Stream::kGeneration:
      return "generation";
    case Stream::kBootstrap:
      return "bootstrap";
    case Stream::kSearch:
      return "search";
  }
  return "";
}

uint64_t SplitMix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

Rng::Rng(uint64_t seed, Stream stream, std::string_view salt)
    : key_(SplitMix64(SplitMix64(seed ^ HashName(StreamName(stream))) ^
                      HashName(salt))) {}

uint64_t Rng::Next() {
  return SplitMix64(key_ + 0x9E3779B97F4A7C15ULL * counter_++);
}

double Rng::Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

uint64_t Rng::Below(uint64_t n) {
  // Lemire: multiply, and reject the few values that would be biased.
  while (true) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(Next()) * n;
    const uint64_t low = static_cast<uint64_t>(product);
    if (low >= n || low >= (0 - n) % n) {
      return static_cast<uint64_t>(product >> 64);
    }
  }
}

double Rng::Normal() {
  const double u = 1.0 - Uniform();
  const double v = Uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * kPi * v);
}

}  // namespace sft
