#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "analysis/explanation.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/load.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

std::string cell(std::int64_t value) { return value == 0 ? "-" : format_count(value); }

void write_row(std::string& text, const ExplainedOperator& entry, std::size_t width) {
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{}  {:>6} {:>11}", pad_right(escape_controls(entry.name), width),
                 entry.count, cell(entry.macs));
  for (const std::int64_t cost : entry.costs) fmt::format_to(out, " {:>11}", cell(cost));
  text += '\n';
}

std::string write_text(const LoadedModel& model, const Explanation& explanation) {
  std::string text = escape_controls(model.name) + ": one graph, counted by each tool's rules\n\n";
  auto out = std::back_inserter(text);
  std::size_t width = 8;
  for (const ExplainedOperator& entry : explanation.operators)
    width = std::max(width, display_width(entry.name));
  fmt::format_to(out, "{:<{}}  {:>6} {:>11}", "operator", width, "count", "MACs");
  for (const Convention* column : explanation.columns) fmt::format_to(out, " {:>11}", column->name);
  fmt::format_to(out, "\n{:<{}}  {:>6} {:>11}", "", width, "", "");
  for (const Convention* column : explanation.columns) fmt::format_to(out, " {:>11}", column->unit);
  text += '\n';
  for (const ExplainedOperator& entry : explanation.operators) write_row(text, entry, width);
  write_row(text, explanation.total, width);
  for (std::size_t i = 0; i < explanation.columns.size(); ++i) {
    const Convention& column = *explanation.columns[i];
    fmt::format_to(out, "\n{}: {} = {} x {} MACs", column.name, cell(explanation.total.costs[i]),
                   column.per_mac, cell(explanation.total.macs));
    if (explanation.differences[i].empty()) text += ", and nothing else";
    text += '\n';
    for (const std::string& difference : explanation.differences[i]) {
      fmt::format_to(out, "  {}\n", escape_controls(difference));
    }
  }
  for (const std::string& note : model.notes)
    fmt::format_to(out, "\nnote: {}\n", escape_controls(note));
  return text;
}

void write_costs(JsonWriter& json, const Explanation& explanation, const ExplainedOperator& entry) {
  json.field("count", entry.count);
  json.field("macs", entry.macs);
  json.object("cost", [&] {
    for (std::size_t i = 0; i < explanation.columns.size(); ++i) {
      json.field(explanation.columns[i]->name, entry.costs[i]);
    }
  });
}

std::string write_json(const LoadedModel& model, const Explanation& explanation) {
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.explanation/1");
    json.field("model", model.name);
    json.field("source", model.source);
    json.array("operators", [&] {
      for (const ExplainedOperator& entry : explanation.operators) {
        json.object([&] {
          json.field("op", entry.name);
          write_costs(json, explanation, entry);
        });
      }
    });
    json.object("total", [&] { write_costs(json, explanation, explanation.total); });
    json.array("conventions", [&] {
      for (std::size_t i = 0; i < explanation.columns.size(); ++i) {
        const Convention& column = *explanation.columns[i];
        json.object([&] {
          json.field("name", column.name);
          json.field("unit", column.unit);
          json.field("per_mac", column.per_mac);
          json.field("summary", column.summary);
          json.field("source", column.source);
          json.array("differences", [&] {
            for (const std::string& difference : explanation.differences[i]) json.value(difference);
          });
        });
      }
    });
  });
  return json.text();
}

int run_explain(const CommandLine& words) {
  Arguments arguments(
      "explain", "Show why tools disagree on a model: operator by operator, one column per tool.");
  ModelWords model;
  model.add_to(arguments);
  std::string format = "text";
  std::string output;
  arguments.choice("--format,-f", format, {"text", "json"}, "The format");
  arguments.option("--output,-o", output, "Write to a file instead of standard output", "FILE");
  if (!arguments.parse(join_shape_words(words))) return exit_done;

  Graph graph;
  const LoadedModel loaded = load_model(model, graph);
  const Explanation explanation = explain(graph);
  write_output(output, format == "json" ? write_json(loaded, explanation)
                                        : write_text(loaded, explanation));
  return exit_done;
}

}  // namespace

extern constinit const Command explain_command = {"explain", "show why tools disagree on a model",
                                                  run_explain, 5};

}  // namespace zoometer
