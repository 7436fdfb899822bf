#include "experiments/recording_flags.h"

#include "absl/time/time.h"
#include "experiments/declared_options.h"

namespace sft::experiments {
namespace {

// A flag whose value is a time of at least `least`; `wanted` is what its
// refusal asks for.
CLI::Option* AddTime(CLI::App& app, const std::string& name,
                     absl::Duration& time, const std::string& help,
                     const std::string& wanted, absl::Duration least) {
  return app
      .add_option_function<std::string>(
          name,
          [&time](const std::string& text) {
            absl::ParseDuration(text, &time);
          },
          help)
      ->type_name("TIME")
      ->check(Checked(wanted, [least](std::string& text) {
        absl::Duration read;
        return absl::ParseDuration(text, &read) && read >= least;
      }));
}

}  // namespace

void DeclareRecording(CLI::App& app, launch::RecordingOptions& options) {
  // Of an empty word, as of a variable that is not set, all of it would lie at
  // the root.
  app.add_option("--out", options.paths.out, "folder of records and weights")
      ->type_name("DIR")
      ->check(NotEmpty("a folder"));
  AddTime(app, "--checkpoint-every", options.checkpoint_every,
          "time between checkpoints; 0 = every step",
          "a time such as 30s or 5m", absl::ZeroDuration())
      ->default_str("2m");
  AddTime(app, "--run-limit", options.run_limit,
          "time of a run in one call; then it saves, and the next call "
          "continues it",
          "a time such as 30m or 4h", absl::Nanoseconds(1))
      ->default_str("none");
  app.add_flag("--keep-text", options.keep_text,
               "keep prompts and answers in the record");
  app.add_option_function<std::string>(
         "--keep-weights",
         [&options](const std::string& name) {
           options.keep_weights = *launch::ParseKeepWeights(name);
         },
         "trained weights to keep for export; all: also of methods that train "
         "the model itself")
      ->default_str(launch::KeepWeightsName(options.keep_weights))
      ->check(OneOf(launch::KeepWeightsNames()));
  // As it was called before; of no group, so that no help shows it.
  app.add_flag_function("!--no-save-weights,!--nosave-weights,--save-weights",
                        [&options](int64_t count) {
                          options.keep_weights =
                              count > 0 ? launch::KeepWeights::kAll
                                        : launch::KeepWeights::kNone;
                        })
      ->group("");
}

void DeclareMaxAttempts(CLI::App& app, int& max_attempts) {
  app.add_option("--max-attempts", max_attempts,
                 "tries of a run that fails, over all calls")
      ->transform(WholeNumber(1, 1024));
}

void DeclareSpec(CLI::App& app, SweepFlags& flags) {
  app.add_option("SPEC", flags.spec, "a YAML file, the question")->required();
}

void DeclareSweep(CLI::App& app, SweepFlags& flags) {
  app.add_option("--filter", flags.filter,
                 "only the cells with these values, such as "
                 "'method=lora,seed=0,1', and the untuned runs that they read")
      ->type_name("AXIS=VALUE,...");
  DeclareMaxAttempts(app, flags.max_attempts);
  DeclareRecording(app, flags.recording);
}

}  // namespace sft::experiments
