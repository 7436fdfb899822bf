// Planted faults are found, all of them and no others.
#include "harness/data/prepare/prepare.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "harness/core/files.h"
#include "harness/core/rng.h"
#include "harness/data/csv.h"
#include "harness/data/prepare/read_table.h"
#include "harness/data/shingles.h"
#include "harness/data/unicode.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"

namespace sft::data::prepare_test {
namespace {

struct Plain {
  std::string text, label;
};

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (isalnum(static_cast<unsigned char>(c))) {
      word += static_cast<char>(tolower(c));
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

// The oracle: sets of joined words, every pair compared.
class Oracle {
 public:
  std::vector<int> Set(const std::string& text) {
    const std::vector<std::string> words = Words(text);
    std::set<int> set;
    for (size_t i = 0; i == 0 || i + 3 <= words.size(); ++i) {
      std::string joined;
      for (size_t j = i; j < std::min(i + 3, words.size()); ++j) {
        joined += words[j] + " ";
      }
      set.insert(ids_.try_emplace(joined, ids_.size()).first->second);
    }
    return {set.begin(), set.end()};
  }
  static double Similarity(const std::vector<int>& a,
                           const std::vector<int>& b) {
    const double small = static_cast<double>(std::min(a.size(), b.size()));
    const double large = static_cast<double>(std::max(a.size(), b.size()));
    if (small < 0.5 * large) return 0;
    std::vector<int> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(),
                          std::back_inserter(both));
    const double n = static_cast<double>(both.size());
    return n / (small + large - n);
  }

 private:
  std::map<std::string, int> ids_;
};

// Rows no two of which are alike, at any threshold from 0.5.
std::vector<Plain> WithoutAlike(const std::vector<Plain>& rows) {
  Oracle oracle;
  std::vector<Plain> kept;
  std::vector<std::vector<int>> sets;
  for (const Plain& row : rows) {
    std::vector<int> set = oracle.Set(row.text);
    if (std::none_of(sets.begin(), sets.end(), [&](const auto& other) {
          return Oracle::Similarity(set, other) >= 0.5;
        })) {
      kept.push_back(row);
      sets.push_back(std::move(set));
    }
  }
  return kept;
}

std::vector<Plain> Generated(size_t n) {
  Rng rng(7, Stream::kMethod, "prepare_test");
  std::vector<Plain> rows(n);
  for (size_t i = 0; i < n; ++i) {
    for (uint64_t w = 20 + rng.Below(20); w > 0; --w) {
      absl::StrAppend(&rows[i].text, "w", rng.Below(5000), " ");
    }
    rows[i].text += "end";
    rows[i].label = std::string(1, static_cast<char>('a' + rng.Below(3)));
  }
  return rows;
}

VectorRows Source(const std::string& name, const std::vector<Plain>& rows) {
  std::vector<TableRow> table;
  for (const Plain& row : rows) {
    table.push_back(
        RowFromJson({{"text", row.text}, {"label", row.label}},
                    static_cast<int64_t>(table.size()) + 1,
                    {.text = {"text"}, .label = "label", .nfc = true}));
  }
  return {name, std::move(table)};
}

const CheckReport& CheckOf(const PreparedTable& table,
                           const std::string& name) {
  const auto& checks = table.report.checks;
  return *std::find_if(checks.begin(), checks.end(),
                       [&](const auto& check) { return check.name == name; });
}

// The text with its last word changed: similarity (n - 3) / (n - 1).
std::string Nearly(const std::string& text) {
  const size_t space = text.find_last_of(' ');
  return text.substr(0, space) + " otherwise";
}

// Plants faults into rows that have none, and looks for every one.
void PlantAndFind(const std::vector<Plain>& base) {
  REQUIRE(base.size() > 900);
  std::vector<size_t> longer;  // at least 15 words, so that Nearly is near
  for (size_t i = 0; i < base.size(); ++i) {
    if (Words(base[i].text).size() >= 15) longer.push_back(i);
  }
  REQUIRE(longer.size() > 400);
  std::vector<Plain> rows = base, against;
  std::map<uint32_t, std::string> planted;  // row -> reason
  auto add = [&](Plain row, const std::string& reason) {
    planted[static_cast<uint32_t>(rows.size())] = reason;
    rows.push_back(std::move(row));
  };
  for (size_t k = 0; k < 60; ++k) {
    Plain row = base[longer[k]];
    row.text = "  " + row.text + "\n";  // white space does not count
    add(row, "exact_duplicate");
  }
  for (size_t k = 60; k < 120; ++k) {
    add({Nearly(base[longer[k]].text), base[longer[k]].label},
        "near_duplicate");
  }
  for (size_t k = 120; k < 160; ++k) {
    add({base[longer[k]].text, base[longer[k]].label + "?"}, "label_conflict");
    planted[static_cast<uint32_t>(longer[k])] = "label_conflict";
  }
  for (size_t k = 160; k < 200; ++k) {
    against.push_back(base[longer[k]]);
    if (k % 2 == 0) against.back().text = Nearly(against.back().text);
    planted[static_cast<uint32_t>(longer[k])] = "leak";
  }
  for (size_t k = 0; k < 10; ++k) add({k % 2 ? " \t" : "", "a"}, "empty");
  add({"a text without a label", ""}, "empty");

  const VectorRows source = Source("rows.csv", rows);
  const VectorRows other = Source("test.csv", against);
  const auto table = PrepareTable(source, {}, &other);
  REQUIRE(table.ok());
  std::map<uint32_t, std::string> dropped;
  for (const DroppedRow& row : table->dropped) dropped[row.row] = row.reason;
  CHECK(dropped == planted);
  CHECK(CheckOf(*table, "exact_duplicate").rows == 60);
  CHECK(CheckOf(*table, "near_duplicate").rows == 60);
  CHECK(CheckOf(*table, "label_conflict").rows == 80);
  CHECK(CheckOf(*table, "leak").rows == 40);
  CHECK(CheckOf(*table, "empty").rows == 11);
  for (const DroppedRow& row : table->dropped) {
    if (row.reason == "exact_duplicate") {
      const size_t k = row.row - base.size();
      CHECK(row.duplicate_of == "rows.csv:" + std::to_string(longer[k] + 1));
    }
    if (row.reason == "leak")
      CHECK(row.duplicate_of.rfind("test.csv:", 0) == 0);
  }
  // Every row that is not dropped is in one split.
  std::set<uint32_t> kept;
  size_t in_splits = 0;
  for (const auto& split : table->splits) {
    kept.insert(split.begin(), split.end());
    in_splits += split.size();
  }
  CHECK(kept.size() == in_splits);
  CHECK(kept.size() + planted.size() == rows.size());
  // Each label has its shares.
  for (const auto& [label, counts] : table->report.labels) {
    if (counts[1] < 20) continue;
    const double n = static_cast<double>(counts[1]);
    CHECK(std::abs(static_cast<double>(counts[2]) - 0.8 * n) <= 2);
    CHECK(std::abs(static_cast<double>(counts[3]) - 0.1 * n) <= 2);
    CHECK(std::abs(static_cast<double>(counts[4]) - 0.1 * n) <= 2);
  }
}

TEST_CASE("every fault planted into generated rows is found, no row is lost",
          "[data][prepare]") {
  PlantAndFind(WithoutAlike(Generated(1500)));
}

TEST_CASE("every fault planted into AG News is found, no row is lost",
          "[data][prepare]") {
  const auto path = support::RequireData("ag_news/test.csv").string();
  CsvOptions options;
  options.header = false;
  const auto csv = ReadCsv(path, options);
  REQUIRE(csv.ok());
  std::vector<Plain> rows;
  for (const TextRecord& record : csv->records) {
    rows.push_back(
        {record.fields[1] + " " + record.fields[2], record.fields[0]});
  }
  CHECK(rows.size() == 7600);
  const std::vector<Plain> base = WithoutAlike(rows);
  CHECK(base.size() < rows.size());
  PlantAndFind(base);

  // The natural ones: a dropped row is alike by the oracle too, and of the
  // pairs that it finds none is left whole under one label.
  const VectorRows source = Source("ag.csv", rows);
  const auto table = PrepareTable(source, {});
  REQUIRE(table.ok());
  Oracle oracle;
  std::vector<std::vector<int>> sets;
  for (const Plain& row : rows) sets.push_back(oracle.Set(row.text));
  for (const DroppedRow& row : table->dropped) {
    const size_t of = static_cast<size_t>(
        std::stoll(row.duplicate_of.substr(row.duplicate_of.find(':') + 1)) -
        1);
    INFO(row.where << " " << row.reason << " " << row.duplicate_of);
    CHECK(Oracle::Similarity(sets[row.row], sets[of]) >= 0.8);
  }
  std::vector<int> side(rows.size(), -1);
  for (int s = 0; s < kSplits; ++s) {
    for (const uint32_t row : table->splits[s]) side[row] = s;
  }
  int left = 0, straddling = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; side[i] >= 0 && j < i; ++j) {
      if (side[j] < 0 || Oracle::Similarity(sets[i], sets[j]) < 0.8) continue;
      left += rows[i].label == rows[j].label;
      straddling += side[i] != side[j];
    }
  }
  CHECK(left == 0);
  CHECK(straddling == 0);
}

