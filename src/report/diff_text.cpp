#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "report/diff.hpp"
#include "report/shape_text.hpp"
#include "report/text_lines.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

constexpr int usual_diff_depth = 2;
constexpr std::size_t diff_bar_cells = 10;
using terminal::bold;
using terminal::dim;
using terminal::green;
using terminal::red;
using terminal::yellow;

std::string_view mark_of(const ModuleDiff& module) {
  switch (module.state) {
  case ModuleState::added: return "+";
  case ModuleState::removed: return "-";
  case ModuleState::changed: return "~";
  case ModuleState::same: return module.renamed || module.moved ? ">" : "";
  }
  return "";
}

std::string_view style_of(const ModuleDiff& module) {
  switch (module.state) {
  case ModuleState::added: return green;
  case ModuleState::removed: return red;
  case ModuleState::changed: return yellow;
  case ModuleState::same: return module.renamed || module.moved ? yellow : std::string_view{};
  }
  return {};
}

/// "+135.2 M"; empty if nothing changed.
std::string change_text(MetricUnit unit, long double change) {
  if (change == 0) return {};
  return (change > 0 ? "+" : "") + format_figure(unit, change);
}

std::string percent_text(long double before, long double after) {
  const std::optional<double> relative = relative_change(before, after);
  if (before == after) return {};
  return relative ? fmt::format("{:+.1f}%", *relative * 100) : "new";
}

class TextDiff : TextLines {
 public:
  TextDiff(const DiffInput& input, const ReportOptions& options)
      : TextLines(options.colour),
        input_(input),
        options_(options),
        before_{input.before.graph, input.before.profile},
        after_{input.after.graph, input.after.profile} {}

  std::string write() {
    write_side("before", input_.before);
    write_side("after", input_.after);
    text_ += '\n';
    write_totals();
    write_modules();
    write_operators();
    write_counts();
    return wrapped_lines(text_, static_cast<std::size_t>(options_.width));
  }

 private:
  void write_side(std::string_view title, const ReportInput& side) {
    std::string source = side.source;
    if (!side.variant.empty()) source += ", " + side.variant;
    std::string inputs;
    for (const Port& port : side.graph.inputs()) {
      inputs +=
          fmt::format("{}{} {} {}", inputs.empty() ? "" : ", ", escape_controls(port.name),
                      shape_text(side.graph, port.value), name_of(side.graph.dtype(port.value)));
    }
    line("{:<7} {}  ({})  {}", title, styled(bold, escape_controls(side.model)),
         escape_controls(source), inputs);
    for (const std::string& note : side.notes) line("        {}", escape_controls(note));
  }

  /// The figures that are always shown, and those that differ.
  void write_totals() {
    const Totals before = totals_of(before_.graph, before_.profile);
    const Totals after = totals_of(after_.graph, after_.profile);
    TextTable table;
    for (const std::string_view title : {"total", "before", "after", "change", ""})
      table.column(title, title != "total");
    for (const TotalsField& field : totals_fields()) {
      const long double was = field.value(before);
      const long double is = field.value(after);
      if (was == is && field.name != "parameters" && field.name != "macs") continue;
      table.row({std::string(field.name), format_figure(field.unit, was),
                 format_figure(field.unit, is), change_text(field.unit, is - was),
                 percent_text(was, is)});
    }
    text_ += table.text(options_.width, options_.colour);
    text_ += '\n';
  }

  int deepest() const { return depth_limit(options_, usual_diff_depth); }

  bool is_shown(const ModuleDiff& module) const {
    return module.depth <= deepest() && (input_.show_all || module.holds_changes);
  }

  const Graph& graph_of(const ModuleDiff& module) const {
    return module.after != no_id ? after_.graph : before_.graph;
  }
  const ModuleInfo& info_of(const ModuleDiff& module) const {
    return graph_of(module).modules()[module.after != no_id ? module.after : module.before];
  }

  /// The name, the former name, and "+" if changes below are not shown.
  std::string name_text(const ModuleDiff& module, bool has_more) const {
    const ModuleInfo& info = info_of(module);
    std::string text(static_cast<std::size_t>(module.depth) * 2, ' ');
    text += escape_controls(info.parent == no_id ? info.kind : info.name);
    if (module.moved) {
      text += " (was " + escape_controls(before_.graph.module_path(module.before)) + ")";
    } else if (module.renamed) {
      text += " (was " + escape_controls(before_.graph.modules()[module.before].name) + ")";
    }
    return has_more ? text + " +" : text;
  }

