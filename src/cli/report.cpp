#include "report/report.hpp"

#include "analysis/profile.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/side.hpp"
#include "report/diff.hpp"
#include "report/sweep_file.hpp"
#include "util/output.hpp"

namespace zoometer {
namespace {

/// "resnet50", without the path of a file or folder.
std::string stem_of(std::string model) {
  while (model.size() > 1 && model.ends_with('/')) model.pop_back();
  return model.substr(model.find_last_of('/') + 1);
}

/// A page and the name of its file in the current folder.
struct Page {
  std::string text;
  std::string usual_output;
};

Page model_page(const SideWords& words, const std::string& model) {
  const LoadedSide side(words, model);
  return {find_report("html")->write(side.report_input(), {}), stem_of(side.loaded.name) + ".html"};
}

Page diff_page(const SideWords& words, const std::string& model, const std::string& other) {
  const LoadedSide before(words, model);
  const LoadedSide after(words, other);
  const Diff difference = diff({before.graph, before.profile}, {after.graph, after.profile});
  const ReportInput report_before = before.report_input();
  const ReportInput report_after = after.report_input();
  return {diff_html({report_before, report_after, difference}, {}),
          stem_of(before.loaded.name) + "_" + stem_of(after.loaded.name) + ".html"};
}

Page sweep_page(const std::string& file) {
  const std::optional<SweepTable> table = read_sweep(file);
  if (!table) {
    Error error(ErrorCode::malformed, "not a sweep: it has no rows");
    error.place.model = file;
    throw error;
  }
  return {sweep_html(table->columns, table->rows), stem_of(file) + ".html"};
}

int run_report(const CommandLine& words) {
  Arguments arguments("report",
                      "Write an offline page that shows in a browser what a model costs.");
  std::string model;
  std::string other;
  std::string sweep;
  arguments.positional("model", model,
                       "A model's name, a file, torchvision:NAME or python:MODULE:FUNCTION", false);
  arguments.positional("other", other, "A second model: the page shows what differs", false);
  SideWords both;
  both.add_to(arguments);
  std::string output;
  arguments.option("--sweep", sweep, "Show the rows of a sweep instead of a model", "FILE");
  arguments.option("--output,-o", output, "The file to write, - for stdout (MODEL.html)", "FILE");
  arguments.footer("Examples:\n"
                   "  zoometer report resnet50 -o resnet50.html\n"
                   "  zoometer report before.onnx after.onnx -o diff.html\n"
                   "  zoometer report --sweep zoo.csv -o zoo.html");
  if (!arguments.parse(join_shape_words(words))) return exit_done;
  format_of_ending(output, {"html"});  // refuses those of other formats
  if (model.empty() == sweep.empty())
    throw Error(ErrorCode::usage, "report takes a model, two models, or --sweep FILE");

  const Page page = !sweep.empty()  ? sweep_page(sweep)
                    : other.empty() ? model_page(both, model)
                                    : diff_page(both, model, other);
  if (output.empty()) output = page.usual_output;
  write_output(output, page.text);
  if (output != "-") write_note("wrote " + output);
  return exit_done;
}

}  // namespace

extern constinit const Command report_command = {
    "report", "write a page that shows in a browser what a model costs", run_report, 6};

}  // namespace zoometer
