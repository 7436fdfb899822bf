// The values of a record as they are put together, before they are sorted.
#ifndef HARNESS_RECORD_ITEM_LIST_H_
#define HARNESS_RECORD_ITEM_LIST_H_

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/core/utf8.h"
#include "harness/record/h5.h"
#include "harness/record/schema.h"

namespace sft::record {

class ItemList {
 public:
  void Data(const std::string& path, H5Value value, std::string_view unit) {
    items_.push_back({path, "", std::move(value)});
    Attribute(path, "unit", unit);
  }
  void Attribute(const std::string& path, const std::string& name,
                 std::string_view text) {
    items_.push_back({path, name, CleanUtf8(text)});
  }
  void Attribute(const std::string& path, const std::string& name,
                 int64_t value) {
    items_.push_back({path, name, value});
  }
  void Texts(const std::string& path,
             const std::map<std::string, std::string>& texts) {
    for (const auto& [name, text] : texts) {
      const std::string clean = CleanUtf8(name);
      if (!clean.empty()) Attribute(path, clean, text);
    }
  }
  void Numbers(const std::string& path,
               const std::map<std::string, double>& numbers) {
    for (const auto& [name, value] : numbers) {
      Data(path + "/" + EncodePathName(CleanUtf8(name)), value,
           UnitOfName(name));
    }
  }
  void Bytes(const std::string& path,
             const std::map<std::string, int64_t>& bytes) {
    for (const auto& [name, value] : bytes) {
      Data(path + "/" + EncodePathName(CleanUtf8(name)), value, "byte");
    }
  }
  std::vector<H5Item> Take() {
    std::sort(
        items_.begin(), items_.end(),
        [](const H5Item& a, const H5Item& b) { return a.key() < b.key(); });
    return std::move(items_);
  }

 private:
  std::vector<H5Item> items_;
};

}  // namespace sft::record

#endif  // HARNESS_RECORD_ITEM_LIST_H_