  std::string details_text(const ModuleDiff& module) const {
    constexpr std::size_t most = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(most, module.details.size()); ++i) {
      const ModuleDetail& detail = module.details[i];
      const auto side = [](const std::string& given) { return given.empty() ? "none" : given; };
      text += fmt::format("{}{} {} -> {}", i == 0 ? "" : ", ", detail.what, side(detail.before),
                          side(detail.after));
    }
    if (module.details.size() > most) text += fmt::format(", +{}", module.details.size() - most);
    return escape_controls(text);
  }

  void write_modules() {
    TextTable table;
    table.column("");
    table.column("module");
    table.column("type", false, 2);
    table.column("params", true, 3);
    table.column("change", true);
    table.column("MACs", true, 4);
    table.column("change", true);
    table.column("traffic", true, 6);
    table.column("change", true, 5);
    const bool has_bars = options_.width > 0;
    if (has_bars) table.column("", false, 1);
    if (!has_bars) table.column("what");

    const std::vector<bool> has_more = rows_with_more();
    const auto whole =
        static_cast<double>(std::max(before_.profile.total.macs, after_.profile.total.macs));
    std::vector<std::string_view> styles;
    for (std::size_t i = 0; i < input_.diff.modules.size(); ++i) {
      const ModuleDiff& module = input_.diff.modules[i];
      if (!is_shown(module)) continue;
      const Metrics was = before_.metrics(module.before);
      const Metrics is = after_.metrics(module.after);
      const double share =
          whole > 0 ? std::abs(static_cast<double>(is.macs - was.macs)) / whole : 0;
      table.row({std::string(mark_of(module)), name_text(module, has_more[i]),
                 escape_controls(info_of(module).kind), count_text(is.parameters),
                 change_text(MetricUnit::count, difference(is.parameters, was.parameters)),
                 count_text(is.macs), change_text(MetricUnit::count, difference(is.macs, was.macs)),
                 traffic(is) > 0 ? format_figure(MetricUnit::bytes, traffic(is)) : "-",
                 change_text(MetricUnit::bytes, traffic(is) - traffic(was)),
                 has_bars ? share_bar(share, diff_bar_cells) : details_text(module)});
      styles.push_back(style_of(module));
    }
    append_styled(table.text(options_.width, options_.colour), styles);
    if (styles.empty()) line("no module differs");
    text_ += '\n';
  }

  static long double difference(std::int64_t is, std::int64_t was) {
    return static_cast<long double>(is) - static_cast<long double>(was);
  }
  static long double traffic(const Metrics& metrics) {
    return static_cast<long double>(metrics.bytes_read) +
           static_cast<long double>(metrics.bytes_written);
  }
  static std::string count_text(std::int64_t value) {
    return value > 0 ? format_count(value) : "-";
  }

  /// The rows of the diff with rows below them that the depth hides.
  std::vector<bool> rows_with_more() const {
    std::vector<bool> has_more(input_.diff.modules.size(), false);
    for (const ModuleDiff& module : input_.diff.modules) {
      const bool is_hidden =
          module.depth == deepest() + 1 && (input_.show_all || module.holds_changes);
      if (is_hidden && module.parent != no_id) has_more[module.parent] = true;
    }
    return has_more;
  }

  /// A table with a colour for each row; the first line contains the titles.
  void append_styled(std::string_view table, const std::vector<std::string_view>& styles) {
    std::size_t row = 0;
    while (!table.empty()) {
      const std::string_view one = table.substr(0, table.find('\n'));
      table.remove_prefix(one.size() + 1);
      line("{}", row == 0 ? std::string(one) : styled(styles[row - 1], one));
      ++row;
    }
  }

  void write_operators() {
    if (input_.diff.operators.empty()) return;
    TextTable table;
    table.column("operator");
    table.column("count before", true);
    table.column("after", true);
    table.column("MACs", true);
    table.column("change", true);
    table.column("FLOPs", true, 2);
    table.column("change", true, 1);
    for (const OperatorDiff& each : input_.diff.operators) {
      table.row({escape_controls(each.name), std::to_string(each.count_before),
                 std::to_string(each.count_after), count_text(each.after.macs),
                 change_text(MetricUnit::count, difference(each.after.macs, each.before.macs)),
                 count_text(each.after.flops),
                 change_text(MetricUnit::count, difference(each.after.flops, each.before.flops))});
    }
    text_ += table.text(options_.width, options_.colour);
    text_ += '\n';
  }

  void write_counts() {
    const DiffCounts& counts = input_.diff.counts;
    line("{} modules changed, {} added, {} removed, {} renamed, {} moved, {} the same",
         counts.changed, counts.added, counts.removed, counts.renamed, counts.moved, counts.same);
    if (before_.profile.total.bounded || after_.profile.total.bounded)
      line("note  some figures depend on a size that is taken at its upper bound");
    const auto is_below = [&](const ModuleDiff& module) {
      return module.depth > deepest() && module.holds_changes;
    };
    if (std::any_of(input_.diff.modules.begin(), input_.diff.modules.end(), is_below))
      line("{}", styled(dim, fmt::format("+ has changes below --depth {}", deepest())));
  }

  const DiffInput& input_;
  const ReportOptions& options_;
  DiffSide before_;
  DiffSide after_;
};

}  // namespace

std::string diff_text(const DiffInput& input, const ReportOptions& options) {
  return TextDiff(input, options).write();
}

}  // namespace zoometer
