#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <string_view>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/record/h5.h"
#include "harness/record/h5_handle.h"
#include "harness/record/h5_tree.h"

namespace sft::record {
namespace {

// Smaller values lie in their object's own header: a file of many small ones is
// mostly what HDF5 keeps beside each.
constexpr size_t kDeflateBytes = 8192;
constexpr hsize_t kChunkValues = 65536;
constexpr unsigned kDeflateLevel = 6;
// Names and attributes up to this many need no index of their own.
constexpr unsigned kManyNames = 1000;

constexpr size_t kShortNoteBytes = 256;

void KeepNamesInHeader(hid_t list) {
  H5Pset_link_phase_change(list, kManyNames, kManyNames - 100);
  H5Pset_attr_phase_change(list, kManyNames, kManyNames - 100);
}

absl::Status Failed(const H5Item& item) {
  return absl::InternalError(absl::StrCat(
      "HDF5 cannot write ", item.path,
      item.attribute.empty() ? "" : " attribute ", item.attribute));
}

// What the file and the memory hold of a value.
struct Layout {
  hid_t file_type;
  hid_t memory_type;
  std::vector<hsize_t> sizes;  // of each rank, none of a scalar
  const void* data;

  bool is_scalar() const { return sizes.empty(); }
  size_t size_bytes() const {
    size_t bytes = H5Tget_size(memory_type);
    for (const hsize_t size : sizes) bytes *= size;
    return bytes;
  }
  bool is_empty() const {
    return std::count(sizes.begin(), sizes.end(), hsize_t{0}) > 0;
  }
};

class Encoder {
 public:
  Encoder()
      : string_type_(MakeH5StringType(), H5Tclose),
        link_list_(H5Pcreate(H5P_LINK_CREATE), H5Pclose),
        group_list_(H5Pcreate(H5P_GROUP_CREATE), H5Pclose),
        small_list_(H5Pcreate(H5P_DATASET_CREATE), H5Pclose) {
    H5Pset_create_intermediate_group(link_list_.get(), 1);
    H5Pset_char_encoding(link_list_.get(), H5T_CSET_UTF8);
    H5Pset_obj_track_times(group_list_.get(), false);
    KeepNamesInHeader(group_list_.get());
    H5Pset_obj_track_times(small_list_.get(), false);
    H5Pset_layout(small_list_.get(), H5D_COMPACT);
  }

  // Intermediate groups would get times: each is made by name.
  absl::Status MakeGroups(hid_t file, const std::string& path) {
    for (size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      const std::string group = path.substr(0, slash);
      if (!groups_.insert(group).second) continue;
      H5Handle made(H5Gcreate2(file, group.c_str(), link_list_.get(),
                               group_list_.get(), H5P_DEFAULT),
                    H5Gclose);
      if (!made.ok()) {
        return absl::InternalError("HDF5 cannot make group " + group);
      }
    }
    return absl::OkStatus();
  }

  absl::Status WriteData(hid_t file, const H5Item& item) {
    SFT_RETURN_IF_ERROR(MakeGroups(file, item.path));
    const Layout layout = LayoutOf(item.value);
    H5Handle space(MakeSpace(layout), H5Sclose);
    const H5Handle large = MakeLargeList(layout);
    H5Handle data(
        H5Dcreate2(file, item.path.c_str(), layout.file_type, space.get(),
                   link_list_.get(),
                   large.ok() ? large.get() : small_list_.get(), H5P_DEFAULT),
        H5Dclose);
    if (!space.ok() || !data.ok()) return Failed(item);
    if (!layout.is_empty() && H5Dwrite(data.get(), layout.memory_type, H5S_ALL,
                                       H5S_ALL, H5P_DEFAULT, layout.data) < 0) {
      return Failed(item);
    }
    return absl::OkStatus();
  }

  absl::Status WriteAttribute(hid_t file, const H5Item& item) {
    const Layout layout = LayoutOf(item.value);
    if (!layout.is_scalar()) return Failed(item);
    SFT_RETURN_IF_ERROR(MakeGroups(file, item.path));
    if (item.path != "/" && data_sets_.count(item.path) == 0) {
      SFT_RETURN_IF_ERROR(MakeGroups(file, item.path + "/"));
    }
    H5Handle object(H5Oopen(file, item.path.c_str(), H5P_DEFAULT), H5Oclose);
    H5Handle space(MakeSpace(layout), H5Sclose);
    H5Handle list(H5Pcreate(H5P_ATTRIBUTE_CREATE), H5Pclose);
    H5Pset_char_encoding(list.get(), H5T_CSET_UTF8);
    if (!object.ok() || !space.ok()) return Failed(item);
    H5Handle attribute(
        H5Acreate2(object.get(), item.attribute.c_str(), layout.file_type,
                   space.get(), list.get(), H5P_DEFAULT),
        H5Aclose);
    if (!attribute.ok() ||
        H5Awrite(attribute.get(), layout.memory_type, layout.data) < 0) {
      return Failed(item);
    }
    return absl::OkStatus();
  }

