// A user's own data set, as the `data:` block of a spec names it: a file, how
// it is read, and which task its columns serve. harness/data makes it a data
// set.
#ifndef HARNESS_SPEC_USER_DATA_H_
#define HARNESS_SPEC_USER_DATA_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/spec/yaml_tree.h"

namespace sft::spec {

struct UserData {
  std::string name;
  // Of the rows: a file, or a folder of such. Relative to the working
  // directory; a spec's paths that are not there are taken from the spec's own
  // folder where they are there.
  std::string path;
  // Rows to validate and test on; "" = split off `path`.
  std::string validation, test;
  // auto (by the name's ending), or a form by its name; which there are,
  // harness/data knows and checks. Of parallel, `path` is the source's lines,
  // `target` the translations'.
  std::string format = "auto";
  std::string target;
  // The name of a kind of task; which there are, harness/data knows and checks.
  std::string task;
  // What of a task is read from which column: {"text": "review"}.
  std::map<std::string, std::string> columns;
  // The prompt, columns in braces: "Review: {review}\nSentiment:". "" = the
  // task's own.
  std::string prompt_template;
  // Classes or entity types; empty = those of the file, in order of names.
  std::vector<std::string> labels;
  std::vector<std::string> metrics;  // empty = the task's own
  // Of entities: how tags are written ("" = found out), what the numbers mean
  // that stand for them, and what becomes of spans that cut words ("" = fail).
  std::string scheme;
  std::vector<std::string> tag_names;
  std::string cut_spans;
  // Texts that end a generated answer, and its most tokens; empty = as the
  // references allow. stop: [] in a spec is one empty text: nothing ends it.
  std::vector<std::string> stop;
  std::string max_new_tokens;
  // Of cleaning and splitting (harness/data/prepare), e.g. {"clean": "true"}.
  std::map<std::string, std::string> prepare;

  // Where it was written, for messages: no part of its text.
  std::string spec;                  // path of the file, "" if there is none
  std::map<std::string, int> lines;  // of each key; "" is the block's own
  // "spec.yaml:7: data reviews", of the line of `key` where it has one.
  std::string Where(const std::string& key = "") const;
};

// One line of JSON in which only what was said stands; and back. It is part of
// RunConfig.
std::string UserDataToJson(const UserData& data);
absl::StatusOr<UserData> UserDataFromJson(const std::string& name,
                                          const std::string& text);

// The JSON as a run's id has it: of a file's path only what says how it is
// read, its ending. What the file holds has a digest of its own.
std::string UserDataByContent(const std::string& json);

// One map of the `data:` block. Errors are "spec:line: what", a line each. A
// relative path that names one file from the working directory and another from
// the spec's folder is an error; that there is none is not yet.
absl::StatusOr<UserData> ReadDataMap(const std::string& path,
                                     const YamlNode& node);
// What the set of such a map is called, whatever else is wrong with it.
std::string DataMapName(const YamlNode& node);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_USER_DATA_H_
