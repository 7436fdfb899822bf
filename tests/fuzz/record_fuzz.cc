// Records whose values and structure are damaged behind good digests: the
// bytes are a list of changes to a sample record's items, and packed items
// themselves. (What HDF5 itself
// makes of damaged files is not asked: digests refuse those first.)
#include <utility>
#include <vector>

#include "harness/record/h5.h"
#include "harness/record/packed_items.h"
#include "harness/record/record_items.h"
#include "harness/record/run_record.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/harness/record/sample_record.h"

namespace sft::fuzz {
namespace {

using record::H5Item;

class Changes {
 public:
  explicit Changes(std::string_view bytes) : bytes_(bytes) {}
  bool done() const { return at_ >= bytes_.size(); }
  uint8_t Byte() { return done() ? 0 : static_cast<uint8_t>(bytes_[at_++]); }
  int64_t Number() {
    static constexpr int64_t kOdd[] = {0, -1, 1, INT64_MIN, INT64_MAX, 1 << 20};
    const uint8_t byte = Byte();
    return byte < 6 ? kOdd[byte] : static_cast<int8_t>(byte);
  }
  std::string Text() {
    std::string out;
    for (int n = Byte() % 16; n > 0; --n) {
      out += static_cast<char>('!' + Byte() % 90);
    }
    return out;
  }
  record::H5Value Value() {
    switch (Byte() % 7) {
      case 0:
        return Number();
      case 1:
        return static_cast<double>(Number()) / 3;
      case 2:
        return Text();
      case 3:
        return std::vector<int64_t>(Byte() % 5, Number());
      case 4:
        return std::vector<double>(Byte() % 5, static_cast<double>(Number()));
      case 5:
        return std::vector<std::string>(Byte() % 5, Text());
      default: {
        const int64_t columns = 1 + Byte() % 4;
        return record::H5Matrix{
            std::vector<double>(static_cast<size_t>(columns) * (Byte() % 4),
                                static_cast<double>(Number())),
            columns};
      }
    }
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

}  // namespace

void Fuzz(std::string_view bytes) {
  // What a packed record is behind its sums.
  (void)record::ItemsOfFlatBytes("a.h5", bytes);
  static const std::vector<H5Item> sample =
      record::ItemsOfRecord(record::SampleRecord());
  std::vector<H5Item> items = sample;
  for (Changes changes(bytes); !changes.done() && !items.empty();) {
    const uint8_t what = changes.Byte();
    const size_t at = (changes.Byte() * 256u + changes.Byte()) % items.size();
    if (what % 4 == 0) {
      items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (what % 4 == 1) {
      H5Item copy = items[at];
      (copy.attribute.empty() ? copy.path : copy.attribute) += "x";
      items.push_back(std::move(copy));
    } else {
      items[at].value = changes.Value();
    }
  }
  items.push_back({"/", record::kContentSha256, record::ContentDigest(items)});
  items.push_back({"/", record::kRecordSha256, record::WholeDigest(items)});
  const auto image = record::EncodeH5(items);
  if (!image.ok()) return;
  const auto decoded = record::DecodeH5("a.h5", *image);
  if (decoded.ok()) (void)record::RecordFromItems("a.h5", *decoded);
}

}  // namespace sft::fuzz