TEST_CASE("duplicates that stay do not straddle splits", "[data][prepare]") {
  std::vector<Plain> rows = Generated(300);
  for (size_t i = 0; i < 200; ++i) {
    rows.push_back({i % 2 ? Nearly(rows[i].text) : rows[i].text,
                    i % 3 ? rows[i].label : "other"});
  }
  PrepareOptions options;
  options.clean = false;
  options.split = "0.4,0.3,0.3";
  const auto table = PrepareTable(Source("a", rows), options);
  REQUIRE(table.ok());
  CHECK(table->dropped.empty());
  CHECK(table->report.kept == 500);
  std::vector<int> side(rows.size(), -1);
  for (int s = 0; s < kSplits; ++s) {
    for (const uint32_t row : table->splits[s]) side[row] = s;
  }
  for (size_t i = 0; i < 200; ++i) CHECK(side[i] == side[300 + i]);
}

TEST_CASE("a label unlike those of near duplicates is flagged, not dropped",
          "[data][prepare]") {
  std::vector<Plain> rows = Generated(100);
  for (Plain& row : rows) row.label = "a";
  std::string text = rows[0].text;
  for (int i = 0; i < 3; ++i) {
    rows.push_back({text + " " + std::to_string(i), "a"});
  }
  rows.push_back({text + " more", "b"});
  rows[5].text += " write to ann@example.org or +49 30 1234567";
  std::string long_text;
  for (int i = 0; i < 3000; ++i) absl::StrAppend(&long_text, "v", i, " ");
  rows.push_back({long_text, "a"});
  rows.push_back({"caf\x65\xcc\x81 first words of it", "a"});
  const VectorRows source = Source("a", rows);
  const auto table = PrepareTable(source, {});
  REQUIRE(table.ok());
  CHECK(CheckOf(*table, "label_noise").rows == 1);
  CHECK(CheckOf(*table, "label_noise").examples ==
        std::vector<std::string>{"a:104"});
  CHECK(CheckOf(*table, "personal_data").rows == 1);
  CHECK(CheckOf(*table, "unicode").rows == 1);
  CHECK(source.Get(105)->Text() == "caf\xc3\xa9 first words of it");
  CHECK(CheckOf(*table, "length_outlier").rows >= 1);
  CHECK(CheckOf(*table, "near_duplicate").rows == 3);
  CHECK(table->report.imbalanced);
  const std::string report = ReportJson(table->report, "a", {}, {}).dump() +
                             ReportText(table->report, {});
  CHECK(report.find("ann@") == std::string::npos);
  for (const FlaggedRow& row : table->flagged) {
    CHECK(row.detail.find("ann") == std::string::npos);
  }
}

