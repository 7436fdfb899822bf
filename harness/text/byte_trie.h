// Texts and their ids as a double array (Aoe 1989): the child of node n by byte
// b is slot base[n] + b, if check[that slot] is n. A step is one memory access.
#ifndef HARNESS_TEXT_BYTE_TRIE_H_
#define HARNESS_TEXT_BYTE_TRIE_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace sft::text {

class ByteTrie {
 public:
  using Entry = std::pair<std::string_view, int32_t>;

  ByteTrie() = default;
  // Texts are not empty, ids are not negative. Of equal texts the first counts.
  explicit ByteTrie(std::vector<Entry> entries);

  bool empty() const { return slots_.empty(); }
  // Calls `visit` with the id and the size of each entry that begins `text`,
  // shortest first.
  template <class Visit>
  void ForEachPrefix(std::string_view text, Visit visit) const {
    if (slots_.empty()) return;
    int32_t node = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      node = Child(node, text[i]);
      if (node < 0) return;
      const int32_t id = slots_[static_cast<uint32_t>(node)].id;
      if (id >= 0) visit(id, i + 1);
    }
  }
  // Whether an entry begins with `text`.
  bool HasBegin(std::string_view text) const {
    if (slots_.empty()) return false;
    int32_t node = 0;
    for (char c : text) {
      node = Child(node, c);
      if (node < 0) return false;
    }
    return true;
  }
  // Id and size of the longest of them.
  std::optional<std::pair<int32_t, size_t>> Longest(
      std::string_view text) const {
    std::optional<std::pair<int32_t, size_t>> found;
    ForEachPrefix(text,
                  [&](int32_t id, size_t size) { found.emplace(id, size); });
    return found;
  }

 private:
  struct Slot {
    int32_t base = 0;
    int32_t check = -1;  // -1: free
    int32_t id = -1;     // -1: no entry ends here
  };
  struct Branch {
    int32_t node;
    size_t begin, end;  // entries that go through it
    size_t depth;
  };
  // -1 where there is none.
  int32_t Child(int32_t node, char byte) const {
    const auto next =
        static_cast<uint32_t>(slots_[static_cast<uint32_t>(node)].base +
                              static_cast<unsigned char>(byte));
    const bool there = next < slots_.size() && slots_[next].check == node;
    return there ? static_cast<int32_t>(next) : -1;
  }
  int32_t PlaceFor(const std::vector<unsigned char>& labels);

  std::vector<Slot> slots_;
  size_t first_free_ = 1;  // no slot before it is worth a look
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_BYTE_TRIE_H_
