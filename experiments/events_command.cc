#include "experiments/events_command.h"

#include <cstdio>
#include <string>

#include "harness/core/status.h"
#include "harness/page/event_file.h"

namespace sft::experiments {
namespace {

struct EventFlags {
  std::string path;
  std::string out;
};

void DeclareEvents(CLI::App& app, EventFlags& flags) {
  app.add_option("DIR|FILE", flags.path, "records of a sweep, or merged ones")
      ->required();
  app.add_option("--out", flags.out, "where a folder a run is made")
      ->required()
      ->type_name("FOLDER");
}

absl::StatusOr<int> RunEvents(const EventFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const size_t runs,
                       page::ExportEvents(flags.path, flags.out));
  fprintf(stderr, "%zu runs in %s\n", runs, flags.out.c_str());
  return kExitGood;
}

}  // namespace

Command EventsCommand() {
  return MakeCommand(
      {.name = "export-events",
       .usage = "export-events DIR|FILE --out FOLDER",
       .summary = "The curves of runs, for TensorBoard.",
       .help = "A folder a run, with its losses, rates and scores.\n"
               "  sftbench export-events results/demo --out events\n"
               "  tensorboard --logdir events"},
      DeclareEvents, RunEvents);
}

}  // namespace sft::experiments
