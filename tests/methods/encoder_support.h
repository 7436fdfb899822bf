// The tiny encoders of tests/golden/encoders with their heads, and rows for
// them.
#ifndef TESTS_METHODS_ENCODER_SUPPORT_H_
#define TESTS_METHODS_ENCODER_SUPPORT_H_

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "harness/model/families/encoder_families.h"
#include "tests/methods/variants.h"

namespace sft::methods {

struct HeadCase {
  std::string family;
  HeadKind kind;
  int64_t classes;
};
inline std::vector<HeadCase> HeadCases() {
  std::vector<HeadCase> out;
  for (const model::EncoderFamily& row : model::EncoderFamilies()) {
    const std::string family(row.name);
    out.push_back({family, HeadKind::kSequence, 3});
    out.push_back({family, HeadKind::kToken, 5});
    out.push_back({family, HeadKind::kSpan, 2});
  }
  out.push_back({"bert", HeadKind::kLabels, 4});
  out.push_back({"modernbert", HeadKind::kValue, 1});
  return out;
}
inline std::string NameOf(const HeadCase& c) {
  return c.family + " with head " + std::to_string(static_cast<int>(c.kind));
}

inline std::unique_ptr<model::Model> LoadHeadless(const std::string& family,
                                                  at::ScalarType compute) {
  return LoadTestModel(
      compute, (support::SourceDir() / "tests" / "golden" / "encoders" / family)
                   .string());
}
inline std::unique_ptr<model::Model> LoadEncoder(
    const HeadCase& c, at::ScalarType compute = at::kFloat) {
  auto model = LoadHeadless(c.family, compute);
  REQUIRE(model->SetHead(c.kind, c.classes, 4).ok());
  // A drawn head is small; its gradient upon the rest would be too.
  const at::NoGradGuard no_grad;
  for (model::Parameter& p : model->HeadParameters()) p.tensor.mul_(10);
  return model;
}

// Rows of random tokens with labels for a head.
inline std::vector<Example> HeadRows(const HeadCase& c) {
  std::vector<Example> rows = RandomExamples({9, 14, 6, 21, 4, 17}, 7, 90);
  Rng rng(3, Stream::kDataOrder, "labels");
  for (Example& row : rows) {
    row.head = c.kind;
    const size_t length = row.input_ids.size();
    row.labels.assign(length, kNoLoss);
    for (int32_t& id : row.input_ids) id += 3;
    if (c.kind == HeadKind::kToken) {
      for (size_t t = 1; t + 1 < length; ++t) {
        row.labels[t] = static_cast<int32_t>(rng.Below(5));
      }
    } else if (c.kind == HeadKind::kLabels || c.kind == HeadKind::kValue) {
      row.labels[0] = 0;
      for (int64_t k = 0; k < c.classes; ++k) {
        const auto drawn = static_cast<double>(rng.Below(2));
        row.values.push_back(c.kind == HeadKind::kLabels ? drawn : drawn - 0.3);
      }
    } else {
      row.labels[0] = static_cast<int32_t>(rng.Below(3));
      if (c.kind == HeadKind::kSpan) row.labels[1] = row.labels[0] + 1;
    }
    if (c.family == "bert") {
      row.token_types.assign(length, 0);
      std::fill(row.token_types.begin() + length / 2, row.token_types.end(), 1);
    }
  }
  return rows;
}
inline Batch HeadBatch(const HeadCase& c) {
  const std::vector<Example> rows = HeadRows(c);
  return data::PaddedBatch(rows, {{0, 0, 9}, {1, 0, 14}, {2, 0, 6}}, 0, 0);
}

// As the conformance test has them, for models of width 32.
inline std::vector<Variant> EncoderVariants() {
  std::vector<Variant> out = Variants();
  for (Variant& v : out) {
    if (v.method == "lora" || v.method == "qlora") {
      v.options["lora.rank"] = "4";
    }
  }
  return out;
}

// Some families have one map of queries, keys and values: it is then meant.
inline Attached AttachTo(const HeadCase& c, Variant variant,
                         at::ScalarType compute) {
  const model::EncoderLayout& layout =
      *model::FindEncoderFamily(c.family)->layout;
  const auto targets = variant.options.find("lora.targets");
  if (layout.MapIndex(model::Role::kQuery) < 0 &&
      targets != variant.options.end()) {
    const size_t at = targets->second.find("q_proj");
    if (at != std::string::npos) targets->second.replace(at, 6, "qkv_proj");
  }
  Attached run{LoadEncoder(c, compute),
               MakeMethod(variant.method, variant.options)};
  const absl::Status attached = run.method->Attach(*run.model);
  INFO(attached.ToString());
  REQUIRE(attached.ok());
  REQUIRE(run.method->BeginRound(0).ok());
  return run;
}

}  // namespace sft::methods

#endif  // TESTS_METHODS_ENCODER_SUPPORT_H_
