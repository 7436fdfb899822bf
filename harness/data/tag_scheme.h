// How the tags of entities are written, and BIO2 out of each: a row a scheme.
//   iob2   B-x begins an entity, I-x goes on
//   iob1   I-x is of an entity; B-x begins one right behind another of its type
//   bioes  also E-x ends one and S-x is one by itself; as BILOU: L-x, U-x
//   io     I-x, or x alone: neighbours of one type are one entity
#ifndef HARNESS_DATA_TAG_SCHEME_H_
#define HARNESS_DATA_TAG_SCHEME_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sft::data {

using Tags = std::vector<std::string>;

struct TagSchemeRow {
  std::string name;
  std::string summary;
  // In place; the error names word and tag.
  absl::Status (*to_iob2)(Tags& tags) = nullptr;
};
const std::vector<TagSchemeRow>& AllTagSchemes();
// An error names them all.
absl::StatusOr<const TagSchemeRow*> TagSchemeByName(const std::string& name);

// Which scheme tags are in, by all sentences of a file: the first that they do
// not break. Of tags that break each, BIO2, whose check then names a word.
class TagSchemeSurvey {
 public:
  void Add(const Tags& tags);
  std::string Scheme() const;

 private:
  bool bare_ = false, ends_ = false, begins_ = false;
  bool starts_with_i_ = false;       // I-x behind no x
  bool begins_after_other_ = false;  // B-x behind no x
};

}  // namespace sft::data

#endif  // HARNESS_DATA_TAG_SCHEME_H_
