#include "report/module_table.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "analysis/roofline.hpp"
#include "report/shape_text.hpp"
#include "report/text_lines.hpp"
#include "util/embedded.hpp"
#include "util/text.hpp"
#include "util/to_integer.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// A row before it is text.
struct TableRow {
  std::string name = {}, type = {}, kernel = {}, input = {}, output = {};
  std::int64_t count = 1;
  Metrics metrics = {};
  double seconds = 0;
};

enum class ColumnKind : std::uint8_t { text, count, bytes, share, seconds };

/// A column: its name in options, its title, and its figure or text.
struct TableColumn {
  std::string_view name, title;
  ColumnKind kind;
  long double (*figure)(const TableRow& row) = nullptr;  ///< holds every whole number of 63 bits
  const std::string& (*text)(const TableRow& row) = nullptr;
  bool of_macs = false;  ///< as certain as the MACs
};

template <auto member>
long double metric_of(const TableRow& row) {
  return static_cast<long double>(row.metrics.*member);
}
template <auto member>
const std::string& text_of(const TableRow& row) {
  return row.*member;
}
long double traffic_of(const TableRow& row) {
  return static_cast<long double>(row.metrics.bytes_read) +
         static_cast<long double>(row.metrics.bytes_written);
}
long double count_of(const TableRow& row) { return static_cast<long double>(row.count); }
long double seconds_of(const TableRow& row) { return row.seconds; }

using enum ColumnKind;

constexpr TableColumn table_columns[] = {
    {"type", "type", text, nullptr, text_of<&TableRow::type>},
    {"kernel", "kernel", text, nullptr, text_of<&TableRow::kernel>},
    {"input", "input", text, nullptr, text_of<&TableRow::input>},
    {"output", "output", text, nullptr, text_of<&TableRow::output>},
    {"count", "count", count, count_of},
    {"params", "params", count, metric_of<&Metrics::parameters>},
    {"params%", "% params", share, metric_of<&Metrics::parameters>},
    {"macs", "MACs", count, metric_of<&Metrics::macs>, nullptr, true},
    {"macs%", "% MACs", share, metric_of<&Metrics::macs>, nullptr, true},
    {"flops", "FLOPs", count, metric_of<&Metrics::flops>},
    {"flops%", "% FLOPs", share, metric_of<&Metrics::flops>},
    {"cost", "cost", count, metric_of<&Metrics::cost>},
    {"activations", "activations", count, metric_of<&Metrics::activations>, nullptr, true},
    {"memory", "memory", bytes, traffic_of},
    {"memory%", "% memory", share, traffic_of},
    {"time", "time", seconds, seconds_of},
};

