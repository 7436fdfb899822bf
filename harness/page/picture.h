// A picture as a value: what stands where, in the units of its axes. Nothing
// here draws. The page, matplotlib and the terminal draw all pictures alike, so
// that a number is computed once and no drawer can say another one.
#ifndef HARNESS_PAGE_PICTURE_H_
#define HARNESS_PAGE_PICTURE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/report.h"

namespace sft::page {

struct PictureAxis {
  std::string label;  // with its unit
  bool is_log = false;
};

// What is of one method has one colour, what is batched alike one dash.
struct PictureLook {
  std::string colour;
  std::string dash;
};

struct PictureLine {
  std::string label;
  PictureLook look;
  std::vector<double> x_N, y_N;
};

struct PicturePoint {
  std::string label;
  PictureLook look;
  double x = 0, y = 0;
  std::optional<analysis::Interval> x_interval = {}, y_interval = {};
  bool is_marked = false;  // what the caption says of it
  std::string text = {};   // stands beside it
};

// As a polygon.
struct PictureEllipse {
  PictureLook look;
  std::vector<double> x_N, y_N;
};

// A line across the plot at x.
struct PictureLevel {
  std::string label;
  double x = 0;
};

// A row of a forest: a difference, its interval, and what could be detected.
struct ForestRow {
  std::string label;
  PictureLook look;
  double value = 0;
  std::optional<analysis::Interval> interval = {};
  std::optional<double> detectable = {};
  std::string verdict;
};

struct BarRow {
  std::string label;
  PictureLook look;
  std::vector<std::optional<double>> values;  // one a part
};

// Of these, one kind is not empty: lines and points, forest, bars, or heat.
struct Picture {
  std::string title;
  std::string caption;
  PictureAxis x, y;
  std::vector<PictureLine> lines = {};
  std::vector<PicturePoint> points = {};
  std::vector<PictureEllipse> ellipses = {};
  std::vector<PictureLevel> levels = {};

  std::vector<ForestRow> forest = {};

  std::vector<std::string> bar_parts = {};
  std::vector<BarRow> bars = {};
  bool is_stacked = false;

  std::vector<std::string> heat_rows = {}, heat_columns = {};
  std::vector<std::vector<std::optional<double>>> heat = {};  // [rows][columns]
};

// The losses of a run: means over as many steps as make the curve short.
struct LossCurve {
  std::vector<double> step_N, loss_N;
};
using LossCurves = std::map<std::string, LossCurve>;  // by run id

struct PictureInput {
  const analysis::Report& report;
  const std::vector<analysis::Table>& tables;  // MoreTables
  const LossCurves& curves;
};

// A row of AllPictures(): file, name of what `needs` says a store must hold.
struct PictureRow {
  std::string name;  // of files: "loss"
  std::string title;
  std::string needs;
  std::vector<Picture> (*draw)(const PictureInput& input);
};
const std::vector<PictureRow>& AllPictures();

// Parts that pictures share.
PictureLook LookOf(const analysis::ResultCell& cell);
std::string LabelOf(const analysis::Results& results, size_t cell);
// "sst2 accuracy (0-1, higher is better)".
std::string AxisLabel(const std::string& task, const MetricRecord& metric);
// Mean over the runs of a cell that are ok and have the value.
std::optional<double> MeanOf(
    const analysis::Results& results, size_t cell,
    const std::function<std::optional<double>(const record::RunRecord& record)>&
        value);
// Cells worth a line of their own: the selected ones where there are some.
std::vector<size_t> ShownCells(const analysis::Results& results);
// The first of these, as many as one can read; the caption says so.
std::vector<size_t> DrawnCells(const analysis::Results& results,
                               Picture& picture);
// By its key; nullptr where there is none.
const analysis::TableCell* CellAt(const analysis::Table& table, size_t row,
                                  const std::string& key);
// Of the further tables; nullptr where it has no row.
const analysis::Table* TableWithRows(const PictureInput& input,
                                     const std::string& name);

}  // namespace sft::page

#endif  // HARNESS_PAGE_PICTURE_H_
