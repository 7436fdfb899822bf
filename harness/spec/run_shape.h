// What very many cells have in common, made once: cells of one shape have the
// same methods, model and data, and differ in numbers of their training. Their
// configs and canonical texts are put together from parts.
#ifndef HARNESS_SPEC_RUN_SHAPE_H_
#define HARNESS_SPEC_RUN_SHAPE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "harness/spec/cells.h"
#include "harness/spec/run_config.h"

namespace sft::spec {

// The line in a canonical text of each value of each column.
using CellLines = std::vector<std::vector<std::string>>;
CellLines LinesOfCells(const CellTable& cells, const LaterOptions& later);

class RunShape {
 public:
  // `config` is complete, and that of `cell`; `varying` are the columns in
  // which cells of the shape may differ from it. Cells and lines outlive it.
  RunShape(RunConfig config, size_t cell, const std::vector<size_t>& varying,
           const CellTable& cells, const CellLines& lines);

  RunConfig ConfigOf(size_t cell) const;

  // The digests of the files that all of them read, before the first RunIdOf.
  void SetDigests(std::vector<std::string> digests);
  // MakeRunId of ConfigOf(cell).
  std::string RunIdOf(size_t cell) const;

 private:
  // Of the canonical text: what all have, and the column whose line stands
  // behind it.
  struct Part {
    std::string text;
    size_t column;
  };

  RunConfig config_;
  const CellTable& cells_;
  const CellLines& lines_;
  std::vector<std::pair<std::string, size_t>> fields_, options_;
  std::vector<std::string> digests_;
  std::vector<Part> parts_;
  std::string rest_;
};

}  // namespace sft::spec

#endif  // HARNESS_SPEC_RUN_SHAPE_H_
