// What the command line promises: every command says what it takes, flags are
// the command's own, and a slip is one line that names the way out.
#include "experiments/command_line.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "tests/support/catch_torch.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::command_line_test {
namespace {

struct PourFlags {
  std::string what;
  std::string out = "cup";
  int64_t cups = 1;
  double milk = 0;
  std::string size = "small";
  std::vector<std::string> with;
  bool dry_run = false;
  bool lid = true;
};
PourFlags poured;

void DeclarePour(CLI::App& app, PourFlags& flags) {
  app.add_option("WHAT", flags.what, "to pour")->required();
  app.add_option("--out", flags.out, "where it goes")->type_name("DIR");
  app.add_option("--cups", flags.cups, "how many")
      ->transform(WholeNumber(1, 64));
  app.add_option("--milk", flags.milk, "a share")->transform(Number(0, 1));
  app.add_option("--size", flags.size, "of a cup")
      ->check(OneOf({"small", "large"}));
  AddList(app, "--with", flags.with, "what stands beside it");
  app.add_flag("--dry-run", flags.dry_run, "spill nothing");
  app.add_flag("!--no-lid,!--nolid,--lid", flags.lid, "without a lid");
}
absl::StatusOr<int> RunPour(const PourFlags& flags) {
  poured = flags;
  return kExitGood;
}
Command Pour() {
  return MakeCommand({.name = "pour",
                      .usage = "pour WHAT [--out DIR]",
                      .summary = "Pours.",
                      .help = "  sftbench pour tea"},
                     DeclarePour, RunPour);
}

PourFlags Poured(const std::vector<std::string>& words) {
  const absl::StatusOr<int> run = RunCommand(Pour(), words);
  INFO(run.status().message());
  REQUIRE(run.ok());
  return poured;
}
std::string Refusal(const std::vector<std::string>& words) {
  const absl::StatusOr<int> run = RunCommand(Pour(), words);
  REQUIRE(!run.ok());
  const std::string message(run.status().message());
  CHECK_THAT(message, Catch::StartsWith("sftbench pour: "));
  CHECK_THAT(message, Catch::EndsWith(" (see 'sftbench pour --help')"));
  CHECK(message.find('\n') == std::string::npos);
  return message;
}

support::Finished Sftbench(std::vector<std::string> words) {
  words.insert(words.begin(), SFTBENCH_BINARY);
  return support::RunProgram(words);
}

// The shown flags of each command.
const std::map<std::string, std::string>& FlagsByCommand() {
  static const std::map<std::string, std::string> kFlags = {
      {"run",
       "--dry-run --jobs --gpus --pool --rung --shard --filter --max-attempts "
       "--out "
       "--checkpoint-every --run-limit --keep-text --keep-weights"},
      {"init", ""},
      {"check", ""},
      {"plan",
       "--format --diff --filter --max-attempts --out --checkpoint-every "
       "--run-limit --keep-text --keep-weights"},
      {"task",
       "--index --first --tasks --rung --max-attempts --build "
       "--allow-other-build "
       "--slurm-requeues --out --checkpoint-every --run-limit --keep-text "
       "--keep-weights"},
      {"submit",
       "--dry-run --wait --only --profile --partition --account --qos --time "
       "--cpus-per-task --mem --gpus --gres --constraint --exclude --nodelist "
       "--dependency --mail-user --job-name --array-limit --runs-per-task "
       "--max-requeues --signal-delay --max-submit --setup --sbatch "
       "--allow-other-build --filter --max-attempts --out "
       "--checkpoint-every --run-limit --keep-text --keep-weights"},
      {"cancel", ""},
      {"status", "--watch --json"},
      {"show", "--json"},
      {"report",
       "--table --show --rows --cols --cell --where --format --width "
       "--caption --label --macros --figures --plots --fdr --equal-budget"},
      {"compare", "--show --format --width --caption --label"},
      {"power",
       "--from --seeds --items --comparisons --seed-sd --item-sd --rest-sd "
       "--effect --json"},
      {"claims", "--records --format --width --caption --label --json"},
      {"query", "--where --columns --format"},
      {"verify", "--same"},
      {"merge-records", ""},
      {"export-events", "--out"},
      {"eval",
       "--task --file --limit --window --stride --json --adapter --dtype "
       "--device --bos"},
      {"generate",
       "--prompt --raw --max-new-tokens --temperature --top-k --top-p --seed "
       "--beams --length-penalty --stop --adapter --dtype --device --bos"},
      {"tokenize", "--special --bos"},
      {"export", "--merged --adapter --gguf --out --dtype --force"},
      {"data",
       "--clean --split --out --text --answer --label --format --delimiter "
       "--quote --rows --no-header --seed --near-duplicate-similarity "
       "--label-conflicts "
       "--on-bad-row --against --subsample --json --dry-run"},
      {"score",
       "--metric --hypotheses --references --json --tokenize --lowercase "
       "--stemmer --case-sensitive --ignore-case --ignore-punctuation "
       "--ignore-numbers --ignore-regex"},
      {"batches", "--rows"},
      {"pack",
       "--histogram --data --model --max-length --strategies --max-per-pack "
       "--batch-size --seed --json"},
      {"list", ""},
      {"help", ""},
      {"completion", ""},
  };
  return kFlags;
}

std::vector<std::string> Words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

void CheckFits(const std::string& text) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    INFO(line);
    CHECK(line.size() <= 80);
  }
}

