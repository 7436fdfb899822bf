#include "harness/core/stop_point.h"

#include <cmath>
#include <stdexcept>
#include <thread>
#include <vector>

#include "harness/core/catch_torch.h"
#include "tests/support/catch_torch.h"

namespace sft::stop_point_test {
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

// Three pieces of a work, and how many of them were made.
std::vector<double> ThreePieces(int& made) {
  BeginPieces("three");
  std::vector<double> all;
  for (int i = 0; i < 3; ++i) {
    const std::vector<double> piece =
        Piece([](const std::vector<double>& kept) { return kept.size() == 2; },
              [&] {
                ++made;
                return std::vector<double>{i * 1.5, NAN};
              });
    all.push_back(piece[0]);
  }
  return all;
}

TEST_CASE("work that was stopped goes on behind its pieces", "[stop]") {
  Pieces pieces;
  int made = 0;
  std::vector<double> all;
  const auto body = [&] {
    all = ThreePieces(made);
    return absl::OkStatus();
  };
  CHECK(
      absl::IsAborted(RunStoppable([&] { return made == 2; }, body, &pieces)));
  CHECK(pieces.of == "three");
  CHECK(pieces.done.size() == 2);
  CHECK(RunStoppable(nullptr, body, &pieces).ok());
  CHECK(made == 3);
  CHECK(all == std::vector<double>{0, 1.5, 3});
  // A piece that does not fit, and what follows it, is made again.
  pieces.done[1] = {7};
  CHECK(RunStoppable(nullptr, body, &pieces).ok());
  CHECK(made == 5);
  CHECK(all == std::vector<double>{0, 1.5, 3});
  // Those of another work are of no use.
  CHECK(RunStoppable(
            nullptr,
            [] {
              BeginPieces("other");
              return absl::OkStatus();
            },
            &pieces)
            .ok());
  CHECK(pieces.done.empty());
  // Without anybody to keep them they are just made.
  CHECK(ThreePieces(made).size() == 3);
  CHECK(made == 8);
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
}  // namespace sft::stop_point_test
