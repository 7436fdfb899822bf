#include <algorithm>
#include <cstdint>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/record/h5.h"
#include "harness/record/h5_handle.h"
#include "harness/record/h5_tree.h"

namespace sft::record {
namespace {

constexpr int kMaxDepth = 16;
// A data set or an attribute: the two differ in the calls only.
struct Source {
  hid_t id;
  bool is_attribute;

  hid_t Type() const {
    return is_attribute ? H5Aget_type(id) : H5Dget_type(id);
  }
  hid_t Space() const {
    return is_attribute ? H5Aget_space(id) : H5Dget_space(id);
  }
  herr_t Read(hid_t type, void* data) const {
    return is_attribute
               ? H5Aread(id, type, data)
               : H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  }
};

class Decoder {
 public:
  Decoder(const std::string& where, size_t image_bytes, H5Depth depth)
      : where_(where), image_bytes_(image_bytes), depth_(depth) {}

  absl::Status ReadGroup(hid_t group, const std::string& path, int depth) {
    if (depth > kMaxDepth) return Error(path, "groups nest too deep");
    SFT_RETURN_IF_ERROR(ReadAttributes(group, path, /*is_data=*/false));
    std::vector<std::string> names;
    hsize_t at = 0;
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, AddLinkName,
                   &names) < 0) {
      return Error(path, "its list of objects cannot be read");
    }
    for (const std::string& name : names) {
      // A real tree spends more than this many bytes on each link, so that
      // one that meets itself again ends here.
      if (++objects_ > image_bytes_ / 16) {
        return Error(path, "more objects than the file can hold");
      }
      const std::string child = (path == "/" ? "" : path) + "/" + name;
      if (!IsCleanUtf8(name)) return Error(path, "a name that is no UTF-8");
      H5L_info_t link;
      if (H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT) < 0 ||
          link.type != H5L_TYPE_HARD) {
        return Error(child, "is a link to elsewhere");
      }
      H5Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose);
      if (!object.ok()) return Error(child, "cannot be opened");
      switch (H5Iget_type(object.get())) {
        case H5I_GROUP:
          if (depth_ == H5Depth::kRoot) break;
          SFT_RETURN_IF_ERROR(ReadGroup(object.get(), child, depth + 1));
          break;
        case H5I_DATASET:
          SFT_RETURN_IF_ERROR(
              ReadValue({object.get(), /*is_attribute=*/false}, child, ""));
          SFT_RETURN_IF_ERROR(
              ReadAttributes(object.get(), child, /*is_data=*/true));
          break;
        default:
          return Error(child, "is neither group nor data set");
      }
    }
    return absl::OkStatus();
  }

  std::vector<H5Item> TakeItems() { return std::move(items_); }

 private:
  static herr_t AddLinkName(hid_t, const char* name, const H5L_info_t*,
                            void* names) {
    static_cast<std::vector<std::string>*>(names)->push_back(name);
    return 0;
  }
  static herr_t AddAttributeName(hid_t, const char* name, const H5A_info_t*,
                                 void* names) {
    static_cast<std::vector<std::string>*>(names)->push_back(name);
    return 0;
  }

  absl::Status Error(const std::string& path, const std::string& what) const {
    return InputError(where_, path + ": " + what);
  }

  // Of an H5Note: names of a run stand on groups other than the root.
  static bool IsNote(const std::string& path, bool is_data,
                     const std::string& attribute) {
    if (is_data) return attribute == kMeaningNote;
    return path == "/" && (attribute == kConfigNote || attribute == kAxesNote);
  }

  absl::Status ReadAttributes(hid_t object, const std::string& path,
                              bool is_data) {
    std::vector<std::string> names;
    hsize_t at = 0;
    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, AddAttributeName,
                    &names) < 0) {
      return Error(path, "its attributes cannot be read");
    }
    for (const std::string& name : names) {
      if (IsNote(path, is_data, name)) continue;
      H5Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
      if (!attribute.ok()) return Error(path, "an attribute cannot be read");
      SFT_RETURN_IF_ERROR(
          ReadValue({attribute.get(), /*is_attribute=*/true}, path, name));
    }
    return absl::OkStatus();
  }

  template <class T>
  absl::Status ReadNumbers(const Source& source, hid_t type, bool is_scalar,
                           size_t size, H5Item item) {
    std::vector<T> values(size);
    if (size > 0 && source.Read(type, values.data()) < 0) {
      return Error(item.path, "cannot be read");
    }
    if (is_scalar) {
      item.value = values[0];
    } else {
      item.value = std::move(values);
    }
    items_.push_back(std::move(item));
    return absl::OkStatus();
  }

  absl::Status ReadMatrix(const Source& source, size_t size, int64_t columns,
                          H5Item item) {
    H5Matrix matrix{std::vector<double>(size), columns};
    if (size > 0 && source.Read(H5T_NATIVE_DOUBLE, matrix.values.data()) < 0) {
      return Error(item.path, "cannot be read");
    }
    item.value = std::move(matrix);
    items_.push_back(std::move(item));
    return absl::OkStatus();
  }

  absl::Status ReadStrings(const Source& source, hid_t space, bool is_scalar,
                           size_t size, H5Item item) {
    H5Handle type(MakeH5StringType(), H5Tclose);
    // Of a scalar HDF5 1.10 computes this beyond its memory; one text is within
    // the file.
    if (!is_scalar && size > 0) {
      hsize_t total = 0;
      if (H5Dvlen_get_buf_size(source.id, type.get(), space, &total) < 0 ||
          total > image_bytes_) {
        return Error(item.path, "its texts are larger than the file");
      }
    }
    std::vector<char*> pointers(size, nullptr);
    const bool read =
        size == 0 || source.Read(type.get(), pointers.data()) >= 0;
    std::vector<std::string> texts;
    bool clean = true;
    for (const char* pointer : pointers) {
      texts.emplace_back(pointer == nullptr ? "" : pointer);
      clean = clean && IsCleanUtf8(texts.back());
    }
    if (read && size > 0) {
      H5Dvlen_reclaim(type.get(), space, H5P_DEFAULT, pointers.data());
    }
    if (!read) return Error(item.path, "cannot be read");
    if (!clean) return Error(item.path, "holds text that is no UTF-8");
    if (is_scalar) {
      item.value = std::move(texts[0]);
    } else {
      item.value = std::move(texts);
    }
    items_.push_back(std::move(item));
    return absl::OkStatus();
  }

  // What the source can hold of so many bytes each: of a deflated data set more
  // than it has bytes.
  size_t MostValues(const Source& source, size_t bytes_each) const {
    if (!source.is_attribute) {
      H5Handle list(H5Dget_create_plist(source.id), H5Pclose);
      if (H5Pget_nfilters(list.get()) > 0) {
        const size_t stored =
            std::min<size_t>(H5Dget_storage_size(source.id), image_bytes_);
        return stored * kMostInflation / bytes_each;
      }
    }
    return image_bytes_ / bytes_each;
  }

  absl::Status ReadValue(const Source& source, const std::string& path,
                         const std::string& attribute) {
    H5Handle type(source.Type(), H5Tclose);
    H5Handle space(source.Space(), H5Sclose);
    if (!type.ok() || !space.ok()) return Error(path, "has no type or shape");
    const int rank = H5Sget_simple_extent_ndims(space.get());
    const hssize_t size = H5Sget_simple_extent_npoints(space.get());
    const bool is_scalar = rank == 0;
    if (rank < 0 || rank > 2 || size < 0 || (is_scalar && size != 1) ||
        (source.is_attribute && !is_scalar)) {
      return Error(path, "has a shape that no record has");
    }
    const size_t value_bytes = H5Tget_size(type.get());
    const H5T_class_t type_class = H5Tget_class(type.get());
    // Matrices alone may be of whole numbers, if these are bytes.
    const bool is_byte_matrix =
        rank == 2 && type_class == H5T_INTEGER && value_bytes == 1;
    const size_t bytes_each = is_byte_matrix ? 1 : 8;
    if (value_bytes == 0 ||
        static_cast<size_t>(size) > MostValues(source, bytes_each)) {
      return Error(path, absl::StrCat("claims ", size,
                                      " values, more than the file can hold"));
    }
    H5Item item{path, attribute, {}};
    const size_t n = static_cast<size_t>(size);
    if (rank == 2) {
      hsize_t sizes[2] = {0, 0};
      H5Sget_simple_extent_dims(space.get(), sizes, nullptr);
      if ((type_class != H5T_FLOAT && !is_byte_matrix) || sizes[1] == 0 ||
          sizes[1] > image_bytes_ / bytes_each) {
        return Error(path, "has a shape that no record has");
      }
      return ReadMatrix(source, n, static_cast<int64_t>(sizes[1]),
                        std::move(item));
    }
    switch (type_class) {
      case H5T_INTEGER:
        return ReadNumbers<int64_t>(source, H5T_NATIVE_INT64, is_scalar, n,
                                    std::move(item));
      case H5T_FLOAT:
        return ReadNumbers<double>(source, H5T_NATIVE_DOUBLE, is_scalar, n,
                                   std::move(item));
      case H5T_STRING:
        if (H5Tis_variable_str(type.get()) > 0) {
          return ReadStrings(source, space.get(), is_scalar, n,
                             std::move(item));
        }
        [[fallthrough]];
      default:
        return Error(path, "has a type that no record has");
    }
  }

  const std::string& where_;
  const size_t image_bytes_;
  const H5Depth depth_;
  size_t objects_ = 0;
  std::vector<H5Item> items_;
};

}  // namespace

