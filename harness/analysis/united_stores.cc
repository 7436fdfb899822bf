#include "harness/analysis/united_stores.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/record_origin.h"

namespace sft::analysis {
namespace {

std::string TextOfCell(const Results& results, const ResultCell& cell) {
  spec::RunConfig config = results.runs[cell.runs[0]].planned.config;
  config.seed = 0;
  return config.CanonicalConfigText();
}

bool ShareARun(const Results& one, const ResultCell& a, const Results& two,
               const ResultCell& b) {
  return std::any_of(a.runs.begin(), a.runs.end(), [&](size_t i) {
    return std::any_of(b.runs.begin(), b.runs.end(), [&](size_t j) {
      return one.runs[i].planned.run_id == two.runs[j].planned.run_id;
    });
  });
}

// The runs and cells of B behind those of A.
void PutBehind(Results b, Results& a) {
  const size_t runs = a.runs.size();
  std::move(b.runs.begin(), b.runs.end(), std::back_inserter(a.runs));
  for (ResultCell& cell : b.cells) {
    for (size_t& run : cell.runs) run += runs;
    a.cells.push_back(std::move(cell));
  }
  for (const std::string& name : b.axis_names) {
    if (std::find(a.axis_names.begin(), a.axis_names.end(), name) ==
        a.axis_names.end()) {
      a.axis_names.push_back(name);
    }
  }
}

std::string FieldsThatDiffer(const Results& both, size_t i, size_t j) {
  const auto fields = [&](size_t cell) {
    return spec::ConfigFields(
        both.runs[both.cells[cell].runs[0]].planned.config);
  };
  const auto mine = fields(i), theirs = fields(j);
  std::vector<std::string> differing;
  for (const auto& [name, value] : mine) {
    const auto it = theirs.find(name);
    const std::string other = it == theirs.end() ? "-" : it->second;
    if (other == value || name == "seed") continue;
    differing.push_back(absl::StrCat(name, " (", value, ", not ", other, ")"));
  }
  return differing.empty() ? "fields that it alone has"
                           : absl::StrJoin(differing, ", ");
}

// Names cells, and what sets one apart from its like on the other side.
void NoteOnlyIn(const Results& both, const std::string& side,
                const std::vector<size_t>& cells,
                const std::vector<size_t>& others,
                std::vector<std::string>& notes) {
  for (const size_t i : cells) {
    const std::string label = CellLabel(both, both.cells[i]);
    std::string note = absl::StrCat("Only in ", side, ": ", label);
    for (const size_t j : others) {
      if (CellLabel(both, both.cells[j]) != label) continue;
      absl::StrAppend(&note, "; the other's differs in ",
                      FieldsThatDiffer(both, i, j));
      break;
    }
    notes.push_back(note + ".");
  }
}

std::set<int64_t> SeedsOf(const Results& both, size_t cell) {
  std::set<int64_t> found;
  for (const size_t run : both.cells[cell].runs) {
    if (both.runs[run].ok()) found.insert(both.runs[run].planned.config.seed);
  }
  return found;
}

void NoteSeeds(const UnitedStores& stores, std::vector<std::string>& notes) {
  for (const auto& [a, b] : stores.pairs) {
    const ResultCell& cell = stores.both.cells[a];
    if (cell.is_untuned) continue;
    const std::set<int64_t> of_a = SeedsOf(stores.both, a);
    const std::set<int64_t> of_b = SeedsOf(stores.both, b);
    if (of_a == of_b) continue;
    notes.push_back(absl::StrCat(CellLabel(stores.both, cell), ": seeds ",
                                 absl::StrJoin(of_a, ","), " in A, ",
                                 absl::StrJoin(of_b, ","),
                                 " in B; those in both are compared."));
  }
}

void NoteOrigin(const UnitedStores& stores, std::vector<std::string>& notes) {
  const auto named = [](const std::set<std::string>& names) {
    return names.empty() ? std::string("none") : absl::StrJoin(names, ", ");
  };
  const std::set<std::string> builds_a = NamesOf(stores, false, BuildOf);
  const std::set<std::string> builds_b = NamesOf(stores, true, BuildOf);
  const bool is_dirty =
      std::any_of(stores.both.runs.begin(), stores.both.runs.end(),
                  [](const CollectedRun& run) {
                    return run.ok() && IsDirtyBuild(*run.record);
                  });
  if (builds_a != builds_b || builds_a.size() > 1 || is_dirty) {
    notes.push_back(absl::StrCat("Revisions of the code: A ", named(builds_a),
                                 "; B ", named(builds_b),
                                 ". A difference may come from the code."));
  }
  if (!AreOfOneMachine(stores)) {
    notes.push_back(absl::StrCat(
        "Machines: A ", named(NamesOf(stores, false, MachineOf)), "; B ",
        named(NamesOf(stores, true, MachineOf)),
        ". Times and memory are not compared; scores may differ in the last "
        "bits for that alone."));
  }
}

}  // namespace

UnitedStores Unite(Results a, Results b) {
  UnitedStores stores;
  stores.cells_of_a = a.cells.size();
  std::set<size_t> taken;
  for (size_t i = 0; i < a.cells.size(); ++i) {
    const std::string text = TextOfCell(a, a.cells[i]);
    std::optional<size_t> partner;
    for (size_t j = 0; j < b.cells.size() && !partner.has_value(); ++j) {
      if (taken.count(j) == 0 && (TextOfCell(b, b.cells[j]) == text ||
                                  ShareARun(a, a.cells[i], b, b.cells[j]))) {
        partner = j;
      }
    }
    if (partner.has_value()) {
      taken.insert(*partner);
      stores.pairs.emplace_back(i, stores.cells_of_a + *partner);
    } else {
      stores.only_a.push_back(i);
    }
  }
  for (size_t j = 0; j < b.cells.size(); ++j) {
    if (taken.count(j) == 0) stores.only_b.push_back(stores.cells_of_a + j);
  }
  stores.both = std::move(a);
  PutBehind(std::move(b), stores.both);
  return stores;
}

std::set<std::string> NamesOf(
    const UnitedStores& stores, bool is_b,
    std::string (*name_of)(const record::RunRecord&)) {
  const std::vector<ResultCell>& cells = stores.both.cells;
  std::set<std::string> names;
  for (size_t i = is_b ? stores.cells_of_a : 0;
       i < (is_b ? cells.size() : stores.cells_of_a); ++i) {
    for (const size_t index : cells[i].runs) {
      const CollectedRun& run = stores.both.runs[index];
      if (run.ok()) names.insert(name_of(*run.record));
    }
  }
  return names;
}

bool AreOfOneMachine(const UnitedStores& stores) {
  const std::set<std::string> a = NamesOf(stores, false, MachineOf);
  return a == NamesOf(stores, true, MachineOf) && a.size() == 1;
}

std::vector<std::string> NotesOnStores(const UnitedStores& stores) {
  std::vector<std::string> notes;
  NoteOnlyIn(stores.both, "A", stores.only_a, stores.only_b, notes);
  NoteOnlyIn(stores.both, "B", stores.only_b, stores.only_a, notes);
  NoteSeeds(stores, notes);
  NoteOrigin(stores, notes);
  return notes;
}

}  // namespace sft::analysis
