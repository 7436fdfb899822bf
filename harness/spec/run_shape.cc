#include "harness/spec/run_shape.h"

#include <map>
#include <string_view>

#include "harness/core/fields.h"

namespace sft::spec {

CellLines LinesOfCells(const CellTable& cells, const LaterOptions& later) {
  CellLines lines;
  for (const CellColumn& column : cells.columns) {
    std::vector<std::string>& of_column = lines.emplace_back();
    for (const std::string& text : column.texts) {
      of_column.push_back(CanonicalConfigLine(column.name, text, later));
    }
  }
  return lines;
}

RunShape::RunShape(RunConfig config, size_t cell,
                   const std::vector<size_t>& varying, const CellTable& cells,
                   const CellLines& lines)
    : config_(std::move(config)), cells_(cells), lines_(lines) {
  for (const size_t column : varying) {
    if (cells.Text(cell, column) == nullptr) continue;
    const CellColumn& of = cells.columns[column];
    (of.is_option ? options_ : fields_).emplace_back(of.name, column);
  }
}

void RunShape::SetDigests(std::vector<std::string> digests) {
  digests_ = std::move(digests);
  parts_.clear();
  rest_.clear();
  std::map<std::string, size_t> columns(fields_.begin(), fields_.end());
  columns.insert(options_.begin(), options_.end());
  for (const auto& [name, value] :
       ConfigFields(ConfigByContent(config_, digests_))) {
    const auto column = columns.find(name);
    if (column == columns.end()) {
      rest_ += CanonicalConfigLine(name, value, config_.later_options);
      continue;
    }
    parts_.push_back({std::move(rest_), column->second});
    rest_.clear();
  }
}

RunConfig RunShape::ConfigOf(size_t cell) const {
  RunConfig config = config_;
  const auto set = [this, cell](std::string_view name, auto& value,
                                const Limits& limits, std::string_view) {
    for (const auto& [field, column] : fields_) {
      if (field != name) continue;
      // It is canonical: it was read before.
      ParseField(name, *cells_.Text(cell, column), limits, value).IgnoreError();
    }
  };
  config.VisitFields(set);
  for (const auto& [option, column] : options_) {
    config.method_options[option] = *cells_.Text(cell, column);
  }
  return config;
}

std::string RunShape::RunIdOf(size_t cell) const {
  const auto row = cells_.row(cell);
  size_t size = rest_.size();
  for (const Part& part : parts_) {
    size += part.text.size() + lines_[part.column][row[part.column]].size();
  }
  std::string text;
  text.reserve(size);
  for (const Part& part : parts_) {
    text += part.text;
    text += lines_[part.column][row[part.column]];
  }
  text += rest_;
  return MakeRunIdOfText(text, digests_);
}

}  // namespace sft::spec
