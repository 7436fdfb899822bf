#include "harness/formats/not_the_file.h"

#include "absl/strings/ascii.h"
#include "harness/core/status.h"

namespace sft::formats {

absl::Status CheckIsTheFile(const std::string& path, std::string_view begin) {
  const std::string low =
      absl::AsciiStrToLower(ToAbsl(begin.substr(0, kToldByBytes)));
  const auto starts = [&low](std::string_view text) {
    return low.compare(0, text.size(), text.data(), text.size()) == 0;
  };
  if (starts("version https://git-lfs")) {
    return InputError(path,
                      "is a Git LFS pointer, not the file itself; fetch it "
                      "with 'git lfs pull'");
  }
  if (starts("<!doctype html") || starts("<html") || starts("<?xml")) {
    return InputError(path, "is a web page, not the file: the download failed");
  }
  // A zip, or the old form's magic number: a header of 640 bytes begins like
  // any older pickle.
  if (starts("pk\x03\x04") || starts("\x80\x02\x8a\x0a")) {
    return InputError(path,
                      "is a pickle of PyTorch's, which is never read: save it "
                      "as safetensors");
  }
  return absl::OkStatus();
}

}  // namespace sft::formats
