// Other programs' answers, and signals that ask this one to end.
#include "harness/launch/program_output.h"

#include <signal.h>

#include "harness/launch/interrupts.h"
#include "tests/support/catch_torch.h"

namespace sft::launch::program_output_test {
namespace {

TEST_CASE("a program's words reach it as they are, and its answer comes back",
          "[launch][program]") {
  const auto said = OutputOf({"printf", "<%s>", "$(touch ran)", "a\nb", ""},
                             absl::Minutes(1));
  REQUIRE(said.ok());
  CHECK(said->exit_status == 0);
  CHECK(said->out == "<$(touch ran)><a\nb><>");
  const auto both = OutputOf({"sh", "-c", "echo out; echo error >&2; exit 3"},
                             absl::Minutes(1));
  REQUIRE(both.ok());
  CHECK(both->exit_status == 3);
  CHECK(both->out == "out\n");
  CHECK(both->error == "error\n");
  // More than a pipe holds.
  const auto much = OutputOf(
      {"sh", "-c", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"},
      absl::Minutes(1));
  REQUIRE(much.ok());
  CHECK(much->out.size() == 3000000);
  CHECK(much->error.size() == 3000000);
}

TEST_CASE("a program that is not there, or does not answer, is an error",
          "[launch][program]") {
  CHECK(absl::IsNotFound(
      OutputOf({"no-such-program"}, absl::Minutes(1)).status()));
  const auto late = OutputOf({"sleep", "60"}, absl::Milliseconds(200));
  CHECK(absl::IsDeadlineExceeded(late.status()));
  CHECK(OutputOf({"sh", "-c", "kill -9 $$"}, absl::Minutes(1))->exit_status ==
        128 + SIGKILL);
}

TEST_CASE("signals are counted while somebody counts, and a warning is known",
          "[launch][interrupt]") {
  struct sigaction before {};
  sigaction(SIGTERM, nullptr, &before);
  {
    const InterruptCounter interrupts;
    CHECK(interrupts.count() == 0);
    // A batch system sends several: none of them makes haste.
    raise(SIGUSR2);
    CHECK(interrupts.count() == 1);
    CHECK_FALSE(interrupts.warned());
    raise(SIGUSR1);
    CHECK(interrupts.count() == 1);
    CHECK(interrupts.warned());
    // Cancelled after the warning: not to come back.
    raise(SIGTERM);
    CHECK(interrupts.count() == 1);
    CHECK_FALSE(interrupts.warned());
    raise(SIGUSR1);
    CHECK_FALSE(interrupts.warned());
    raise(SIGINT);
    raise(SIGINT);
    CHECK(interrupts.count() == 3);
  }
  struct sigaction after {};
  sigaction(SIGTERM, nullptr, &after);
  CHECK(after.sa_handler == before.sa_handler);
  const InterruptCounter fresh;
  CHECK(fresh.count() == 0);
  CHECK_FALSE(fresh.warned());
}

}  // namespace
}  // namespace sft::launch::program_output_test
