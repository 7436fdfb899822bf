// The schema as other programs see it: h5dump and h5py.
#include "harness/record/schema.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <utility>

#include "harness/core/files.h"
#include "harness/record/record_items.h"
#include "tests/harness/record/sample_record.h"
#include "tests/support/skips.h"

namespace sft::record::schema_test {
namespace {

// Standard output and error of a command, and its exit status.
std::pair<std::string, int> Run(const std::string& command) {
  std::string out;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {"", -1};
  std::array<char, 4096> buffer;
  for (size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    out.append(buffer.data(), n);
  }
  return {out, pclose(pipe)};
}

std::string PythonWithH5py() {
  const char* set = std::getenv("SFT_PYTHON");
  std::string python =
      set != nullptr ? set : std::string(SFT_SOURCE_DIR) + "/.venv/bin/python";
  if (Run("'" + python + "' -c 'import h5py'").second != 0) return "";
  return python;
}

TEST_CASE("h5dump shows the schema of a record", "[record][schema]") {
  if (Run("h5dump --version").second != 0) {
    support::Skip(support::Need::kTools, "h5dump is not installed");
  }
  const ScratchFolder folder;
  REQUIRE(WriteRunRecord(SampleRecord(), folder / "a.h5").ok());
  const auto [out, exit_status] = Run("h5dump -H '" + (folder / "a.h5") + "'");
  REQUIRE(exit_status == 0);
  for (const char* part :
       {"ATTRIBUTE \"schema_version\"", "ATTRIBUTE \"content_sha256\"",
        "ATTRIBUTE \"config_json\"", "ATTRIBUTE \"axes_json\"",
        "ATTRIBUTE \"meaning\"", "GROUP \"train\"", "DATASET \"loss\"",
        "ATTRIBUTE \"unit\"", "GROUP \"forgetting\"", "GROUP \"measured\"",
        "GROUP \"provenance\"", "GROUP \"rotten_tomatoes\"",
        "DATASET \"predictions\"", "DATASET \"trainable_parameters\"",
        "H5T_CSET_UTF8"}) {
    CAPTURE(part);
    CHECK(out.find(part) != std::string::npos);
  }
}

TEST_CASE("h5py reads status, config and series with their units",
          "[record][schema]") {
  const std::string python = PythonWithH5py();
  if (python.empty()) {
    support::Skip(support::Need::kTools, "no Python with h5py (SFT_PYTHON)");
  }
  const ScratchFolder folder;
  REQUIRE(WriteRunRecord(SampleRecord(), folder / "a.h5").ok());
  REQUIRE(WriteFileAtomically(folder / "read.py", R"(
import json, math, sys, h5py
f = h5py.File(sys.argv[1], 'r')
assert f.attrs['status'] == 'diverged', f.attrs['status']
assert 'lora.rank = 8' in f.attrs['config'].splitlines()
assert f.attrs['complete'] == 1 and len(f.attrs['requested_spec']) > 200000
loss = f['train/loss']
assert loss.attrs['unit'] == 'nats/token'
assert loss[0] == 1 and loss[1] == 0.5 and math.isnan(loss[2])
assert f['train/real_tokens'].attrs['unit'] == 'token'
m = f['eval/rotten_tomatoes/test/1/metrics/accuracy']
assert m['value'][()] == 0.75 and list(m['items']) == [1, 0, 1, 1]
assert m.attrs['signature'] == 'acc|v1' and m.attrs['higher_is_better'] == 1
s = f['eval/rotten_tomatoes/test/1/metrics/span_f1/sums']
assert s.shape == (4, 3) and s.attrs['unit'] == '1', (s.shape, dict(s.attrs))
assert s[0].tolist() == [2, 2, 2] and s[:].sum(axis=0).tolist() == [3, 4, 8]
assert f['forgetting/wiki_demo/cross_entropy_change'].attrs['unit'] == 'nats/token'
assert f['measured/memory/peak_rss_bytes'].attrs['unit'] == 'byte'
assert dict(f['axes'].attrs) == {'method': 'lora', 'seed': '0'}
bare = []
f.visititems(lambda name, o: bare.append(name) if isinstance(o, h5py.Dataset)
             and not {'unit', 'meaning'} <= set(o.attrs) else None)
assert not bare, bare
assert loss.attrs['meaning'].decode() == "mean over the step's target tokens"
config = json.loads(f.attrs['config_json'])
assert config['lora.rank'] == 8 and config['train'] == ['rotten_tomatoes']
assert json.loads(f.attrs['axes_json']) == {'method': 'lora', 'seed': 0}
)")
              .ok());
  const auto [out, exit_status] =
      Run("'" + python + "' '" + (folder / "read.py") + "' '" +
          (folder / "a.h5") + "'");
  CAPTURE(out);
  CHECK(exit_status == 0);
}

TEST_CASE("every path of a record is in the schema's table",
          "[record][schema]") {
  // Names of the run become wildcards: compare component by component.
  const auto matches = [](const std::string& pattern, const std::string& path) {
    size_t i = 0, j = 0;
    while (i < pattern.size() && j < path.size()) {
      if (pattern[i] == '<') {
        i = pattern.find('>', i) + 1;
        const char* stop = pattern[i] == ' ' ? " @" : "/";
        j = i >= pattern.size() ? path.size() : path.find(stop, j);
        if (j == std::string::npos) j = path.size();
      } else if (pattern[i++] != path[j++]) {
        return false;
      }
    }
    return i >= pattern.size() && j == path.size();
  };
  std::vector<H5Item> items = SealedItemsOfRecord(SampleRecord());
  RunRecord of_rounds = SampleRecord();
  of_rounds.config.train = {"odd", "rotten_tomatoes"};
  of_rounds.evals[0].round = 2;
  for (H5Item& item : SealedItemsOfRecord(of_rounds)) {
    items.push_back(std::move(item));
  }
  for (const H5Item& item : items) {
    if (item.attribute == "unit") continue;
    // Nested or escaped names of the sample's odd forgetting measures.
    if (item.path.rfind("/forgetting/", 0) == 0) continue;
    const std::string name =
        item.attribute.empty() ? item.path : item.path + " @" + item.attribute;
    bool found = false;
    for (const SchemaRow& row : RecordSchema()) {
      found = found || matches(row.path, name);
    }
    CAPTURE(name);
    CHECK(found);
  }
  CHECK(RecordSchemaMarkdown().find("| `/train/loss` | float64 | 1 |") !=
        std::string::npos);
}

TEST_CASE("the end of a name says its unit", "[record][schema]") {
  for (const auto& [name, unit] : {std::pair{"train_wall_seconds", "s"},
                                   {"real_tokens_per_second", "token/s"},
                                   {"steps_per_second", "1/s"},
                                   {"round0.target_tokens", "token"},
                                   {"train_peak_rss_bytes", "byte"},
                                   {"wiki/cross_entropy_change", "nats/token"},
                                   {"bbc/validation_loss", "nats/token"},
                                   {"packing.efficiency", "fraction"},
                                   {"optimizer_steps", "1"}}) {
    CHECK(UnitOfName(name) == unit);
  }
  // No row stands behind one that takes its names.
  for (const UnitRow& row : kUnitsByEnding) {
    CHECK(UnitOfName(row.ending) == row.unit);
  }
}

TEST_CASE("any name survives as a path component", "[record][schema]") {
  std::set<std::string> encoded;
  for (const char* name : {"", ".", "..", "a/b", "a%2Fb", "%", "%%", "/", "a.b",
                           "\xc3\xa4", "%2", " "}) {
    const std::string component = EncodePathName(name);
    CHECK(component.find('/') == std::string::npos);
    CHECK(DecodePathName(component) == name);
    CHECK(encoded.insert(component).second);
  }
}

}  // namespace
}  // namespace sft::record::schema_test
