#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "analysis/explanation.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/load.hpp"
#include "util/json_writer.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

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

/// The costs by operator, and the total; `exact` writes all digits.
TextTable table_of(const Explanation& explanation, bool exact) {
  TextTable table;
  table.column("operator");
  table.column("count", true);
  table.column("MACs", true);
  // On a narrow terminal the last tools are left out first.
  int drop = 0;
  for (const Convention* column : explanation.columns) table.column(column->name, true, ++drop);
  const auto add = [&](const ExplainedOperator& entry) {
    const auto figure = [&](std::int64_t value) {
      return exact ? std::to_string(value) : cell(value);
    };
    std::vector<std::string> cells = {escape_controls(entry.name), std::to_string(entry.count),
                                      figure(entry.macs)};
    for (const std::int64_t cost : entry.costs) cells.push_back(figure(cost));
    table.row(std::move(cells));
  };
  for (const ExplainedOperator& entry : explanation.operators) add(entry);
  add(explanation.total);
  return table;
}

/// What each tool counts besides the products, in lines of at most `width` columns; 0: any.
void append_differences(std::string& text, const LoadedModel& model, const Explanation& explanation,
                        std::size_t width) {
  const auto paragraph = [&](std::string_view line, std::size_t indent) {
    text += wrapped(line, width, indent) + "\n";
  };
  for (std::size_t i = 0; i < explanation.columns.size(); ++i) {
    const Convention& column = *explanation.columns[i];
    text += '\n';
    paragraph(fmt::format("{}: {} = {} x {} MACs{}", column.name, cell(explanation.total.costs[i]),
                          column.per_mac, cell(explanation.total.macs),
                          explanation.differences[i].empty() ? ", and nothing else" : ""),
              2);
    for (const std::string& difference : explanation.differences[i])
      paragraph("  " + escape_controls(difference), 4);
  }
  for (const std::string& note : model.notes) {
    text += '\n';
    paragraph("note: " + escape_controls(note), 6);
  }
}

/// The widest line of the table of all columns.
std::size_t full_width(const Explanation& explanation, std::size_t name_width) {
  return name_width + 20 + 12 * explanation.columns.size();
}

std::string write_text(const LoadedModel& model, const Explanation& explanation, int width_limit) {
  std::string text = escape_controls(model.name) + ": one graph, counted by each tool's rules\n\n";
  auto out = std::back_inserter(text);
  std::size_t width = 8;
  for (const ExplainedOperator& entry : explanation.operators)
    width = std::max(width, std::min(display_width(entry.name), longest_cell));
  const bool is_narrow =
      width_limit > 0 && full_width(explanation, width) > static_cast<std::size_t>(width_limit);
  if (is_narrow) {
    text += table_of(explanation, false).text(width_limit, false);
    append_differences(text, model, explanation, static_cast<std::size_t>(width_limit));
    return text;
  }
  fmt::format_to(out, "{:<{}}  {:>6} {:>11}", "operator", width, "count", "MACs");
  for (const Convention* column : explanation.columns) fmt::format_to(out, " {:>11}", column->name);
  fmt::format_to(out, "\n{:<{}}  {:>6} {:>11}", "", width, "", "");
  for (const Convention* column : explanation.columns) fmt::format_to(out, " {:>11}", column->unit);
  text += '\n';
  for (const ExplainedOperator& entry : explanation.operators) write_row(text, entry, width);
  write_row(text, explanation.total, width);
  append_differences(text, model, explanation, 0);
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
  FormatWords out(table_formats({"text", "json"}));
  out.add_to(arguments);
  if (!arguments.parse(join_shape_words(words))) return exit_done;
  out.settle();

  Graph graph;
  const LoadedModel loaded = load_model(model, graph);
  const Explanation explanation = explain(graph);
  if (const auto text = table_of(explanation, out.is("csv")).written_as(out.format())) {
    write_output(out.output(), *text);
  } else {
    const int width = out.is_for_terminal() ? terminal_width() : 0;
    write_output(out.output(), out.is("json") ? write_json(loaded, explanation)
                                              : write_text(loaded, explanation, width));
  }
  return exit_done;
}

}  // namespace

extern constinit const Command explain_command = {"explain", "show why tools disagree on a model",
                                                  run_explain, 5};

}  // namespace zoometer