  // A short one is of fixed length: it takes half of what a reference to a text
  // elsewhere does, and a record has a hundred of them.
  absl::Status WriteNote(hid_t file, const H5Note& note) {
    if (note.text.empty() || note.text.size() > kShortNoteBytes) {
      return WriteAttribute(file, {note.path, note.attribute, note.text});
    }
    H5Handle object(H5Oopen(file, note.path.c_str(), H5P_DEFAULT), H5Oclose);
    H5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type.get(), note.text.size());
    H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
    H5Tset_cset(type.get(), H5T_CSET_UTF8);
    H5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    if (!object.ok()) return Failed({note.path, note.attribute, note.text});
    H5Handle attribute(
        H5Acreate2(object.get(), note.attribute.c_str(), type.get(),
                   space.get(), H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose);
    if (!attribute.ok() ||
        H5Awrite(attribute.get(), type.get(), note.text.data()) < 0) {
      return Failed({note.path, note.attribute, note.text});
    }
    return absl::OkStatus();
  }

  void NoteDataSet(const std::string& path) { data_sets_.insert(path); }

 private:
  // Of a data set that lies outside its header: numbers deflated, texts as they
  // are, for what is kept of them there are references. Not ok of a small one.
  H5Handle MakeLargeList(const Layout& layout) const {
    if (layout.size_bytes() < kDeflateBytes) return {-1, H5Pclose};
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(list, false);
    if (H5Tget_class(layout.file_type) != H5T_STRING) {
      std::vector<hsize_t> chunk = layout.sizes;
      const hsize_t columns = chunk.size() > 1 ? chunk[1] : 1;
      chunk[0] =
          std::min(chunk[0], std::max<hsize_t>(kChunkValues / columns, 1));
      H5Pset_chunk(list, static_cast<int>(chunk.size()), chunk.data());
      H5Pset_shuffle(list);
      H5Pset_deflate(list, kDeflateLevel);
    }
    return {list, H5Pclose};
  }

  hid_t MakeSpace(const Layout& layout) const {
    return layout.is_scalar()
               ? H5Screate(H5S_SCALAR)
               : H5Screate_simple(static_cast<int>(layout.sizes.size()),
                                  layout.sizes.data(), nullptr);
  }

  Layout LayoutOf(const H5Value& value) {
    const hid_t text = string_type_.get();
    if (const auto* v = std::get_if<int64_t>(&value)) {
      return {H5T_STD_I64LE, H5T_NATIVE_INT64, {}, v};
    }
    if (const auto* v = std::get_if<double>(&value)) {
      return {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {}, v};
    }
    if (const auto* v = std::get_if<std::vector<int64_t>>(&value)) {
      return {H5T_STD_I64LE, H5T_NATIVE_INT64, {v->size()}, v->data()};
    }
    if (const auto* v = std::get_if<std::vector<double>>(&value)) {
      return {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {v->size()}, v->data()};
    }
    if (const auto* v = std::get_if<H5Matrix>(&value)) {
      const hsize_t columns = static_cast<hsize_t>(v->columns);
      return {v->is_of_bytes ? H5T_STD_I8LE : H5T_IEEE_F64LE,
              H5T_NATIVE_DOUBLE,
              {v->values.size() / columns, columns},
              v->values.data()};
    }
    pointers_.clear();
    if (const auto* v = std::get_if<std::string>(&value)) {
      pointers_.push_back(v->c_str());
      return {text, text, {}, pointers_.data()};
    }
    for (const std::string& one : std::get<std::vector<std::string>>(value)) {
      pointers_.push_back(one.c_str());
    }
    return {text, text, {pointers_.size()}, pointers_.data()};
  }