/// "params%" of "% params", "input" of "Input shape".
std::string plain_column(std::string_view word) {
  std::string plain;
  bool is_share = false;
  for (const char c : word) {
    if (c == '%') is_share = true;
    if (c == '%' || c == ' ' || c == '-' || c == '_') continue;
    plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  constexpr std::pair<std::string_view, std::string_view> others[] = {
      {"parameters", "params"}, {"inputshape", "input"},  {"outputshape", "output"},
      {"mem", "memory"},        {"kernelsize", "kernel"}, {"calls", "count"}};
  for (const auto& [other, name] : others) {
    if (plain == other) plain = name;
  }
  return is_share ? plain + "%" : plain;
}

const TableColumn& column_of(std::string_view word, std::string_view option) {
  const std::string plain = plain_column(word);
  for (const TableColumn& column : table_columns) {
    if (column.name == plain) return column;
  }
  Error error(ErrorCode::usage, std::string(option));
  std::string names;
  for (const std::string_view name : module_table_columns())
    names.append(names.empty() ? "" : ", ").append(name);
  error.detail = {"one of " + names, escape_controls(word)};
  const std::vector<std::string_view> candidates = module_table_columns();
  error.hint = did_you_mean(plain, candidates);
  throw error;
}

class ModuleTable {
 public:
  ModuleTable(const ReportInput& input, const ModuleTableOptions& options, int depth)
      : input_(input),
        options_(options),
        depth_(depth),
        graph_(input.graph),
        outputs_(input.graph) {
    choose_columns();
    if (std::ranges::any_of(columns_, [](auto* column) { return column->kind == seconds; }))
      time_modules();
  }

  TextTable table() {
    options_.is_flat() ? add_flat_rows() : add_tree_rows();
    if (!options_.sort.empty()) sort_rows();
    if (options_.top && static_cast<std::size_t>(*options_.top) < rows_.size())
      rows_.resize(static_cast<std::size_t>(*options_.top));
    TextTable table;
    table.column(options_.group_by.empty() ? "module" : options_.group_by);
    for (const TableColumn* column : columns_)
      table.column(column->title, column->kind != text, drop_of(*column));
    for (const TableRow& row : rows_) table.row(cells_of(row));
    TableRow total{
        .name = "total", .metrics = input_.profile.total, .seconds = seconds_of_module(0)};
    table.row(cells_of(total));
    return table;
  }

 private:
  void choose_columns() {
    std::vector<std::string> words = options_.columns;
    if (words.empty()) {
      words = {"params", "macs", "macs%", "flops", "memory"};
      if (options_.group_by.empty()) words.insert(words.begin(), {"type", "output"});
      if (!options_.group_by.empty()) words.insert(words.begin(), "count");
      if (input_.convention != nullptr) words.emplace_back("cost");
      const bool is_shown = options_.sort.empty() ||
                            std::ranges::find(words, plain_column(options_.sort)) != words.end();
      if (!is_shown) words.push_back(options_.sort);
    }
    const std::string_view option = options_.columns.empty() ? "--sort" : "--columns";
    for (const std::string& word : words) columns_.push_back(&column_of(word, option));
  }

  /// When a narrow terminal has no room for a column. Columns that the user named stay.
  int drop_of(const TableColumn& column) const {
    if (!options_.columns.empty() || column.name == plain_column(options_.sort)) return 0;
    constexpr std::string_view least_first[] = {"output", "type", "memory", "flops", "macs%"};
    const auto* place = std::ranges::find(least_first, column.name);
    return static_cast<int>(std::end(least_first) - place);
  }

  /// The least time of each module on an A100.
  void time_modules() {
    const std::string path = "data/hardware/a100.toml";
    const Device device = parse_device(embedded_file(path), path);
    const Workload workload = workload_of(graph_, {});
    if (lacking_type(graph_, workload, device)) return;
    roofline_ = roofline_of(graph_, workload, device);
  }
  double seconds_of_module(ModuleId id) const {
    return id < roofline_.modules.size() ? roofline_.modules[id].seconds : 0;
  }

  std::string shapes_of(std::span<const ValueId> values) const {
    constexpr std::size_t most = 3;
    std::string shapes;
    for (std::size_t i = 0; i < std::min(values.size(), most); ++i)
      shapes += (i > 0 ? ", " : "") + shape_text(graph_, values[i]);
    return values.size() > most ? shapes + fmt::format(", +{}", values.size() - most) : shapes;
  }

  /// The first operand of the module's first operator, and the sizes of its kernel.
  void find_inputs() {
    first_inputs_.assign(graph_.modules().size(), no_id);
    for (const ModuleCall& call : graph_.calls()) {
      if (first_inputs_[call.module] != no_id || call.first_node >= call.end_node) continue;
      const auto inputs = graph_.inputs_of(graph_.nodes()[call.first_node]);
      if (!inputs.empty()) first_inputs_[call.module] = inputs[0];
    }
    kernels_.resize(graph_.modules().size());
    for (const Parameter& parameter : graph_.parameters()) {
      const Shape& shape = graph_.shape(parameter.value);
      if (shape.rank() < 3 || !kernels_[parameter.module].empty()) continue;
      std::string& kernel = kernels_[parameter.module];
      for (std::int64_t i = 2; i < shape.rank(); ++i)
        kernel += (i > 2 ? "x" : "") + std::to_string(shape.dim(i));
    }
  }

  TableRow row_of(ModuleId id) {
    if (first_inputs_.empty()) find_inputs();
    const ModuleInfo& module = graph_.modules()[id];
    TableRow row;
    row.name = id == 0 ? module.kind : graph_.module_path(id);
    row.type = module.kind;
    row.kernel = kernels_[id];
    if (first_inputs_[id] != no_id) row.input = shape_text(graph_, first_inputs_[id]);
    row.output = shapes_of(outputs_.of_first(id));
    row.count = input_.profile.calls[id];
    row.metrics = input_.profile.modules[id];
    row.seconds = seconds_of_module(id);
    return row;
  }

  void add_tree_rows() {
    for (const ModuleId id : graph_.modules_in_order()) {
      if (depth_of(graph_, id) <= depth_) rows_.push_back(row_of(id));
    }
  }

  /// What modules compute themselves: leaf modules everything, others what their children do not.
  std::vector<TableRow> own_rows() {
    std::vector<std::vector<ModuleId>> children(graph_.modules().size());
    for (ModuleId id = 1; id < children.size(); ++id)
      children[graph_.modules()[id].parent].push_back(id);
    std::vector<TableRow> rows;
    for (const ModuleId id : graph_.modules_in_order()) {
      TableRow row = row_of(id);
      for (const ModuleId child : children[id]) take_away(row, child);
      const Metrics& own = row.metrics;
      const bool has_any =
          own.flops > 0 || own.macs > 0 || own.bytes_written > 0 || own.parameters > 0;
      if (!children[id].empty() && !has_any) continue;
      if (!children[id].empty()) row.name += " (itself)";
      rows.push_back(std::move(row));
    }
    return rows;
  }

  void take_away(TableRow& row, ModuleId child) const {
    const Metrics& part = input_.profile.modules[child];
    Metrics& whole = row.metrics;
    const auto less = [](std::int64_t& figure, std::int64_t other) {
      figure = figure > other ? figure - other : 0;
    };
    less(whole.parameters, part.parameters);
    less(whole.macs, part.macs);
    less(whole.flops, part.flops);
    less(whole.cost, part.cost);
    less(whole.activations, part.activations);
    less(whole.bytes_read, part.bytes_read);
    less(whole.bytes_written, part.bytes_written);
    row.seconds = std::max(0.0, row.seconds - seconds_of_module(child));
  }

  void add_flat_rows() {
    if (options_.group_by == "operator") {
      for (const OperatorMetrics& each : input_.profile.operators) {
        TableRow& row = rows_.emplace_back();
        row.name = each.name;
        row.count = each.count;
        row.metrics = each.metrics;
      }
      return;
    }
    rows_ = own_rows();
    if (options_.group_by.empty()) return;
    std::map<std::string, TableRow> groups;
    std::vector<std::string> order;
    for (TableRow& row : rows_) {
      const std::string key =
          options_.group_by == "type" ? row.type : row.name.substr(row.name.rfind('.') + 1);
      auto [place, is_new] = groups.try_emplace(key);
      if (is_new) order.push_back(key);
      TableRow& group = place->second;
      group.name = key;
      group.count = is_new ? 1 : group.count + 1;
      group.metrics += row.metrics;
      group.seconds += row.seconds;
    }
    rows_.clear();
    for (const std::string& key : order) rows_.push_back(std::move(groups[key]));
  }

  void sort_rows() {
    const TableColumn& key = column_of(options_.sort, "--sort");
    const bool up = options_.ascending;
    std::ranges::stable_sort(rows_, [&](const TableRow& a, const TableRow& b) {
      const TableRow& first = up ? a : b;
      const TableRow& second = up ? b : a;
      if (key.kind == text) return natural_less(key.text(first), key.text(second));
      return key.figure(first) < key.figure(second);
    });
  }

  std::string figure_text(long double figure, bool is_bytes) const {
    const auto whole = to_integer<std::int64_t>(figure);
    switch (options_.units) {
    case FigureUnits::exact: return std::to_string(whole);
    case FigureUnits::mega:
      return is_bytes ? fmt::format("{:.3f} MiB", figure / 0x1p20)
                      : fmt::format("{:.3f} M", figure / 1e6);
    case FigureUnits::giga:
      return is_bytes ? fmt::format("{:.3f} GiB", figure / 0x1p30)
                      : fmt::format("{:.3f} G", figure / 1e9);
    case FigureUnits::four_digits: break;
    }
    return is_bytes ? format_bytes(whole) : format_count(whole);
  }

  std::string cell_of(const TableColumn& column, const TableRow& row) const {
    if (column.kind == text) return escape_controls(column.text(row));
    const long double figure = column.figure(row);
    const Certainty certainty = column.name == "count" || column.name.starts_with("params")
                                    ? Certainty::exact
                                : column.of_macs ? certainty_of_macs(row.metrics)
                                                 : certainty_of(row.metrics);
    if (column.kind == seconds)
      return figure > 0 ? marked(format_seconds(static_cast<double>(figure)), certainty) : "-";
    if (column.kind == share) {
      const TableRow whole{.metrics = input_.profile.total};
      return figure > 0 ? format_share(static_cast<double>(figure),
                                       static_cast<double>(column.figure(whole)))
                        : "-";
    }
    const bool is_exact = options_.units == FigureUnits::exact;
    if (figure <= 0 && !is_exact) return "-";
    return marked(figure_text(figure, column.kind == bytes), certainty);
  }

  std::vector<std::string> cells_of(const TableRow& row) const {
    std::vector<std::string> cells = {escape_controls(row.name)};
    for (const TableColumn* column : columns_) cells.push_back(cell_of(*column, row));
    return cells;
  }

  const ReportInput& input_;
  const ModuleTableOptions& options_;
  int depth_;
  const Graph& graph_;
  CallOutputs outputs_;
  Roofline roofline_{};
  std::vector<ValueId> first_inputs_;
  std::vector<std::string> kernels_;
  std::vector<const TableColumn*> columns_;
  std::vector<TableRow> rows_;
};

}  // namespace

std::vector<std::string_view> module_table_columns() {
  std::vector<std::string_view> names;
  for (const TableColumn& column : table_columns) names.push_back(column.name);
  return names;
}

TextTable module_table(const ReportInput& input, const ModuleTableOptions& options, int depth) {
  return ModuleTable(input, options, depth).table();
}

}  // namespace zoometer
