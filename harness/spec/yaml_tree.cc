#include "harness/spec/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/spec/yaml_remedy.h"

namespace sft::spec {
namespace {

// Thrown out of the handler through yaml-cpp, which knows no other way to be
// stopped.
struct Refused : std::runtime_error {
  Refused(int line, const std::string& what)
      : std::runtime_error(what), line(line) {}
  int line;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  const YamlNode& root() const { return root_; }
  // Of the last scalar that is not plain.
  const YAML::Mark& last_quoted() const { return last_quoted_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Leaf(mark, anchor, YamlNode::Kind::kNull, "");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused(mark.line + 1, "aliases (*name) are not read in a spec");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& value) override {
    if (tag == "!") last_quoted_ = mark;
    Leaf(mark, anchor, YamlNode::Kind::kScalar, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    Open(mark, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    YamlNode node;
    bool has_key = false;
    YamlNode key;
  };

  void Check(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      throw Refused(mark.line + 1, "anchors (&name) are not read in a spec");
    }
    if (static_cast<int>(open_.size()) >= kMaxSpecDepth) {
      throw Refused(mark.line + 1, absl::StrCat("nested deeper than ",
                                                kMaxSpecDepth, " levels"));
    }
  }

  void Leaf(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind,
            const std::string& text) {
    Check(mark, anchor);
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.text = text;
    Add(std::move(node));
  }

  void Open(const YAML::Mark& mark, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    Check(mark, anchor);
    Frame frame;
    frame.node.kind = kind;
    frame.node.line = mark.line + 1;
    open_.push_back(std::move(frame));
  }

  void Close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Add(std::move(node));
  }

  void Add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kList) {
      parent.node.items.push_back(std::move(node));
      return;
    }
    if (!parent.has_key) {
      if (node.kind != YamlNode::Kind::kScalar) {
        throw Refused(node.line, absl::StrCat("a key must be a name, not ",
                                              ToAbsl(node.KindName())));
      }
      for (const auto& [key, value] : parent.node.entries) {
        if (key.text == node.text) {
          throw Refused(node.line,
                        absl::StrCat("key '", node.text,
                                     "' stands already on line ", key.line));
        }
      }
      // Repeated keys are looked for one by one.
      if (parent.node.entries.size() >= 1000) {
        throw Refused(node.line, "more than 1000 keys in one map");
      }
      parent.key = std::move(node);
      parent.has_key = true;
      return;
    }
    // Where nothing stands, the parser is already at what comes next.
    if (node.kind == YamlNode::Kind::kNull) node.line = parent.key.line;
    parent.node.entries.push_back({std::move(parent.key), std::move(node)});
    parent.has_key = false;
  }

  std::vector<Frame> open_;
  YamlNode root_;
  YAML::Mark last_quoted_ = YAML::Mark::null_mark();
};

// A quote that is not closed runs to the end of the text, and yaml-cpp does
// not mind: what is behind it would be lost in silence.
bool RunsToTheEnd(std::string_view text, const YAML::Mark& quoted) {
  if (quoted.is_null() || quoted.pos >= static_cast<int>(text.size())) {
    return false;
  }
  const char quote = text[quoted.pos];
  if (quote != '"' && quote != '\'') return false;
  for (size_t i = quoted.pos + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      return false;
    }
  }
  return true;
}

absl::Status At(const std::string& path, int line, std::string_view what) {
  return InputError(absl::StrCat(path, ":", line), what);
}

// Brackets are counted before yaml-cpp sees the text, whose scanner recurses
// and looks ahead for each of them. Those inside quotes or comments count too;
// no spec has 32 of them open.
absl::Status CheckBrackets(const std::string& path, std::string_view text) {
  int open = 0;
  int line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    if (c == '[' || c == '{') ++open;
    if ((c == ']' || c == '}') && open > 0) --open;
    if (open > 2 * kMaxSpecDepth) {
      return At(path, line,
                absl::StrCat("nested deeper than ", kMaxSpecDepth, " levels"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view YamlNode::KindName() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "a single value";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

absl::StatusOr<YamlNode> ParseYaml(const std::string& path,
                                   std::string_view text) {
  if (text.size() > kMaxSpecBytes) {
    return InputError(path,
                      absl::StrCat("has ", text.size(), " bytes; a spec has ",
                                   "at most ", kMaxSpecBytes));
  }
  if (const size_t bad = FirstUncleanByte(text);
      bad != std::string_view::npos) {
    const auto newlines = std::count(text.begin(), text.begin() + bad, '\n');
    return At(path, static_cast<int>(newlines) + 1, "is no valid UTF-8 text");
  }
  SFT_RETURN_IF_ERROR(CheckBrackets(path, text));
  TreeBuilder builder;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      return InputError(path, "is empty");
    }
    YamlNode root = builder.root();
    if (const YAML::Mark& mark = builder.last_quoted();
        RunsToTheEnd(text, mark)) {
      throw YAML::ParserException(mark, "a quote is opened and not closed");
    }
    TreeBuilder rest;
    if (parser.HandleNextDocument(rest)) {
      return InputError(path, "holds more than one YAML document");
    }
    return root;
  } catch (const Refused& refused) {
    return At(path, refused.line, refused.what());
  } catch (const YAML::Exception& error) {
    const YamlFault fault = ExplainYaml(
        text, {error.mark.line + 1, error.mark.column + 1, error.msg});
    return InputError(absl::StrCat(path, ":", fault.line, ":", fault.column),
                      "is no valid YAML: " + fault.what);
  } catch (const std::exception& error) {
    return InputError(path, std::string("is no valid YAML: ") + error.what());
  }
}

}  // namespace sft::spec