  H5Handle string_type_, link_list_, group_list_, small_list_;
  std::set<std::string> groups_;
  std::set<std::string> data_sets_;
  std::vector<const char*> pointers_;
};

bool IsClean(const H5Item& item) {
  if (!IsCleanUtf8(item.path) || !IsCleanUtf8(item.attribute)) return false;
  if (const auto* one = std::get_if<std::string>(&item.value)) {
    return IsCleanUtf8(*one);
  }
  if (const auto* all = std::get_if<std::vector<std::string>>(&item.value)) {
    return std::all_of(all->begin(), all->end(), [](const std::string& text) {
      return IsCleanUtf8(text);
    });
  }
  return true;
}

// Bob Jenkins' lookup3 (public domain), HDF5's checksum of metadata (HDF5 file
// format specification 3.0, III.A.2).
uint32_t Lookup3(std::string_view bytes) {
  const auto rotated = [](uint32_t x, int k) {
    return (x << k) | (x >> (32 - k));
  };
  const uint32_t start = 0xdeadbeef + static_cast<uint32_t>(bytes.size());
  uint32_t a = start, b = start, c = start;
  const auto add = [&](std::string_view twelve) {
    uint32_t words[3] = {};
    std::memcpy(words, twelve.data(), twelve.size());
    a += words[0];
    b += words[1];
    c += words[2];
  };
  for (; bytes.size() > 12; bytes.remove_prefix(12)) {
    add(bytes.substr(0, 12));
    a = (a - c) ^ rotated(c, 4), c += b;
    b = (b - a) ^ rotated(a, 6), a += c;
    c = (c - b) ^ rotated(b, 8), b += a;
    a = (a - c) ^ rotated(c, 16), c += b;
    b = (b - a) ^ rotated(a, 19), a += c;
    c = (c - b) ^ rotated(b, 4), b += a;
  }
  if (bytes.empty()) return c;
  add(bytes);
  c = (c ^ b) - rotated(b, 14);
  a = (a ^ c) - rotated(c, 11);
  b = (b ^ a) - rotated(a, 25);
  c = (c ^ b) - rotated(b, 16);
  a = (a ^ c) - rotated(c, 4);
  b = (b ^ a) - rotated(a, 14);
  c = (c ^ b) - rotated(b, 24);
  return c;
}

// H5Fget_file_image takes the mark of an open file out of the superblock, and
// leaves the checksum that was made with it.
void MendSuperblock(std::string& image) {
  constexpr size_t kBytes = 44;  // version 2 with offsets of 8 bytes
  constexpr size_t kVersion = 8, kOffsetBytes = 9;
  if (image.size() < kBytes + 4 || image[kVersion] != 2 ||
      image[kOffsetBytes] != 8) {
    return;
  }
  const uint32_t sum = Lookup3(std::string_view(image).substr(0, kBytes));
  std::memcpy(&image[kBytes], &sum, sizeof(sum));
}

}  // namespace

absl::Status WriteH5Items(hid_t file, const std::vector<H5Item>& items,
                          const std::vector<H5Note>& notes) {
  Encoder encoder;
  for (const H5Item& item : items) {
    if (!IsClean(item)) {
      return absl::InternalError(item.path + ": holds text that is no UTF-8");
    }
    if (!item.attribute.empty()) continue;
    encoder.NoteDataSet(item.path);
    SFT_RETURN_IF_ERROR(encoder.WriteData(file, item));
  }
  for (const H5Item& item : items) {
    if (item.attribute.empty()) continue;
    SFT_RETURN_IF_ERROR(encoder.WriteAttribute(file, item));
  }
  for (const H5Note& note : notes) {
    SFT_RETURN_IF_ERROR(encoder.WriteNote(file, note));
  }
  return absl::OkStatus();
}

H5Handle MakeH5CreationList(hsize_t user_block_bytes) {
  const hid_t list = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_userblock(list, user_block_bytes);
  H5Pset_obj_track_times(list, false);  // of the root group
  KeepNamesInHeader(list);
  return {list, H5Pclose};
}

void SetH5Format(hid_t access_list) {
  H5Pset_libver_bounds(access_list, H5F_LIBVER_V18, H5F_LIBVER_V18);
}

void SortItems(std::vector<H5Item>& items) {
  std::sort(items.begin(), items.end(),
            [](const H5Item& a, const H5Item& b) { return a.key() < b.key(); });
}

absl::StatusOr<std::string> EncodeH5(std::vector<H5Item> items) {
  SortItems(items);
  return EncodeSortedH5(items);
}

absl::StatusOr<std::string> EncodeSortedH5(const std::vector<H5Item>& items,
                                           const std::vector<H5Note>& notes) {
  H5Session session;
  H5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const H5Handle creation = MakeH5CreationList(/*user_block_bytes=*/0);
  H5Pset_fapl_core(access.get(), kGrowBytes, /*backing_store=*/false);
  SetH5Format(access.get());
  H5Handle file(
      H5Fcreate("record", H5F_ACC_TRUNC, creation.get(), access.get()),
      H5Fclose);
  if (!file.ok()) return absl::InternalError("HDF5 cannot make a file");
  SFT_RETURN_IF_ERROR(WriteH5Items(file.get(), items, notes));
  if (H5Fflush(file.get(), H5F_SCOPE_GLOBAL) < 0) {
    return absl::InternalError("HDF5 cannot flush a file");
  }
  const ssize_t size = H5Fget_file_image(file.get(), nullptr, 0);
  if (size <= 0) return absl::InternalError("HDF5 gives no file image");
  std::string image(static_cast<size_t>(size), '\0');
  if (H5Fget_file_image(file.get(), image.data(), image.size()) != size) {
    return absl::InternalError("HDF5 gives no file image");
  }
  MendSuperblock(image);
  return image;
}

}  // namespace sft::record
