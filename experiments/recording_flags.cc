#include "experiments/recording_flags.h"

#include "absl/strings/str_cat.h"
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

void DeclareRecording(CLI::App& app, RecordingFlags& flags) {
  app.add_option("--out", flags.out, "folder of records and weights")
      ->type_name("DIR");
  AddTime(app, "--checkpoint-every", flags.checkpoint_every,
          "time between checkpoints; 0 = every step",
          "a time such as 30s or 5m", absl::ZeroDuration())
      ->default_str("2m");
  AddTime(app, "--run-limit", flags.run_limit,
          "time of a run in one call; then it saves, and the next call "
          "continues it",
          "a time such as 30m or 4h", absl::Nanoseconds(1))
      ->default_str("none");
  app.add_flag("--keep-text", flags.keep_text,
               "keep prompts and answers in the record");
  app.add_option_function<std::string>(
         "--keep-weights",
         [&flags](const std::string& name) {
           flags.keep_weights = *launch::ParseKeepWeights(name);
         },
         "trained weights to keep for export; all: also of methods that train "
         "the model itself")
      ->default_str(launch::KeepWeightsName(flags.keep_weights))
      ->check(OneOf(launch::KeepWeightsNames()));
  // As it was called before; of no group, so that no help shows it.
  app.add_flag_function("!--no-save-weights,!--nosave-weights,--save-weights",
                        [&flags](int64_t count) {
                          flags.keep_weights = count > 0
                                                   ? launch::KeepWeights::kAll
                                                   : launch::KeepWeights::kNone;
                        })
      ->group("");
}

std::vector<std::string> RecordingWords(const RecordingFlags& flags) {
  const RecordingFlags defaults;
  std::vector<std::string> words = {absl::StrCat("--out=", flags.out)};
  if (flags.checkpoint_every != defaults.checkpoint_every) {
    words.push_back(absl::StrCat("--checkpoint-every=",
                                 absl::FormatDuration(flags.checkpoint_every)));
  }
  if (flags.run_limit != defaults.run_limit) {
    words.push_back(
        absl::StrCat("--run-limit=", absl::FormatDuration(flags.run_limit)));
  }
  if (flags.keep_text) words.push_back("--keep-text");
  if (flags.keep_weights != defaults.keep_weights) {
    words.push_back(absl::StrCat("--keep-weights=",
                                 launch::KeepWeightsName(flags.keep_weights)));
  }
  return words;
}

}  // namespace sft::experiments
