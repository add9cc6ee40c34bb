#include "report/explanation.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "util/json_writer.hpp"
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

/// What each tool counts besides the products, in lines of at most `width` columns; 0: any.
void append_differences(std::string& text, const ExplanationReport& report, std::size_t width) {
  const Explanation& explanation = report.explanation;
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
  for (const std::string& note : report.notes) {
    text += '\n';
    paragraph("note: " + escape_controls(note), 6);
  }
}

/// The widest line of the table of all columns.
std::size_t full_width(const Explanation& explanation, std::size_t name_width) {
  return name_width + 20 + 12 * explanation.columns.size();
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

}  // namespace

TextTable explanation_table(const Explanation& explanation, bool exact) {
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

std::string explanation_text(const ExplanationReport& report, int width) {
  const Explanation& explanation = report.explanation;
  std::string text =
      escape_controls(report.model) + ": one graph, counted by each tool's rules\n\n";
  auto out = std::back_inserter(text);
  std::size_t name_width = 8;
  for (const ExplainedOperator& entry : explanation.operators)
    name_width = std::max(name_width, std::min(display_width(entry.name), longest_cell));
  const bool is_narrow =
      width > 0 && full_width(explanation, name_width) > static_cast<std::size_t>(width);
  if (is_narrow) {
    text += explanation_table(explanation, false).text(width, false);
    append_differences(text, report, static_cast<std::size_t>(width));
    return text;
  }
  fmt::format_to(out, "{:<{}}  {:>6} {:>11}", "operator", name_width, "count", "MACs");
  for (const Convention* column : explanation.columns) fmt::format_to(out, " {:>11}", column->name);
  fmt::format_to(out, "\n{:<{}}  {:>6} {:>11}", "", name_width, "", "");
  for (const Convention* column : explanation.columns) fmt::format_to(out, " {:>11}", column->unit);
  text += '\n';
  for (const ExplainedOperator& entry : explanation.operators) write_row(text, entry, name_width);
  write_row(text, explanation.total, name_width);
  append_differences(text, report, 0);
  return text;
}

std::string explanation_json(const ExplanationReport& report) {
  const Explanation& explanation = report.explanation;
  JsonWriter json;
  json.object([&] {
    json.field("schema", "zoometer.explanation/1");
    json.field("model", report.model);
    json.field("source", report.source);
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

}  // namespace zoometer
