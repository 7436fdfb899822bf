// Owned HDF5 identifiers; for h5*.cc only.
#ifndef HARNESS_RECORD_H5_HANDLE_H_
#define HARNESS_RECORD_H5_HANDLE_H_

#include <hdf5.h>

#include <mutex>
#include <utility>

namespace sft::record {

// By which a file in memory grows.
inline constexpr size_t kGrowBytes = size_t{1} << 16;

class H5Handle {
 public:
  using Closer = herr_t (*)(hid_t);

  H5Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  H5Handle(const H5Handle&) = delete;
  H5Handle& operator=(const H5Handle&) = delete;
  ~H5Handle() {
    if (id_ >= 0) closer_(id_);
  }
  // Early, where what is still to be written may fail.
  bool Close() { return closer_(std::exchange(id_, hid_t{-1})) >= 0; }
  bool ok() const { return id_ >= 0; }
  hid_t get() const { return id_; }

 private:
  hid_t id_;
  Closer closer_;
};

// Debian's HDF5 is not thread safe, and prints its errors unless told not to.
class H5Session {
 public:
  H5Session() : lock_(Mutex()) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

 private:
  static std::mutex& Mutex() {
    static std::mutex mutex;
    return mutex;
  }
  std::lock_guard<std::mutex> lock_;
};

// UTF-8 of variable length: read as str by h5py, and not limited to 64 KiB
// where it is an attribute.
inline hid_t MakeH5StringType() {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

}  // namespace sft::record

#endif  // HARNESS_RECORD_H5_HANDLE_H_
