#include "report/report.hpp"
#include "analysis/profile.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/load.hpp"
#include "util/output.hpp"

namespace zoometer {
namespace {

/// "resnet50.html": in the current folder, whatever the model's path.
std::string default_output(const std::string& model) {
  return model.substr(model.find_last_of('/') + 1) + ".html";
}

int run(const std::vector<std::string>& words) {
  Arguments arguments("report", "Write a page that shows a model's cost in a browser, offline.");
  ModelWords model;
  model.add_to(arguments);
  std::string output;
  arguments.option("--output,-o", output,
                   "The file to write: MODEL.html if not given, - for stdout", "FILE");
  arguments.footer("Example:\n  zoometer report resnet50 -o resnet50.html");
  arguments.parse(join_shape_words(words));

  Graph graph;
  const LoadedModel loaded = load_model(model, graph);
  const Profile figures = profile(graph);
  const ReportInput input{graph,          figures, loaded.name, loaded.source,
                          loaded.variant, nullptr, loaded.notes};
  if (output.empty()) output = default_output(loaded.name);
  write_output(output, find_report("html")->write(input, {}));
  if (output != "-") write_note("wrote " + output);
  return exit_done;
}

}  // namespace

extern constinit const Command report_command = {
    "report", "write a page that shows a model's cost in a browser", run, 6};

}  // namespace zoometer
