#include "experiments/report_pictures.h"

#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "experiments/command_line.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/page/page.h"
#include "harness/page/page_data.h"
#include "harness/page/terminal_plot.h"

namespace sft::experiments {
namespace {

constexpr size_t kUsualColumns = 80;
constexpr size_t kPlotRows = 10;
constexpr int kNoModule = 3;
constexpr int kNoProgram = 127;

// The installation's Python, or another one that is named.
std::string FigurePython() {
  const char* named = std::getenv("SFTBENCH_PYTHON");
  if (named != nullptr && named[0] != '\0') return named;
  return SFTBENCH_SOURCE_DIR "/.venv/bin/python";
}

size_t TerminalColumns() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  return kUsualColumns;
}

// The exit status of a program that is given these words and no shell.
absl::StatusOr<int> RunWords(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, arguments[0], nullptr, nullptr,
                                 arguments.data(), environ);
  if (error != 0) return error == ENOENT ? kNoProgram : 128 + error;
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return FileError(words[0], "is lost", errno);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

absl::Status WriteFigures(const page::PictureInput& input,
                          const std::string& folder) {
  SFT_RETURN_IF_ERROR(MakeFolders(folder));
  SFT_RETURN_IF_ERROR(WriteFileAtomically(
      folder + "/pictures.json",
      formats::JsonText(page::PicturesToJson(input), 1) + "\n"));
  const std::string python = FigurePython();
  // -B: the installation's folder may belong to another.
  const std::string run =
      "import sys\n"
      "sys.path.insert(0, sys.argv[2])\n"
      "try:\n"
      "  from sftbench import figures\n"
      "except ImportError:\n"
      "  sys.exit(3)\n"
      "figures.main(sys.argv[1])\n";
  SFT_ASSIGN_OR_RETURN(const int status,
                       RunWords({python, "-B", "-c", run, folder,
                                 SFTBENCH_SOURCE_DIR "/python"}));
  if (status == 0) return absl::OkStatus();
  if (status == kNoModule || status == kNoProgram) {
    return absl::FailedPreconditionError(absl::StrCat(
        python,
        status == kNoProgram ? ": is not there"
                             : ": has not all of matplotlib, h5py and pandas",
        "; ./setup.sh installs it, or name another Python in SFTBENCH_PYTHON"));
  }
  return absl::InternalError(
      absl::StrCat(python, ": could not draw ", folder,
                   "/pictures.json: it ended with status ", status));
}

std::string PlotsOfReport(const page::PictureInput& input) {
  std::string out;
  for (const page::PictureRow& row : page::AllPictures()) {
    for (const page::Picture& picture : row.draw(input)) {
      const std::string plot =
          page::TerminalPlot(picture, TerminalColumns(), kPlotRows);
      if (!plot.empty()) absl::StrAppend(&out, out.empty() ? "" : "\n", plot);
    }
  }
  if (out.empty()) out = "There is nothing to plot: no run has trained.\n";
  return out;
}

}  // namespace

void DeclarePictures(CLI::App& app, PictureFlags& flags) {
  app.add_option("--figures", flags.figures,
                 "draw each picture into this folder, as SVG and PDF")
      ->type_name("FOLDER");
  app.add_flag("--plots", flags.plots, "small curves instead of tables");
}

absl::StatusOr<std::optional<std::string>> PicturesOfReport(
    const analysis::Report& report, const std::string& path,
    const PictureFlags& flags, bool is_page) {
  std::optional<std::string> text;
  if (flags.figures.empty() && !flags.plots && !is_page) return text;
  SFT_ASSIGN_OR_RETURN(const page::LossCurves curves,
                       page::ReadLossCurves(path));
  const std::vector<analysis::Table> tables = analysis::MoreTables(report);
  const page::PictureInput input{report, tables, curves};
  if (!flags.figures.empty()) {
    SFT_RETURN_IF_ERROR(WriteFigures(input, flags.figures));
    text = "";
  } else if (flags.plots) {
    text = PlotsOfReport(input);
  } else {
    text = page::RenderPage(input);
  }
  return text;
}

}  // namespace sft::experiments
