#include "analysis/profile.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/load.hpp"
#include "report/fvcore_table.hpp"
#include "report/report.hpp"
#include "util/output.hpp"

namespace zoometer {
namespace {

int run_table(const CommandLine& words) {
  Arguments arguments("table", "Print fvcore's flop_count_table of a model, to the byte.");
  ModelWords model;
  model.add_to(arguments);
  ReportOptions options;
  FormatWords out(table_formats({"text"}));
  arguments.option("--max-depth,-d", options.depth, "Levels of the module tree (3); all for -1",
                   "N");
  out.add_to(arguments);
  if (!arguments.parse(join_shape_words(words))) return exit_done;
  out.settle();

  Graph graph;
  const LoadedModel loaded = load_model(model, graph);
  const Convention* fvcore = find_convention("fvcore");
  const Profile metrics = profile(graph, fvcore);
  const ReportInput input{graph,          metrics, loaded.name, loaded.source,
                          loaded.variant, fvcore,  loaded.notes};
  write_output(out.output(), out.is("text")
                                 ? find_report("table")->write(input, options)
                                 : *fvcore_text_table(input, options).written_as(out.format()));
  return exit_done;
}

}  // namespace

extern constinit const Command table_command = {"table", "print fvcore's table of a model",
                                                run_table, 3};

}  // namespace zoometer
