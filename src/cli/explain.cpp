#include "report/explanation.hpp"

#include <utility>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/load.hpp"
#include "util/output.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

int run_explain(const CommandLine& words) {
  Arguments arguments(
      "explain", "Show why tools disagree on a model: operator by operator, one column per tool.");
  ModelWords model;
  model.add_to(arguments);
  FormatWords out(table_formats({"text", "json"}));
  out.add_to(arguments);
  if (!arguments.parse(join_shape_words(words))) return exit_done;
  out.settle();

  Graph graph;
  LoadedModel loaded = load_model(model, graph);
  const Explanation explanation = explain(graph);
  const ExplanationReport report{explanation, loaded.name, loaded.source, std::move(loaded.notes)};
  if (const auto text = explanation_table(explanation, out.is("csv")).written_as(out.format())) {
    out.write(*text);
  } else {
    out.write(out.is("json") ? explanation_json(report) : explanation_text(report, out.width()));
  }
  return exit_done;
}

}  // namespace

extern constinit const Command explain_command = {"explain", "show why tools disagree on a model",
                                                  run_explain, 5};

}  // namespace zoometer
