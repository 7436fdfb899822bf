#include "harness/record/verify.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>

#include "harness/core/fields.h"
#include "harness/core/parallel_for.h"
#include "harness/core/status.h"
#include "harness/record/merge.h"
#include "harness/record/record_file.h"
#include "harness/record/record_items.h"
#include "harness/record/schema.h"

namespace sft::record {
namespace {

std::string Shown(int64_t value) { return CanonicalText(value); }
std::string Shown(double value) { return CanonicalText(value); }
// The first line that differs says more than two long texts.
std::string Shown(const std::string& value) {
  return "'" + value.substr(0, 80) + (value.size() > 80 ? "...'" : "'");
}

bool SameBits(double a, double b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}
template <class T>
bool SameBits(const T& a, const T& b) {
  return a == b;
}

template <class T>
std::string Difference(const std::string& name, const T& a, const T& b) {
  if (SameBits(a, b)) return "";
  return absl::StrCat(name, ": ", Shown(a), " and ", Shown(b));
}
std::string Difference(const std::string& name, const std::string& a,
                       const std::string& b) {
  if (a == b) return "";
  const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const size_t before = static_cast<size_t>(at.first - a.begin());
  const size_t newline =
      before == 0 ? std::string::npos : a.rfind('\n', before - 1);
  const size_t start = newline == std::string::npos ? 0 : newline + 1;
  const auto line = [&](const std::string& text) {
    return Shown(text.substr(start, text.find('\n', before) - start));
  };
  return absl::StrCat(name, ": ", line(a), " and ", line(b));
}
template <class T>
std::string Difference(const std::string& name, const std::vector<T>& a,
                       const std::vector<T>& b) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const std::string found =
        Difference(absl::StrCat(name, "[", i, "]"), a[i], b[i]);
    if (!found.empty()) return found;
  }
  if (a.size() == b.size()) return "";
  return absl::StrCat(name, ": ", a.size(), " and ", b.size(), " values");
}

std::string Difference(const std::string& name, const H5Matrix& a,
                       const H5Matrix& b) {
  if (a.columns != b.columns) {
    return absl::StrCat(name, ": ", a.columns, " and ", b.columns, " columns");
  }
  return Difference(name, a.values, b.values);
}

std::string NameOf(const H5Item& item) {
  return item.attribute.empty() ? item.path : item.path + " @" + item.attribute;
}

std::string Difference(const H5Item& a, const H5Item& b) {
  if (a.value.index() != b.value.index()) return NameOf(a) + ": other type";
  return std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        return Difference(NameOf(a), value, std::get<T>(b.value));
      },
      a.value);
}

absl::StatusOr<std::vector<H5Item>> ContentItems(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const RunRecord record, ReadRunRecord(path));
  std::vector<H5Item> items = ItemsOfRecord(record);
  const auto end = std::remove_if(
      items.begin(), items.end(),
      [](const H5Item& item) { return !IsDeterministicPath(item.path); });
  items.erase(end, items.end());
  return items;
}

// nullopt of a merged file, whose records are verified on all threads: not on
// as many again for each file.
std::optional<absl::Status> VerifySingle(const std::string& path) {
  const absl::StatusOr<RecordFile> file = RecordFile::Open(path);
  if (!file.ok()) return file.status();
  if (file->is_merged()) return std::nullopt;
  return file->Verify(file->names()[0]);
}

}  // namespace

absl::Status VerifyRecord(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const RecordFile file, RecordFile::Open(path));
  const std::vector<std::string>& names = file.names();
  if (names.empty()) return InputError(path, "holds no record");
  std::vector<absl::Status> found(names.size());
  ParallelFor(names.size(),
              [&](size_t i) { found[i] = file.Verify(names[i]); });
  for (const absl::Status& status : found) SFT_RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<VerifiedFile>> VerifyPath(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                       ListRecordFiles(path));
  if (files.empty()) return InputError(path, "holds no record");
  std::vector<std::optional<absl::Status>> single(files.size());
  ParallelFor(files.size(),
              [&](size_t i) { single[i] = VerifySingle(files[i]); });
  std::vector<VerifiedFile> verified;
  for (size_t i = 0; i < files.size(); ++i) {
    verified.push_back({files[i], single[i].has_value()
                                      ? *single[i]
                                      : VerifyRecord(files[i])});
  }
  return verified;
}

absl::StatusOr<std::string> CompareRecords(const std::string& a,
                                           const std::string& b) {
  SFT_ASSIGN_OR_RETURN(const std::vector<H5Item> left, ContentItems(a));
  SFT_ASSIGN_OR_RETURN(const std::vector<H5Item> right, ContentItems(b));
  for (size_t i = 0, j = 0; i < left.size() || j < right.size();) {
    if (j == right.size() ||
        (i < left.size() && left[i].key() < right[j].key())) {
      return NameOf(left[i]) + ": only in " + a;
    }
    if (i == left.size() || right[j].key() < left[i].key()) {
      return NameOf(right[j]) + ": only in " + b;
    }
    const std::string found = Difference(left[i++], right[j++]);
    if (!found.empty()) return found;
  }
  return std::string();
}

}  // namespace sft::record
