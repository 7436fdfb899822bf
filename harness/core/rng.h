// Named random streams: every random choice of a run names its stream, so
// that drawing more in one place changes nothing in another. Counter based
// (splitmix64 over key and counter): the state is two numbers.
#ifndef HARNESS_CORE_RNG_H_
#define HARNESS_CORE_RNG_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace sft {

enum class Stream {
  kInit,
  kDataOrder,
  kDropout,
  kMethod,
  kBootstrap,
  kGeneration,
  kSearch
};
std::string_view StreamName(Stream stream);

uint64_t SplitMix64(uint64_t x);

class Rng {
 public:
  // `salt` tells streams of one kind apart, such as a tensor's name.
  Rng(uint64_t seed, Stream stream, std::string_view salt = "");

  uint64_t Next();
  // Uniform in [0, 1), 53 bits.
  double Uniform();
  // Uniform in [0, n), n > 0, without modulo bias.
  uint64_t Below(uint64_t n);
  // Standard normal (Box-Muller).
  double Normal();

  template <class T>
  void Shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[Below(i)]);
    }
  }

 private:
  uint64_t key_;
  uint64_t counter_ = 0;
};

}  // namespace sft

#endif  // HARNESS_CORE_RNG_H_
