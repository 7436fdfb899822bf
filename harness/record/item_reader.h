// Values of a record by path, with errors that name the file and the path.
#ifndef HARNESS_RECORD_ITEM_READER_H_
#define HARNESS_RECORD_ITEM_READER_H_

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "harness/core/status.h"
#include "harness/record/h5.h"

namespace sft::record {

// `path` without `group` and the slash, "" if it is not below it.
inline std::string Below(const std::string& path, const std::string& group) {
  if (path.size() <= group.size() + 1 || path.rfind(group, 0) != 0 ||
      path[group.size()] != '/') {
    return "";
  }
  return path.substr(group.size() + 1);
}

class ItemReader {
 public:
  // `items` in path order; both outlive the reader.
  ItemReader(const std::string& where, const std::vector<H5Item>& items)
      : where_(where), items_(items) {}

  absl::Status Error(const std::string& path, const std::string& what) const {
    return InputError(where_, path + ": " + what);
  }

  const H5Item* Find(const std::string& path,
                     const std::string& attribute) const {
    const H5Item wanted{path, attribute, {}};
    const auto it = std::lower_bound(
        items_.begin(), items_.end(), wanted,
        [](const H5Item& a, const H5Item& b) { return a.key() < b.key(); });
    if (it == items_.end() || it->key() != wanted.key()) return nullptr;
    return &*it;
  }

  template <class T>
  absl::Status Get(const std::string& path, const std::string& attribute,
                   T& value) const {
    const std::string name =
        attribute.empty() ? path : path + " attribute " + attribute;
    const H5Item* item = Find(path, attribute);
    if (item == nullptr) return Error(name, "is missing");
    return Take(*item, name, value);
  }
  template <class T>
  absl::Status Take(const H5Item& item, const std::string& name,
                    T& value) const {
    const T* held = std::get_if<T>(&item.value);
    if (held == nullptr) return Error(name, "has another type or rank");
    value = *held;
    return absl::OkStatus();
  }
  // Leaves `value` alone if there is none.
  template <class T>
  absl::Status GetIfThere(const std::string& path, T& value) const {
    const H5Item* item = Find(path, "");
    return item == nullptr ? absl::OkStatus() : Take(*item, path, value);
  }

 private:
  const std::string& where_;
  const std::vector<H5Item>& items_;
};

}  // namespace sft::record

#endif  // HARNESS_RECORD_ITEM_READER_H_