// What bash offers where the cursor stands behind the last word.
std::vector<std::string> Completed(const std::string& words) {
  const std::string count = std::to_string(Words(words).size() - 1);
  const support::Finished run = support::RunProgram(
      {"/bin/bash", "-c",
       "source <('" SFTBENCH_BINARY "' completion bash); COMP_WORDS=(" + words +
           "); COMP_CWORD=" + count + "; _sftbench; echo \"${COMPREPLY[*]}\""});
  INFO(run.error);
  CHECK(run.error.empty());
  CHECK(run.exit_status == 0);
  return Words(run.out);
}

TEST_CASE("words and flags stand in any order", "[experiments][command]") {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{
           {"tea", "--out", "pot", "--dry-run", "--cups", "2"},
           {"--out", "pot", "tea", "--cups=2", "--dry-run"},
           {"--dry-run", "--cups", "2", "--out=pot", "tea"},
           {"--dry-run", "--cups", "2", "--out=pot", "--", "tea"}}) {
    const PourFlags flags = Poured(words);
    CHECK(flags.what == "tea");
    CHECK(flags.out == "pot");
    CHECK(flags.cups == 2);
    CHECK(flags.dry_run);
    CHECK(flags.lid);
  }
}

TEST_CASE("values are read as they are written", "[experiments][command]") {
  CHECK(Poured({"tea"}).out == "cup");  // nothing stays of an earlier reading
  CHECK(Poured({"tea", "--out="}).out.empty());
  CHECK(Poured({"tea", "--out", "--dry_run"}).out == "--dry_run");
  CHECK(Poured({"tea", "--out", "a", "--out", "b"}).out == "b");
  CHECK(Poured({"tea", "--cups", "010"}).cups == 10);
  CHECK(Poured({"tea", "--cups", "1e1"}).cups == 10);
  CHECK(Poured({"tea", "--with", "a,,b"}).with ==
        std::vector<std::string>{"a", "", "b"});
  CHECK(Poured({"--", "-tea"}).what == "-tea");
}

TEST_CASE("older spellings of a flag hold", "[experiments][command]") {
  CHECK(Poured({"tea", "--dry_run"}).dry_run);
  CHECK(!Poured({"tea", "--no-lid"}).lid);
  CHECK(!Poured({"tea", "--no_lid"}).lid);
  CHECK(!Poured({"tea", "--nolid"}).lid);
  CHECK(!Poured({"tea", "--lid=false"}).lid);
}

