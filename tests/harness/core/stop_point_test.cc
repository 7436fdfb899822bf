#include "harness/core/stop_point.h"

#include <stdexcept>
#include <thread>

#include "harness/core/catch_torch.h"
#include "tests/support/catch_torch.h"

namespace sft {
namespace {

// Work of ten parts; how many were done is left in `done`.
absl::Status TenParts(int& done) {
  for (int i = 0; i < 10; ++i) {
    StopPoint();
    ++done;
  }
  return absl::OkStatus();
}

TEST_CASE("work ends at the first stop point after it was asked to", "[stop]") {
  int done = 0;
  const absl::Status status =
      RunStoppable([&] { return done >= 3; }, [&] { return TenParts(done); });
  CHECK(absl::IsAborted(status));
  CHECK(done == 3);
}

TEST_CASE("work that nobody stops is whole, and keeps its own status",
          "[stop]") {
  int done = 0;
  CHECK(
      RunStoppable([] { return false; }, [&] { return TenParts(done); }).ok());
  CHECK(done == 10);
  CHECK(RunStoppable(nullptr, [&] { return TenParts(done); }).ok());
  CHECK(done == 20);
  StopPoint();  // of nobody's
  CHECK(RunStoppable([] { return true; },
                     [] { return absl::NotFoundError("no such file"); })
            .code() == absl::StatusCode::kNotFound);
}

TEST_CASE("a stop passes what turns exceptions into a status", "[stop]") {
  int done = 0;
  const absl::Status status =
      RunStoppable([] { return true; },
                   [&] { return CatchTorch([&] { return TenParts(done); }); });
  CHECK(absl::IsAborted(status));
  CHECK(done == 0);
  CHECK_THROWS_AS(RunStoppable(nullptr,
                               []() -> absl::Status {
                                 throw std::runtime_error("a fault");
                               }),
                  std::runtime_error);
}

TEST_CASE("the inner one counts, and the outer one again behind it", "[stop]") {
  int done = 0;
  const absl::Status outer = RunStoppable(
      [] { return true; },
      [&] {
        CHECK(RunStoppable(nullptr, [&] { return TenParts(done); }).ok());
        return TenParts(done);
      });
  CHECK(absl::IsAborted(outer));
  CHECK(done == 10);
}

TEST_CASE("another thread's work is not stopped", "[stop]") {
  int done = 0;
  const absl::Status status =
      RunStoppable([] { return true; },
                   [&] {
                     std::thread([&] { TenParts(done).IgnoreError(); }).join();
                     return absl::OkStatus();
                   });
  CHECK(status.ok());
  CHECK(done == 10);
}

}  // namespace
}  // namespace sft
