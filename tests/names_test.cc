// What knows no row by its name: the trainer no method, nothing outside
// harness/model/families a family of models, nothing outside harness/train an
// optimizer. The names are read out of the tables' own sources.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <functional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/sources.h"

namespace sft::guards::names_test {
namespace {

// Where rows are written down, and how one gives its name.
struct Table {
  std::string path;
  std::string row;  // regex, the name in parentheses
};
struct NameRule {
  std::string what;
  std::vector<Table> tables;
  std::vector<std::string> folders;  // that must not hold the names
  std::vector<std::string> but;      // paths that begin so may
  bool comments = false;             // no comment may either
  bool exact = false;                // "AdamW" is an algorithm, "adamw" a row
};

const std::vector<NameRule>& Rules() {
  static const std::vector<std::string> kAll = {"harness/", "methods/",
                                                "datasets/", "experiments/"};
  static const auto& rules = *new std::vector<NameRule>{
      {.what = "method",
       .tables = {{"methods/registry.cc", R"re(\{"(\w+)",\s+")re"},
                  {"methods/registry.cc",
                   R"re(BatchingRow<\w+>\(\s*"(\w+)")re"},
                  {"harness/spec/run_config.h",
                   R"re(kUntuned\[\] = "(\w+)")re"}},
       .folders = {"harness/train/"},
       .but = {},
       .comments = true},
      {.what = "family",
       .tables = {{"harness/model/families/families.cc",
                   R"re(\.(?:name|architecture) = "(\w+)")re"},
                  {"harness/model/families/encoder_families.cc",
                   R"re(\.(?:name|architecture) = "(\w+)")re"}},
       .folders = kAll,
       .but = {"harness/model/families/"}},
      {.what = "optimizer",
       .tables = {{"harness/train/optimizers/registry.cc",
                   R"re(\.name = "(\w+)")re"}},
       .folders = kAll,
       .but = {"harness/train/", "harness/spec/foreign_names.cc"},
       .exact = true}};
  return rules;
}

// A line that may hold a name, and why.
struct Allowed {
  std::string path;
  std::string text;  // a part of the line
  std::string reason;
};
const std::vector<Allowed>& AllowedLines() {
  static const auto& lines = *new std::vector<Allowed>{
      {"harness/train/", "QLoRA, arXiv 2305.14314", "a paper's title"},
      // Models that are listed, and templates that others name.
      {"harness/model/load/load.cc", "all-MiniLM-L6-v2, an encoder of",
       "a row of the listed models"},
      {"harness/spec/foreign_names.cc", "chatml llama llama3",
       "values that other programs' specs have"},
      {"harness/spec/foreign_names.cc", "optim optim_args optimizer_type opt",
       "keys that other programs' specs have"},
      // What tokenizer.json and GGUF files call their parts: names of a format.
      {"harness/text/byte_level.h", "kGpt2Pattern", "a format's pattern"},
      {"harness/text/pre_tokenizer.cc", "kGpt2Pattern", "a format's pattern"},
      {"harness/text/pre_tokenizer.cc", "\"BertPreTokenizer\"",
       "a type in tokenizer.json"},
      {"harness/text/normalizer.cc", "BertNormalizer",
       "a type in tokenizer.json"},
      {"harness/text/normalizer.cc", "ParseBert(", "reads that type"},
      {"harness/text/post_processor.cc", "\"RobertaProcessing\"",
       "a type in tokenizer.json"},
      {"harness/text/post_processor.cc", "\"BertProcessing\"",
       "a type in tokenizer.json"},
      {"harness/text/post_processor.cc", "= bert", "is of that type"},
      {"harness/text/gguf_export.cc", "data.model = \"",
       "values of tokenizer.ggml.model"},
      {"harness/text/gguf_pre_tokenizer.cc", "    {\"",
       "a row of values of tokenizer.ggml.pre"},
      {"harness/text/gguf_tokenizer.cc", "\", Gguf",
       "a row of values of tokenizer.ggml.model"},
      {"harness/formats/gguf_tokenizer.cc", "absl::StrContains(low, \"",
       "what general.name holds"},
      {"harness/formats/llama2c.cc", "data.model = \"",
       "a value of tokenizer.ggml.model"},
      {"harness/text/gguf_models.cc", "\"BertNormalizer\"",
       "a type in tokenizer.json"},
      {"harness/text/gguf_models.cc", "\"BertPreTokenizer\"",
       "a type in tokenizer.json"},
      {"harness/text/hf_export.cc", "data.model == \"",
       "a value of tokenizer.ggml.model"},
      {"harness/text/tokenizer_model.cc", "Tokenizer\", ",
       "a row of values of tokenizer_class"},
      {"harness/spec/run_config.h", "std::string optimizer = \"adamw\"",
       "the default of the field"},
  };
  return lines;
}

// Rows whose names are words of English: they count as strings alone.
bool IsEnglish(const std::string& name) {
  static const std::set<std::string> kWords = {"full", "padded", "packed"};
  return kWords.count(name) > 0;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

// "kLoraRank" -> "k_lora_rank".
std::string Snake(const std::string& word) {
  std::string out;
  for (size_t i = 0; i < word.size(); ++i) {
    const auto is_upper = [&](size_t at) {
      return at < word.size() &&
             std::isupper(static_cast<unsigned char>(word[at])) != 0;
    };
    const bool ends_run = i + 1 < word.size() && !is_upper(i + 1);
    if (i > 0 && is_upper(i) && (!is_upper(i - 1) || ends_run)) out += '_';
    out += word[i];
  }
  return Lower(out);
}

// As a word, or as words of an identifier: "lora" is in LoraLinear, lora_rank
// and "lora.rank", not in "explorable".
bool Holds(const std::string& line, const std::string& name, bool exact) {
  static const std::regex kWord(R"(\w+)");
  if (IsEnglish(name)) {
    return line.find("\"" + name + "\"") != std::string::npos;
  }
  const std::string wanted = "_" + (exact ? name : Lower(name)) + "_";
  for (std::sregex_iterator at(line.begin(), line.end(), kWord), end; at != end;
       ++at) {
    const std::string word = at->str();
    const auto holds = [&wanted](const std::string& form) {
      return ("_" + form + "_").find(wanted) != std::string::npos;
    };
    if (exact ? holds(word) : holds(Lower(word)) || holds(Snake(word))) {
      return true;
    }
  }
  return false;
}

bool IsUnder(const std::string& path,
             const std::vector<std::string>& prefixes) {
  return std::any_of(
      prefixes.begin(), prefixes.end(),
      [&path](const std::string& prefix) { return StartsWith(path, prefix); });
}

std::set<std::string> NamesOf(const NameRule& rule, const Sources& sources,
                              std::vector<std::string>& violations) {
  std::set<std::string> names;
  for (const Table& table : rule.tables) {
    const auto source = sources.find(table.path);
    const std::string text =
        source == sources.end() ? "" : WithoutComments(source->second);
    const std::regex row(table.row);
    std::sregex_iterator at(text.begin(), text.end(), row), end;
    if (at == end) {
      violations.push_back(table.path + " names no " + rule.what);
    }
    for (; at != end; ++at) names.insert((*at)[1].str());
  }
  return names;
}

// A line a name; `used` are the indices of the allowed lines that were met.
std::vector<std::string> Violations(const Sources& sources,
                                    std::set<size_t>* used = nullptr) {
  static const std::regex kPrograms(R"(llama\.cpp|LLaMA-Factory)");
  std::vector<std::string> violations;
  for (const NameRule& rule : Rules()) {
    const std::set<std::string> names = NamesOf(rule, sources, violations);
    for (const auto& [path, text] : sources) {
      if (!IsUnder(path, rule.folders) || IsUnder(path, rule.but)) continue;
      std::istringstream lines(rule.comments ? text : WithoutComments(text));
      int number = 0;
      for (std::string line; std::getline(lines, line);) {
        ++number;
        const std::string read = std::regex_replace(line, kPrograms, "");
        for (const std::string& name : names) {
          if (!Holds(read, name, rule.exact)) continue;
          bool allowed = false;
          for (size_t i = 0; i < AllowedLines().size(); ++i) {
            const Allowed& row = AllowedLines()[i];
            if (!StartsWith(path, row.path)) continue;
            if (line.find(row.text) == std::string::npos) continue;
            allowed = true;
            if (used != nullptr) used->insert(i);
          }
          if (allowed) continue;
          violations.push_back(path + ":" + std::to_string(number) +
                               " names the " + rule.what + " " + name + ": " +
                               line);
        }
      }
    }
  }
  return violations;
}

Sources AllSources() {
  return ReadSources({"harness", "methods", "datasets", "experiments"});
}

TEST_CASE("rows are known by name to their tables alone",
          "[architecture][names]") {
  std::set<size_t> used;
  const std::vector<std::string> violations = Violations(AllSources(), &used);
  for (const std::string& violation : violations) UNSCOPED_INFO(violation);
  CHECK(violations.empty());
  for (size_t i = 0; i < AllowedLines().size(); ++i) {
    INFO("no line needs to be allowed any more: "
         << AllowedLines()[i].path << ": " << AllowedLines()[i].text);
    CHECK(used.count(i) == 1);
    CHECK_FALSE(AllowedLines()[i].reason.empty());
  }
}

// The tables themselves, so that planted lines meet the real names.
Sources TablesAnd(const std::string& path, const std::string& text) {
  const Sources all = AllSources();
  Sources sources = {{path, text}};
  for (const NameRule& rule : Rules()) {
    for (const Table& table : rule.tables) {
      sources.emplace(table.path, all.at(table.path));
    }
  }
  // Its own lines are in question elsewhere.
  sources["harness/spec/run_config.h"] = "kUntuned[] = \"untuned\";\n";
  return sources;
}

TEST_CASE("a row's name in the wrong place is found", "[architecture][names]") {
  const auto [path, text] = GENERATE(table<std::string, std::string>({
      {"harness/train/trainer.cc", "if (name == \"QLoRA\") return;\n"},
      {"harness/train/trainer_loop.h", "// HFT masks\n"},
      {"harness/train/step_plan.cc", "const LoraLinear* map;\n"},
      {"harness/train/schedule.cc", "numbers[\"hft.realised_share\"]\n"},
      {"harness/train/batch_feed.cc", "if (batching == \"packed\") {\n"},
      {"harness/train/checkpoint.cc", "method == \"full\"\n"},
      {"harness/train/optimizers/a.cc", "PaddingFreeCollator collator;\n"},
      {"harness/model/forward/decoder.cc", "if (family == \"gemma2\") x();\n"},
      {"harness/eval/scoring.cc", "case Family::kMistral:\n"},
      {"methods/lora.cc", "info.architecture == \"Qwen3ForCausalLM\"\n"},
      {"experiments/a.cc", "  if (is_bert) {  // an encoder\n"},
      {"harness/measure/flops.cc", "if (optimizer == \"adamw_8bit\") {\n"},
      {"harness/launch/a.cc", "config.optimizer = \"adamw\";\n"},
  }));
  CAPTURE(path, text);
  const std::vector<std::string> found = Violations(TablesAnd(path, text));
  for (const std::string& violation : found) UNSCOPED_INFO(violation);
  CHECK_FALSE(found.empty());
  for (const std::string& violation : found) {
    CHECK(StartsWith(violation, path + ":1 names the "));
  }
}

TEST_CASE("words that only hold a row's name are not reported",
          "[architecture][names]") {
  const auto [path, text] = GENERATE(table<std::string, std::string>({
      {"harness/train/trainer.cc", "// A full disk; padded rows, explorable\n"},
      {"harness/model/forward/decoder.cc", "// Llama's order of halves\n"},
      {"harness/formats/gguf.cc", "  // as Gemma2 has it\n"},
      {"harness/text/a.cc", "\"as llama.cpp reads it\", RopeType::kLlama3\n"},
      {"harness/model/families/a.cc", "name == \"gpt2\"\n"},
      {"harness/kernels/adam8/a.cc", "\"8-bit AdamW: wrong shape\"\n"},
      {"harness/train/adamw.cc", "#include \"harness/train/adamw.h\"\n"},
      {"harness/spec/foreign_names.cc", "\"here it is optimizer: adamw\"\n"},
  }));
  CAPTURE(path, text);
  for (const std::string& violation : Violations(TablesAnd(path, text))) {
    UNSCOPED_INFO(violation);
  }
  CHECK(Violations(TablesAnd(path, text)).empty());
}

TEST_CASE("a table that gives no names is found", "[architecture][names]") {
  Sources sources = TablesAnd("harness/core/a.cc", "");
  sources["methods/registry.cc"] = "";
  CHECK(Violations(sources).size() == 2);
}

}  // namespace
}  // namespace sft::guards::names_test