absl::StatusOr<std::vector<H5Item>> ReadH5Items(const std::string& where,
                                                hid_t file, size_t image_bytes,
                                                H5Depth depth) {
  H5Handle root(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose);
  if (!root.ok()) return InputError(where, "has no root group");
  Decoder decoder(where, image_bytes, depth);
  SFT_RETURN_IF_ERROR(decoder.ReadGroup(root.get(), "/", 0));
  std::vector<H5Item> items = decoder.TakeItems();
  std::sort(items.begin(), items.end(),
            [](const H5Item& a, const H5Item& b) { return a.key() < b.key(); });
  return items;
}

void OpenH5Image(const std::string& image, std::optional<H5Handle>& file) {
  H5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access.get(), kGrowBytes, /*backing_store=*/false);
  if (H5Pset_file_image(access.get(), const_cast<char*>(image.data()),
                        image.size()) < 0) {
    file.emplace(-1, H5Fclose);
    return;
  }
  // No file of this name is opened, but two open images must not share it.
  static uint64_t count = 0;
  file.emplace(H5Fopen(absl::StrCat("record", count++).c_str(), H5F_ACC_RDONLY,
                       access.get()),
               H5Fclose);
}

namespace {

absl::StatusOr<std::vector<H5Item>> DecodeTo(H5Depth depth,
                                             const std::string& where,
                                             const std::string& image) {
  H5Session session;
  std::optional<H5Handle> file;
  OpenH5Image(image, file);
  if (!file->ok()) return InputError(where, "is no HDF5 file");
  return ReadH5Items(where, file->get(), image.size(), depth);
}

}  // namespace

absl::StatusOr<std::vector<H5Item>> DecodeH5(const std::string& where,
                                             const std::string& image) {
  return DecodeTo(H5Depth::kAll, where, image);
}

absl::StatusOr<std::vector<H5Item>> DecodeH5Root(const std::string& where,
                                                 const std::string& image) {
  return DecodeTo(H5Depth::kRoot, where, image);
}

}  // namespace sft::record
