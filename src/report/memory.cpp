#include "report/memory.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "analysis/profile.hpp"
#include "analysis/tensor_arena.hpp"
#include "report/shape_text.hpp"
#include "report/text_lines.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"
#include "util/to_integer.hpp"

namespace zoometer {
namespace {

constexpr std::size_t plot_rows = 8;
constexpr std::size_t label_width = 10;
constexpr std::size_t usual_timeline_width = 100;
constexpr std::size_t fewest_marks = 6;
constexpr std::size_t most_tensors = 12;
using terminal::bold;
using terminal::cyan;

/// A module call that is named below its nodes in the plot.
struct Mark {
  ModuleId module = 0;
  NodeId first = 0;
};

bool has_calls_inside(std::span<const ModuleCall> calls, std::size_t index) {
  return index + 1 < calls.size() && calls[index + 1].first_node < calls[index].end_node;
}

/// The calls at a depth of the module tree, and those above it that call no other module.
std::vector<Mark> marks_at(const Graph& graph, int depth) {
  std::vector<Mark> marks;
  const auto calls = graph.calls();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const int own = depth_of(graph, calls[i].module);
    const bool is_leaf_above = own < depth && !has_calls_inside(calls, i);
    if (calls[i].first_node < calls[i].end_node && (own == depth || is_leaf_above))
      marks.push_back({calls[i].module, calls[i].first_node});
  }
  return marks;
}

/// The marks of the first depth with several calls.
std::vector<Mark> marks_of(const Graph& graph) {
  std::vector<Mark> marks = marks_at(graph, 1);
  for (int depth = 2; marks.size() < fewest_marks && depth <= 4; ++depth) {
    std::vector<Mark> deeper = marks_at(graph, depth);
    if (deeper.size() <= marks.size()) break;
    marks = std::move(deeper);
  }
  return marks;
}

/// Spreads nodes over columns: several nodes a column, or several columns a node.
class Columns {
 public:
  Columns(std::size_t nodes, std::size_t width) : nodes_(nodes) {
    count_ = nodes == 0 ? 0 : nodes > width ? width : width / nodes * nodes;
  }
  std::size_t count() const noexcept { return count_; }
  std::size_t column_of(std::size_t node) const noexcept {
    return nodes_ > count_ ? node * count_ / nodes_ : node * (count_ / nodes_);
  }
  /// The first node of a column.
  std::size_t node_at(std::size_t column) const noexcept {
    return nodes_ > count_ ? (column * nodes_ + count_ - 1) / count_ : column / (count_ / nodes_);
  }
  /// The largest value of the nodes in each column.
  std::vector<std::int64_t> largest(const std::vector<std::int64_t>& values) const {
    std::vector<std::int64_t> result(count_, 0);
    for (std::size_t column = 0; column < count_; ++column) {
      result[column] = values[node_at(column)];
      for (std::size_t i = node_at(column); i < nodes_ && column_of(i) == column; ++i)
        result[column] = std::max(result[column], values[i]);
    }
    return result;
  }

 private:
  std::size_t nodes_;
  std::size_t count_ = 0;
};

class MemoryText : TextLines {
 public:
  MemoryText(const Graph& graph, const MemoryProfile& memory, const ReportOptions& options)
      : TextLines(options.colour),
        graph_(graph),
        memory_(memory),
        options_(options) {}

  std::string write() {
    write_metrics();
    if (!graph_.nodes().empty()) write_plot();
    write_tensors();
    return std::move(text_);
  }

 private:
  /// How sure the sizes of the tensors alive at the peak are.
  Certainty certainty_of_peak(const Liveness& liveness) const {
    const auto any = [&](Value::Flag flag) {
      return std::any_of(liveness.alive_at_peak.begin(), liveness.alive_at_peak.end(),
                         [&](const Lifetime& each) { return graph_.value(each.value).has(flag); });
    };
    if (any(Value::assumed)) return Certainty::assumed;
    return any(Value::bounded) ? Certainty::bound : Certainty::exact;
  }
  std::string peak_text(const Liveness& liveness) const {
    return marked(format_bytes(liveness.peak_bytes), certainty_of_peak(liveness));
  }
  std::string place(NodeId node) const {
    return node == no_id ? "held by the inputs" : "at " + node_text(graph_, node);
  }