TEST_CASE("a slip is one line that names the way out",
          "[experiments][command]") {
  using Catch::Contains;
  CHECK_THAT(Refusal({"tea", "--dry-rum"}),
             Contains("unknown flag '--dry-rum'; did you mean '--dry-run'?"));
  CHECK_THAT(Refusal({"--dry_rum"}), Contains("did you mean '--dry-run'?"));
  CHECK_THAT(Refusal({"tea", "--cup=2"}), Contains("did you mean '--cups'?"));
  CHECK_THAT(Refusal({"tea", "-x"}), Contains("unknown flag '-x'"));
  CHECK_THAT(Refusal({"tea", "--out"}), Contains("--out wants a value"));
  CHECK_THAT(Refusal({}), Contains("WHAT is required; usage: sftbench pour"));
  CHECK_THAT(Refusal({"tea", "cake"}), Contains("'cake' is a word too many"));
  CHECK_THAT(Refusal({"tea", "--cups", "two"}),
             Contains("--cups wants a whole number, 1 to 64, not 'two'"));
  CHECK_THAT(Refusal({"tea", "--cups", "65"}), Contains("not '65'"));
  CHECK_THAT(Refusal({"tea", "--milk", "nan"}),
             Contains("--milk wants 0 to 1, not 'nan'"));
  CHECK_THAT(Refusal({"tea", "--size", "smal"}),
             Contains("--size wants one of small, large, not 'smal'; did you "
                      "mean 'small'?"));
}

TEST_CASE("the help shows defaults and allowed values",
          "[experiments][command]") {
  const std::string help = CommandHelp(Pour());
  for (const char* part :
       {"usage: sftbench pour WHAT [--out DIR]", "Pours.", "sftbench pour tea",
        "WHAT", "--out DIR", "(default: cup)", "--cups N",
        "(a whole number, 1 to 64; default: 1)", "--size NAME",
        "(small, large; default: small)", "--no-lid", "--help",
        "exit status: 0 good, 1 the disk is full, 2 bad usage or input"}) {
    CHECK_THAT(help, Catch::Contains(part));
  }
  CHECK(help.find("nolid") == std::string::npos);
  CheckFits(help);
}

TEST_CASE("the help of every command names every flag in 80 columns",
          "[experiments][command]") {
  const support::Finished program = Sftbench({"--help"});
  CHECK(program.exit_status == 0);
  CHECK(program.out == Sftbench({"help"}).out);
  CheckFits(program.out);
  CHECK(program.out.find("worker") == std::string::npos);
  for (const auto& [command, flags] : FlagsByCommand()) {
    INFO(command);
    CHECK_THAT(program.out, Catch::Contains("\n  " + command + " "));
    const support::Finished help = Sftbench({command, "--help"});
    CHECK(help.exit_status == 0);
    CHECK(help.error.empty());
    CHECK(help.out == Sftbench({"help", command}).out);
    CHECK_THAT(help.out, Catch::StartsWith("usage: sftbench " + command));
    const std::string example = "sftbench " + command;
    CHECK(help.out.find(example) != help.out.rfind(example));  // after usage
    CHECK_THAT(help.out, Catch::Contains("\nexit status: 0 "));
    CheckFits(help.out);
    std::vector<std::string> wanted = Words(flags);
    for (const std::string& flag : wanted) {
      CHECK_THAT(help.out, Catch::Contains("\n  " + flag));
    }
    wanted.push_back("--help");
    std::vector<std::string> offered = Completed("sftbench " + command + " -");
    std::sort(wanted.begin(), wanted.end());
    std::sort(offered.begin(), offered.end());
    CHECK(offered == wanted);
  }
  CHECK(Sftbench({"help", "worker"}).exit_status == 2);
  const support::Finished slip = Sftbench({"help", "expert"});
  CHECK(slip.exit_status == 2);
  CHECK_THAT(slip.error, Catch::Contains("did you mean 'export'?"));
}

