#include <fmt/core.h>

#include "report/html.hpp"
#include "report/sweep_file.hpp"
#include "util/json_writer.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

std::string_view unit_of(const SweepColumn& column) {
  if (column.total == nullptr) return column.type == SweepColumn::Type::text ? "text" : "count";
  switch (column.total->unit) {
  case MetricUnit::bytes: return "bytes";
  case MetricUnit::count: return "count";
  default: return "ratio";
  }
}

void write_cell(JsonWriter& json, const SweepColumn& column, const std::string& cell) {
  if (cell.empty()) {
    json.null();
  } else if (column.type == SweepColumn::Type::text) {
    json.value(cell);
  } else {
    json.number(cell);
  }
}

}  // namespace

std::string sweep_html(const SweepColumns& columns, const std::vector<SweepRow>& rows) {
  JsonWriter json;
  json.object([&] {
    json.array("columns", [&] {
      for (const SweepColumn& column : columns.list()) {
        json.object([&] {
          json.field("name", column.name);
          json.field("unit", unit_of(column));
          json.field("summary", column.summary);
        });
      }
    });
    json.array("rows", [&] {
      for (const SweepRow& row : rows) {
        json.array([&] {
          for (std::size_t i = 0; i < row.size(); ++i) write_cell(json, columns.list()[i], row[i]);
        });
      }
    });
  });
  return html_page("Sweep", fmt::format(R"({{"program":"zoometer {}","sweep":{}}})",
                                        ZOOMETER_VERSION, json.text()));
}

}  // namespace zoometer
