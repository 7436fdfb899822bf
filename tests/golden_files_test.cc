// No golden file is an orphan: every data file under tests/golden is written by
// one make_golden script, which says so in its docstring, and read by a test.
//
//   Writes: a.json folder/{b,c}/{config.json,model.safetensors}
#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/sources.h"

namespace sft::guards::golden_files_test {
namespace {

struct GoldenTree {
  std::set<std::string> files;                 // below tests/golden
  std::map<std::string, std::string> scripts;  // make_golden*.py -> text
  std::string tests;                           // code of all tests
};

// "a/{b,c}.json" -> "a/b.json", "a/c.json".
std::vector<std::string> Expanded(const std::string& form) {
  const size_t open = form.find('{');
  const size_t close = form.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return {form};
  std::vector<std::string> out;
  std::istringstream choices(form.substr(open + 1, close - open - 1));
  for (std::string choice; std::getline(choices, choice, ',');) {
    for (const std::string& rest : Expanded(form.substr(close + 1))) {
      out.push_back(form.substr(0, open) + choice + rest);
    }
  }
  return out;
}

// The files that a script says it writes. A line that ends in a comma goes on
// within the braces.
std::vector<std::string> WrittenBy(const std::string& script) {
  std::istringstream lines(script);
  std::string forms;
  bool within = false;
  for (std::string line; std::getline(lines, line);) {
    const bool begins = StartsWith(line, "Writes: ");
    if (within && !StartsWith(line, "  ")) break;
    if (!begins && !within) continue;
    const std::string part = line.substr(begins ? 8 : 2);
    forms += (forms.empty() || forms.back() == ',' ? "" : " ") + part;
    within = true;
  }
  std::vector<std::string> out;
  std::istringstream words(forms);
  for (std::string form; words >> form;) {
    for (const std::string& file : Expanded(form)) out.push_back(file);
  }
  return out;
}

// Not as a part of a longer name.
bool Names(const std::string& text, const std::string& name) {
  const auto is_part = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  for (size_t at = text.find(name); at != std::string::npos;
       at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    if ((at == 0 || !is_part(text[at - 1])) &&
        (end == text.size() || !is_part(text[end]))) {
      return true;
    }
  }
  return false;
}

// By its first folder and its name, or that without the extension as a string.
bool IsRead(const std::string& file, const std::string& tests) {
  const std::string top = file.substr(0, file.find('/'));
  const std::string base = file.substr(file.rfind('/') + 1);
  const std::string stem = base.substr(0, base.find('.'));
  return Names(tests, top) &&
         (Names(tests, base) ||
          tests.find("\"" + stem + "\"") != std::string::npos);
}

std::vector<std::string> Violations(const GoldenTree& tree) {
  std::vector<std::string> violations;
  std::map<std::string, std::string> writer;
  for (const auto& [script, text] : tree.scripts) {
    const std::vector<std::string> written = WrittenBy(text);
    if (written.empty())
      violations.push_back(script + " says not what it writes");
    for (const std::string& file : written) {
      if (!writer.emplace(file, script).second) {
        violations.push_back(file + " is written by two scripts");
      }
      if (tree.files.count(file) == 0) {
        violations.push_back(script + " writes " + file +
                             ", which is not there");
      }
    }
  }
  for (const std::string& file : tree.files) {
    if (writer.count(file) == 0) {
      violations.push_back(file + " is written by no make_golden script");
    }
    if (!IsRead(file, tree.tests)) {
      violations.push_back(file + " is read by no test");
    }
  }
  return violations;
}

GoldenTree ReadTree() {
  GoldenTree tree;
  const fs::path golden = fs::path(SFT_SOURCE_DIR) / "tests/golden";
  for (const auto& entry : fs::recursive_directory_iterator(golden)) {
    if (!entry.is_regular_file()) continue;
    const std::string name =
        entry.path().lexically_relative(golden).generic_string();
    if (StartsWith(name, "make_golden")) {
      tree.scripts[name] = ReadText(entry.path());
    } else if (entry.path().extension() != ".py" &&
               name.find("__pycache__") == std::string::npos) {
      tree.files.insert(name);
    }
  }
  for (const auto& [path, text] : ReadSources({"tests"})) {
    tree.tests += WithoutComments(text);
  }
  return tree;
}

TEST_CASE("every golden file has the script that writes it and a test",
          "[architecture][golden]") {
  const GoldenTree tree = ReadTree();
  CHECK(tree.files.size() > 100);
  CHECK(tree.scripts.size() >= 20);
  for (const std::string& violation : Violations(tree)) {
    UNSCOPED_INFO(violation);
  }
  CHECK(Violations(tree).empty());
}

TEST_CASE("an orphan among golden files is found", "[architecture][golden]") {
  const GoldenTree sound = {
      {"a.json", "d/one/c.json", "d/two/c.json", "d/e.safetensors"},
      {{"make_golden_a.py", "\"\"\"A.\n\nWrites: a.json\n\"\"\"\n"},
       {"make_golden_d.py",
        "\"\"\"D.\n\nWrites: d/{one,\n  two}/c.json\n  "
        "d/e.safetensors\n\"\"\""}},
      "Read(\"golden/a.json\"); Read(folder / \"d\" / name / \"c.json\"); "
      "Load(\"e\");"};
  CHECK(Violations(sound).empty());
  const auto only = [](const GoldenTree& tree, const std::string& violation) {
    CHECK(Violations(tree) == std::vector<std::string>{violation});
  };
  GoldenTree tree = sound;
  tree.files.insert("d/old/c.json");
  only(tree, "d/old/c.json is written by no make_golden script");
  tree = sound;
  tree.files.erase("a.json");
  only(tree, "make_golden_a.py writes a.json, which is not there");
  tree = sound;
  tree.tests =
      "Read(\"golden/aa.json\"); Read(\"d\" / \"c.json\"); Load(\"e\");";
  only(tree, "a.json is read by no test");
  tree = sound;
  tree.scripts["make_golden_b.py"] = "\"\"\"B: writes things.\"\"\"\n";
  only(tree, "make_golden_b.py says not what it writes");
  tree = sound;
  tree.scripts["make_golden_b.py"] = "\"\"\"B.\n\nWrites: a.json\n\"\"\"\n";
  only(tree, "a.json is written by two scripts");
}

}  // namespace
}  // namespace sft::guards::golden_files_test
