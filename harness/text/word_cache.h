// A bounded, thread-safe cache from words to their tokens: sharded by hash so
// that data-loading threads seldom wait for each other. Full shards stay as
// they are: the first words of a corpus are the frequent ones.
#ifndef HARNESS_TEXT_WORD_CACHE_H_
#define HARNESS_TEXT_WORD_CACHE_H_

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "harness/core/status.h"
#include "harness/text/subword_model.h"

namespace sft::text {

class WordCache {
 public:
  static constexpr size_t kMaxWordBytes = 128;

  // Appends the cached tokens of `word`; false if there are none.
  bool Find(std::string_view word, std::vector<Subword>* out) {
    if (word.size() > kMaxWordBytes) return false;
    Shard& shard = ShardOf(word);
    absl::ReaderMutexLock lock(&shard.mutex);
    const auto it = shard.words.find(ToAbsl(word));
    if (it == shard.words.end()) return false;
    out->insert(out->end(), it->second.begin(), it->second.end());
    return true;
  }

  void Add(std::string_view word, const Subword* begin, const Subword* end) {
    if (word.size() > kMaxWordBytes) return;
    Shard& shard = ShardOf(word);
    absl::MutexLock lock(&shard.mutex);
    if (shard.words.size() >= kMaxWordsPerShard) return;
    shard.words.emplace(std::string(word), std::vector<Subword>(begin, end));
  }

 private:
  static constexpr size_t kShards = 16;
  static constexpr size_t kMaxWordsPerShard = 4096;
  struct Shard {
    absl::Mutex mutex;
    absl::flat_hash_map<std::string, std::vector<Subword>> words;
  };
  Shard& ShardOf(std::string_view word) {
    return shards_[std::hash<std::string_view>()(word) % kShards];
  }
  std::array<Shard, kShards> shards_;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_WORD_CACHE_H_