  void write_metrics() {
    trimmed_line("{}", styled(bold, "memory"));
    trimmed_line("  weights           {:>14}   parameters and buffers",
                 format_bytes(memory_.parameter_bytes));
    trimmed_line("  activations       {:>14}   {}, {} alive", peak_text(memory_.activations),
                 place(memory_.activations.peak_node),
                 counted(memory_.activations.alive_at_peak.size(), "tensor"));
    trimmed_line(
        "  held by callers   {:>14}   {}, where calls hold their arguments as in eager PyTorch",
        peak_text(memory_.held), place(memory_.held.peak_node));
    if (const auto arena = tensor_arena_bytes(graph_)) {
      trimmed_line("  at fixed places   {:>14}   one block, planned as for microcontrollers",
                   format_bytes(*arena));
    }
    const bool has_workspace = memory_.workspace_node != no_id;
    trimmed_line("  workspace         {:>14}   {}",
                 format_bytes(has_workspace ? memory_.workspace[memory_.workspace_node] : 0),
                 has_workspace ? place(memory_.workspace_node) + ", for the plain algorithm" : "");
    trimmed_line("  together          {:>14}   {}", format_bytes(memory_.total_bytes),
                 place(memory_.total_node));
    text_ += '\n';
  }

  void write_plot() {
    const std::size_t whole =
        options_.width > 0 ? static_cast<std::size_t>(options_.width) : usual_timeline_width;
    const std::size_t width = whole > label_width + 12 ? whole - label_width - 2 : 10;
    const Columns columns(graph_.nodes().size(), width);
    trimmed_line("{}", styled(bold, "bytes alive while each node runs"));
    write_peak_mark(columns);
    write_bars(columns);
    write_marks(columns);
    text_ += '\n';
  }

  void write_peak_mark(const Columns& columns) {
    if (memory_.activations.peak_node == no_id) return;
    const std::size_t column = columns.column_of(memory_.activations.peak_node);
    const std::string label = "peak: " + node_text(graph_, memory_.activations.peak_node);
    const std::size_t needed = display_width(label) + 1;
    const bool left = column >= needed && column + needed > columns.count();
    const std::string before(label_width + 2 + column - (left ? needed : 0), ' ');
    trimmed_line("{}{}", before, left ? label + " ▼" : "▼ " + label);
  }

  void write_bars(const Columns& columns) {
    static constexpr std::array<std::string_view, 9> eighths = {" ", "▁", "▂", "▃", "▄",
                                                                "▅", "▆", "▇", "█"};
    const std::vector<std::int64_t> heights = columns.largest(memory_.activations.timeline);
    const auto top = static_cast<double>(
        std::max<std::int64_t>(1, *std::max_element(heights.begin(), heights.end())));
    for (std::size_t row = plot_rows; row-- > 0;) {
      std::string bars;
      for (const std::int64_t height : heights) {
        const double filled = static_cast<double>(height) / top * plot_rows * 8 + 0.5;
        const double cell = std::clamp(filled - static_cast<double>(row * 8), 0.0, 8.0);
        bars += eighths[static_cast<std::size_t>(cell)];
      }
      drop_spaces_at_end(bars);
      trimmed_line("{} ┤{}", pad_left(axis_label(row, top), label_width), styled(cyan, bars));
    }
    std::string axis;
    for (std::size_t i = 0; i < columns.count(); ++i) axis += "─";
    trimmed_line("{} ┼{}", pad_left("0", label_width), axis);
  }

  static std::string axis_label(std::size_t row, double top) {
    if ((row + 1) % 4 != 0) return "";
    return format_bytes(to_integer<std::int64_t>(top * static_cast<double>(row + 1) / plot_rows));
  }

  /// The names of module calls where they begin, if there is room.
  void write_marks(const Columns& columns) {
    const std::vector<Mark> marks = marks_of(graph_);
    std::string text(label_width + 2, ' ');
    std::size_t at = 0;
    for (std::size_t i = 0; i < marks.size(); ++i) {
      const std::size_t column = columns.column_of(marks[i].first);
      const std::size_t end =
          i + 1 < marks.size() ? columns.column_of(marks[i + 1].first) : columns.count();
      if (end == column) continue;  // several in one column: the last one continues after it
      const std::string name = shortened(marks[i].module, end - column - 1);
      text.append(column - at, ' ').append("│").append(name);
      at = column + 1 + display_width(name);
    }
    trimmed_line("{}", text);
  }

  /// The end of a module's name that fits: names with equal beginnings differ at the end.
  std::string shortened(ModuleId module, std::size_t room) const {
    std::string name = escape_controls(graph_.modules()[module].name);
    if (name.size() < room) return name;
    if (room < 3) return "";
    std::size_t begin = name.size() - std::min(name.size(), room - 2);
    while (begin < name.size() && (static_cast<unsigned char>(name[begin]) & 0xC0U) == 0x80U)
      ++begin;  // not within a character
    return "…" + name.substr(begin);
  }