TEST_CASE("--adapter is a folder for eval and a switch for export",
          "[experiments][command]") {
  CHECK_THAT(Sftbench({"help", "eval"}).out, Catch::Contains("--adapter DIR"));
  CHECK_THAT(Sftbench({"help", "export"}).out,
             !Catch::Contains("--adapter DIR"));
  CHECK_THAT(Sftbench({"generate", "m", "--prompt", "a", "--adapter"}).error,
             Catch::Contains("--adapter wants a value"));
  // The next word is the record, and not its value.
  const support::Finished run =
      Sftbench({"export", "--adapter", "/no/such.h5", "--out", "/no/out"});
  CHECK(run.exit_status == 2);
  CHECK_THAT(run.error, Catch::Contains("/no/such.h5"));
  CHECK_THAT(Sftbench({"export", "/no/such.h5", "--dtype", "f64"}).error,
             Catch::Contains("--dtype wants one of f32, bf16, f16"));
}

TEST_CASE("flags of the program itself are refused or answered",
          "[experiments][command]") {
  CHECK(Sftbench({}).exit_status == 2);
  CHECK(Sftbench({"--version"}).exit_status == 0);
  const support::Finished run = Sftbench({"run", "x.yaml", "--dry-rum"});
  CHECK(run.exit_status == 2);
  CHECK(run.error ==
        "error: sftbench run: unknown flag '--dry-rum'; did you mean "
        "'--dry-run'? (see 'sftbench run --help')\n");
  CHECK_THAT(
      Sftbench({"report", ".", "--format", "pdf"}).error,
      Catch::Contains("--format wants one of md, csv, tsv, latex, html"));
  CHECK_THAT(Sftbench({"run", "x.yaml", "--checkpoint-every", "2"}).error,
             Catch::Contains("--checkpoint-every wants"));
}

TEST_CASE("list NAME explains one row", "[experiments][command]") {
  const support::Finished lora = Sftbench({"list", "methods", "lora"});
  CHECK(lora.exit_status == 0);
  CHECK_THAT(lora.out, Catch::StartsWith("lora (update): "));
  CHECK_THAT(lora.out, Catch::Contains("option\tdefault\tallowed\tmeaning\n"));
  CHECK_THAT(lora.out, Catch::Contains("\nlora.rank\t"));
  CHECK_THAT(lora.out, !Catch::Contains("\nhft."));
  CHECK_THAT(Sftbench({"list", "methods", "full"}).out,
             Catch::Contains("It has no options."));
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"datasets", "rotten_tomatoes"},
                                             {"tasks", "rotten_tomatoes"},
                                             {"metrics", "accuracy"},
                                             {"fields", "learning_rate"},
                                             {"models", "glassllm"}}) {
    const std::string out = Sftbench({"list", words[0], words[1]}).out;
    CHECK(std::count(out.begin(), out.end(), '\n') == 2);
    CHECK_THAT(out, Catch::StartsWith("name\t"));
    CHECK_THAT(out, Catch::Contains("\n" + words[1] + "\t"));
  }
  const support::Finished slip = Sftbench({"list", "methods", "lorra"});
  CHECK(slip.exit_status == 2);
  CHECK(slip.error ==
        "error: sftbench list: no method is called 'lorra'; did you mean "
        "'lora'?\n");
}

TEST_CASE("bash completes commands, flags and their values",
          "[experiments][command]") {
  using List = std::vector<std::string>;
  CHECK(Completed("sftbench rep") == List{"report"});
  CHECK(Completed("sftbench wor").empty());
  CHECK(Completed("sftbench run x.yaml --dr") == List{"--dry-run"});
  CHECK(Completed("sftbench report d --format l") == List{"latex"});
  CHECK(Completed("sftbench report d --format = l") == List{"latex"});
  CHECK(Completed("sftbench list me") == List{"methods", "metrics"});
  CHECK(Completed("sftbench help exp") == List{"export-events", "export"});
  CHECK(Completed("sftbench run ''").empty());  // then files
  CHECK(Completed("sftbench eval m --adapter ''").empty());
}

}  // namespace
}  // namespace sft::experiments::command_line_test