TEST_CASE("the report says in which columns rows found alike differ",
          "[data][prepare]") {
  const support::TempDir folder;
  const auto read = [&folder](const std::string& name, const std::string& csv) {
    const std::string path = (folder.path() / name).string();
    REQUIRE(WriteFileAtomically(path, csv).ok());
    auto table = ReadTable(path, {}, folder.path().string());
    REQUIRE(table.ok());
    return *std::move(table);
  };
  const std::string head = "text,aspect,label\n";
  const ReadRows rows = read("a.csv", head +
                                          "one two,a,x\none two,b,y\n"
                                          "three four,a,x\n"
                                          "five six,a,x\nfive six,b,x\n");
  const ReadRows against = read("b.csv", head + "three four,b,y\n");
  const auto table = PrepareTable(*rows.rows, {}, against.rows.get());
  REQUIRE(table.ok());
  CHECK(CheckOf(*table, "leak").rows == 1);
  CHECK(CheckOf(*table, "label_conflict").rows == 2);
  CHECK(CheckOf(*table, "exact_duplicate").rows == 1);
  CHECK(table->report.not_compared ==
        std::map<std::string, int64_t>{{"aspect", 4}});
  CHECK(ReportText(table->report, {}).find("not compared: aspect (4 rows)") !=
        std::string::npos);
}

