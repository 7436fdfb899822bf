// The rows of a claims file.
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "harness/analysis/claims.h"
#include "harness/core/fields.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/spec/yaml_tree.h"

namespace sft::analysis {
namespace {

using spec::YamlNode;

class ClaimsReader {
 public:
  explicit ClaimsReader(const std::string& path) : path_(path) {}

  absl::StatusOr<std::vector<ClaimRow>> Read(const YamlNode& root) {
    std::vector<ClaimRow> rows;
    if (root.kind != YamlNode::Kind::kMap || root.entries.size() != 1 ||
        root.entries[0].key.text != "claims" ||
        root.entries[0].value.kind != YamlNode::Kind::kList) {
      return Fault(root, "wants one key, claims:, with a list of them");
    }
    std::set<std::string> names;
    for (const YamlNode& node : root.entries[0].value.items) {
      SFT_ASSIGN_OR_RETURN(ClaimRow row, ReadRow(node));
      if (!names.insert(row.name).second) {
        return Fault(node, "two claims are named '" + row.name + "'");
      }
      rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  absl::Status Fault(const YamlNode& node, const std::string& what) const {
    return InputError(absl::StrCat(path_, ":", node.line), what);
  }

  // Sets the texts of a map by their names; other keys go to `other`, whose
  // second value says whether it took one.
  template <class Other>
  absl::Status ReadMap(const YamlNode& node,
                       const std::map<std::string, std::string*>& texts,
                       const std::vector<std::string>& more,
                       const Other& other) const {
    if (node.kind != YamlNode::Kind::kMap) {
      return Fault(node, absl::StrCat("wants keys and values, not ",
                                      ToAbsl(node.KindName())));
    }
    std::vector<std::string> known = more;
    for (const auto& [name, text] : texts) known.push_back(name);
    for (const YamlNode::Entry& entry : node.entries) {
      const auto it = texts.find(entry.key.text);
      if (it == texts.end()) {
        SFT_ASSIGN_OR_RETURN(const bool taken, other(entry));
        if (taken) continue;
        return Fault(entry.key,
                     absl::StrCat("no key of a claim is '", entry.key.text, "'",
                                  NearestOrKnown(entry.key.text, known)));
      }
      if (entry.value.kind != YamlNode::Kind::kScalar) {
        return Fault(entry.value, entry.key.text + ": wants a text");
      }
      *it->second = entry.value.text;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<double> ReadNumber(const YamlNode& node) const {
    double number = 0;
    if (node.kind != YamlNode::Kind::kScalar ||
        !absl::SimpleAtod(node.text, &number)) {
      return Fault(node, "wants a number, not '" + node.text + "'");
    }
    return number;
  }

  absl::Status ReadHolds(const YamlNode& node, ClaimTest& test) const {
    return ReadMap(
        node, {}, {"above", "below", "within"},
        [&](const YamlNode::Entry& entry) -> absl::StatusOr<bool> {
          if (entry.key.text == "above") {
            SFT_ASSIGN_OR_RETURN(test.above, ReadNumber(entry.value));
          } else if (entry.key.text == "below") {
            SFT_ASSIGN_OR_RETURN(test.below, ReadNumber(entry.value));
          } else if (entry.key.text == "within") {
            if (entry.value.items.size() != 2) {
              return Fault(entry.value, "within: wants two numbers");
            }
            SFT_ASSIGN_OR_RETURN(test.above, ReadNumber(entry.value.items[0]));
            SFT_ASSIGN_OR_RETURN(test.below, ReadNumber(entry.value.items[1]));
          } else {
            return false;
          }
          return true;
        });
  }

  absl::StatusOr<ClaimTest> ReadTest(const YamlNode& node) const {
    ClaimTest test;
    test.line = node.line;
    std::string of, minus, over, value;
    bool has_holds = false;
    SFT_RETURN_IF_ERROR(ReadMap(
        node,
        {{"what", &test.what},
         {"unit", &test.unit},
         {"file", &test.file},
         {"of", &of},
         {"minus", &minus},
         {"over", &over},
         {"value", &value},
         {"best", &test.best},
         {"by", &test.by},
         {"computed", &test.computed}},
        {"holds"}, [&](const YamlNode::Entry& entry) -> absl::StatusOr<bool> {
          if (entry.key.text != "holds") return false;
          has_holds = true;
          SFT_RETURN_IF_ERROR(ReadHolds(entry.value, test));
          return true;
        }));
    for (const auto& [text, conditions] :
         {std::pair(&of, &test.of), std::pair(&minus, &test.minus),
          std::pair(&over, &test.over)}) {
      auto parsed = ParseConditions(*text);
      if (!parsed.ok()) return Fault(node, ToStd(parsed.status().message()));
      *conditions = *std::move(parsed);
    }
    test.has_minus = !minus.empty();
    test.has_over = !over.empty();
    const bool is_share = absl::StrContains(value, " / ");
    const std::vector<std::string> parts =
        absl::StrSplit(value, is_share ? " / " : " - ");
    test.value = parts[0];
    if (parts.size() > 1) (is_share ? test.divisor : test.less) = parts[1];
    if (test.what.empty() || !has_holds || !(test.above < test.below)) {
      return Fault(node,
                   "a test wants what: in words, and holds: {above, below} or "
                   "{within: [low, high]}, the range in which it is so");
    }
    const bool queries = !test.file.empty() && !value.empty() && !of.empty();
    if (test.computed.empty() ? !queries : queries) {
      return Fault(node,
                   "a test is of records (file:, of:, value:) or computed:");
    }
    if (parts.size() > 2 || (test.has_minus && test.has_over) ||
        test.best.empty() != test.by.empty()) {
      return Fault(
          node,
          "value: is NAME, NAME / NAME or NAME - NAME; minus: and over: "
          "exclude each other; best: and by: go together");
    }
    return test;
  }

  absl::StatusOr<ClaimRow> ReadRow(const YamlNode& node) const {
    ClaimRow row;
    row.line = node.line;
    SFT_RETURN_IF_ERROR(ReadMap(
        node,
        {{"name", &row.name},
         {"statement", &row.statement},
         {"protocol", &row.protocol},
         {"differs", &row.differs},
         {"theirs", &row.theirs},
         {"not_tested", &row.not_tested}},
        {"source", "ours"},
        [&](const YamlNode::Entry& entry) -> absl::StatusOr<bool> {
          if (entry.key.text == "source") {
            SFT_RETURN_IF_ERROR(ReadMap(entry.value,
                                        {{"authors", &row.authors},
                                         {"year", &row.year},
                                         {"title", &row.title},
                                         {"id", &row.identifier},
                                         {"where", &row.where}},
                                        {}, [](const YamlNode::Entry&) {
                                          return absl::StatusOr<bool>(false);
                                        }));
            return true;
          }
          if (entry.key.text != "ours") return false;
          for (const YamlNode& test : entry.value.items) {
            SFT_ASSIGN_OR_RETURN(row.tests.emplace_back(), ReadTest(test));
          }
          return true;
        }));
    for (const auto& [key, text] :
         {std::pair("name", &row.name), std::pair("statement", &row.statement),
          std::pair("theirs", &row.theirs), std::pair("differs", &row.differs),
          std::pair("source's authors", &row.authors),
          std::pair("source's year", &row.year),
          std::pair("source's id", &row.identifier),
          std::pair("source's where", &row.where)}) {
      if (text->empty()) {
        return Fault(node, absl::StrCat("claim '", row.name, "' lacks ", key));
      }
    }
    if (row.tests.empty() == row.not_tested.empty()) {
      return Fault(node, absl::StrCat("claim '", row.name,
                                      "' wants tests under ours:, or "
                                      "not_tested: and why"));
    }
    return row;
  }

  std::string path_;
};

}  // namespace

absl::StatusOr<std::vector<ClaimRow>> ParseClaims(const std::string& path,
                                                  const std::string& text) {
  SFT_ASSIGN_OR_RETURN(const YamlNode root, spec::ParseYaml(path, text));
  return ClaimsReader(path).Read(root);
}

absl::StatusOr<std::vector<ClaimRow>> ReadClaims(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return ParseClaims(path, text);
}

}  // namespace sft::analysis
