#include "harness/core/catch_torch.h"

#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string>

namespace sft {
namespace {
std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}
}  // namespace

absl::Status CatchTorch(const std::function<absl::Status()>& body) {
  try {
    return body();
  } catch (const c10::OutOfMemoryError& error) {
    return absl::ResourceExhaustedError(
        FirstLine(error.what_without_backtrace()));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const c10::Error& error) {
    const std::string line = FirstLine(error.what_without_backtrace());
    // The CPU allocator says this in words only.
    if (line.find("not enough memory") != std::string::npos ||
        line.find("DefaultCPUAllocator") != std::string::npos) {
      return absl::ResourceExhaustedError(line);
    }
    return absl::InternalError(line);
  } catch (const std::exception& error) {
    return absl::InternalError(FirstLine(error.what()));
  }
}

}  // namespace sft