  void write_tensors() {
    std::vector<Lifetime> alive = memory_.activations.alive_at_peak;
    std::stable_sort(alive.begin(), alive.end(), [&](const Lifetime& a, const Lifetime& b) {
      return graph_.bytes(a.value) > graph_.bytes(b.value);
    });
    TextTable table;
    table.column("alive at the peak");
    table.column("bytes", true);
    table.column("share", true, 2);
    table.column("made by", false, 1);
    table.column("until", false, 3);
    std::int64_t rest = 0;
    for (std::size_t i = 0; i < alive.size(); ++i) {
      const std::int64_t bytes = graph_.bytes(alive[i].value);
      if (i >= most_tensors) {
        rest += bytes;
        continue;
      }
      table.row({tensor_text(alive[i].value), format_bytes(bytes),
                 format_share(static_cast<double>(bytes),
                              static_cast<double>(memory_.activations.peak_bytes)),
                 maker_text(alive[i]), until_text(alive[i])});
    }
    text_ += table.text(options_.width, options_.colour);
    if (rest > 0)
      trimmed_line("and {} smaller ones, {}", alive.size() - most_tensors, format_bytes(rest));
    text_ += '\n';
  }

  std::string tensor_text(ValueId value) const {
    return fmt::format("{} {}", bounded_shape_text(graph_, value), name_of(graph_.dtype(value)));
  }
  std::string maker_text(const Lifetime& lifetime) const {
    return lifetime.first == no_id ? "the caller" : node_text(graph_, lifetime.first);
  }
  std::string until_text(const Lifetime& lifetime) const {
    return lifetime.last == no_id ? "the end" : node_text(graph_, lifetime.last);
  }

  const Graph& graph_;
  const MemoryProfile& memory_;
  const ReportOptions& options_;
};

void write_peak(JsonWriter& json, const Graph& graph, std::string_view name, std::int64_t bytes,
                NodeId node) {
  json.object(name, [&] {
    json.field("bytes", bytes);
    if (node != no_id) json.object("node", [&] { write_node(json, graph, node); });
  });
}

void write_lifetime(JsonWriter& json, const Graph& graph, const Lifetime& lifetime) {
  json.object([&] {
    json.key("shape");
    write_shape(json, graph, lifetime.value);
    json.field("dtype", name_of(graph.dtype(lifetime.value)));
    json.field("bytes", graph.bytes(lifetime.value));
    write_certainty(json, graph.value(lifetime.value));
    if (lifetime.first != no_id)
      json.object("made_by", [&] { write_node(json, graph, lifetime.first); });
    if (lifetime.last != no_id)
      json.object("until", [&] { write_node(json, graph, lifetime.last); });
  });
}

}  // namespace

std::string node_text(const Graph& graph, NodeId node) {
  const Node& own = graph.nodes()[node];
  const std::string path = graph.module_path(own.module);
  return escape_controls(operator_name(own)) + " in " +
         (path.empty() ? "the model" : escape_controls(path));
}

void write_node(JsonWriter& json, const Graph& graph, NodeId node) {
  const Node& own = graph.nodes()[node];
  json.field("index", node);
  json.field("op", operator_name(own));
  json.field("module", graph.module_path(own.module));
}

std::string memory_text(const Graph& graph, const MemoryProfile& memory,
                        const ReportOptions& options) {
  return MemoryText(graph, memory, options).write();
}

void write_memory(JsonWriter& json, const Graph& graph, const MemoryProfile& memory) {
  json.field("parameter_bytes", memory.parameter_bytes);
  write_peak(json, graph, "activations", memory.activations.peak_bytes,
             memory.activations.peak_node);
  write_peak(json, graph, "held_by_callers", memory.held.peak_bytes, memory.held.peak_node);
  if (const auto arena = tensor_arena_bytes(graph)) json.field("arena_bytes", *arena);
  write_peak(json, graph, "workspace",
             memory.workspace_node == no_id ? 0 : memory.workspace[memory.workspace_node],
             memory.workspace_node);
  write_peak(json, graph, "together", memory.total_bytes, memory.total_node);
  json.array("alive_at_peak", [&] {
    for (const Lifetime& each : memory.activations.alive_at_peak) write_lifetime(json, graph, each);
  });
  json.array("timeline", [&] {
    for (NodeId node = 0; node < graph.nodes().size(); ++node) {
      json.object([&] {
        write_node(json, graph, node);
        json.field("alive_bytes", memory.activations.timeline[node]);
        json.field("held_bytes", memory.held.timeline[node]);
        json.field("workspace_bytes", memory.workspace[node]);
      });
    }
  });
}

}  // namespace zoometer