TEST_CASE("a subsample keeps the labels' shares and the seed decides it",
          "[data][prepare]") {
  const std::vector<Plain> rows = Generated(900);
  PrepareOptions options;
  options.subsample = 90;
  const auto table = PrepareTable(Source("a", rows), options);
  REQUIRE(table.ok());
  CHECK(table->report.kept == 90);
  CHECK(CheckOf(*table, "not_sampled").rows == 810);
  for (const auto& [label, counts] : table->report.labels) {
    CHECK(std::abs(counts[1] - counts[0] / 10) <= 1);
  }
  const auto again = PrepareTable(Source("a", rows), options);
  CHECK(again->splits == table->splits);
  options.seed = 1;
  CHECK(PrepareTable(Source("a", rows), options)->splits != table->splits);
  options.subsample = 901;
  CHECK_FALSE(PrepareTable(Source("a", rows), options).ok());
}

TEST_CASE("the same input and seed give the same bytes", "[data][prepare]") {
  const support::TempDir folder;
  const std::string scratch = folder.path().string();
  std::string csv = "text,label\n";
  for (const Plain& row : Generated(200)) {
    csv +=
        row.text + "," + row.label + "\n" + row.text + "," + row.label + "\n";
  }
  const std::string path = (folder.path() / "a.csv").string();
  REQUIRE(WriteFileAtomically(path, csv).ok());
  std::vector<std::string> all;
  for (const char* out : {"/one", "/two"}) {
    const auto read = ReadTable(path, {}, scratch);
    REQUIRE(read.ok());
    const auto table = PrepareTable(*read->rows, {});
    REQUIRE(table.ok());
    REQUIRE(WritePrepared(*read->rows, *table, read->bad,
                          ReportJson(table->report, path, {}, {}).dump(),
                          scratch + out)
                .ok());
    std::string bytes;
    for (const char* name : {"train.jsonl", "validation.jsonl", "test.jsonl",
                             "dropped.tsv", "flagged.tsv", "report.json"}) {
      const auto file = ReadFile(scratch + out + "/" + name);
      REQUIRE(file.ok());
      bytes += *file;
    }
    all.push_back(bytes);
    CHECK(
        ReadTable(scratch + out + "/train.jsonl", {}, scratch)->rows->size() ==
        160);
  }
  CHECK(all[0] == all[1]);
  CHECK(all[0].find(path + ":3\texact_duplicate\t" + path + ":2\n") !=
        std::string::npos);
}

}  // namespace
}  // namespace sft::data::prepare_test
