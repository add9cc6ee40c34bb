#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "report/memory.hpp"
#include "report/report.hpp"
#include "report/text_lines.hpp"
#include "report/training.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr int usual_depth = 2;
constexpr std::size_t bar_cells = 10;
using terminal::bold;
using terminal::cyan;
using terminal::dim;

// FLOPs per byte below which an operator waits for memory: an A100's 19.5 TFLOP/s in float32 over
// its 1.555 TB/s.
constexpr double ridge = 12.5;

/// One column of the module tree. The ones with a higher `drop` go first on a narrow terminal.
/// Trees have up to hundreds of thousands of rows: the cells stand in one text.
class Column {
 public:
  Column(std::string_view heading, bool to_the_right, int order)
      : title(heading),
        right(to_the_right),
        drop(order),
        width(display_width(heading)) {}

  void add(std::string_view cell) {
    text_ += cell;
    ends_.push_back(text_.size());
    width = std::max(width, display_width(cell));
  }
  std::size_t rows() const { return ends_.size(); }
  std::string_view cell(std::size_t row) const {
    const std::size_t begin = row > 0 ? ends_[row - 1] : 0;
    return std::string_view(text_).substr(begin, ends_[row] - begin);
  }

  std::string_view title;
  bool right;
  int drop;
  std::size_t width;

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

/// "≤" before a figure that rests on an upper bound.
std::string marked(std::string text, bool bounded) {
  return bounded ? "≤ " + text : std::move(text);
}

class TextReport : TextLines {
 public:
  TextReport(const ReportInput& input, const ReportOptions& options)
      : TextLines(options.colour),
        input_(input),
        options_(options),
        graph_(input.graph),
        profile_(input.profile) {}

  std::string write() {
    write_head();
    write_tree();
    write_totals();
    write_operators();
    write_dtypes();
    if (input_.memory != nullptr) text_ += memory_text(graph_, *input_.memory, options_);
    if (input_.training != nullptr) text_ += training_text(graph_, *input_.training, options_);
    write_coverage();
    write_notes();
    return std::move(text_);
  }

 private:
  bool has_cost() const { return input_.convention != nullptr; }
  /// What the bars and shares measure: the chosen cost, or MACs.
  std::int64_t weight(const Figures& figures) const {
    return has_cost() ? figures.cost : figures.macs;
  }

  static std::string port_text(const Graph& graph, const Port& port) {
    const Value& value = graph.value(port.value);
    return escape_controls(port.name) + " " + (value.has(Value::bounded) ? "≤ " : "") +
           to_short_string(graph.shape(port.value)) + " " +
           std::string(name_of(graph.dtype(port.value)));
  }
  std::string ports_text(std::span<const Port> ports) const {
    constexpr std::size_t most = 6;
    std::string text;
    for (std::size_t i = 0; i < std::min(ports.size(), most); ++i) {
      text += (i > 0 ? ", " : "") + port_text(graph_, ports[i]);
    }
    if (ports.size() > most) text += fmt::format(", and {} more", ports.size() - most);
    return text;
  }

  void write_head() {
    std::string source = input_.source;
    if (!input_.variant.empty()) source += ", " + input_.variant;
    line("{}  ({})", styled(bold, escape_controls(input_.model)), escape_controls(source));
    line("input   {}", ports_text(graph_.inputs()));
    line("output  {}", ports_text(graph_.outputs()));
    text_ += '\n';
  }

  int depth_limit() const { return options_.depth.value_or(usual_depth); }

  bool has_hidden_children(const std::vector<int>& children, ModuleId id, int depth) const {
    return depth == depth_limit() && children[id] > 0;
  }

  /// The shapes of the module's first call; how many calls more.
  std::string output_text(std::span<const ValueId> values, std::uint32_t calls) const {
    if (calls == 0) return "not called";
    const std::size_t per_call = values.size() / calls;
    std::string text;
    constexpr std::size_t most = 3;
    for (std::size_t i = 0; i < std::min(per_call, most); ++i) {
      text += (i > 0 ? ", " : "") + to_short_string(graph_.shape(values[i]));
    }
    if (per_call > most) text += fmt::format(", +{}", per_call - most);
    if (calls > 1) text += fmt::format("  x{}", calls);
    return text;
  }

  void write_tree() {
    std::vector<Column> columns = {{"module", false, 0},
                                   {"type", false, 2},
                                   {"output", false, 3},
                                   {"params", true, 0},
                                   {has_cost() ? input_.convention->name : "MACs", true, 0},
                                   {"FLOPs", true, 4},
                                   {"activations", true, 6},
                                   {"memory", true, 5},
                                   {"share", true, 1},
                                   {"", false, 1}};
    std::vector<int> children(graph_.modules().size(), 0);
    for (const ModuleInfo& module : graph_.modules()) {
      if (module.parent != no_id) ++children[module.parent];
    }
    const CallOutputs outputs(graph_);
    const auto whole = static_cast<double>(weight(profile_.total));
    bool hides = false;
    for (const ModuleId id : graph_.modules_in_order()) {
      const int depth = depth_of(graph_, id);
      if (depth > depth_limit()) continue;
      const Figures& f = profile_.modules[id];
      const bool hidden = has_hidden_children(children, id, depth);
      hides = hides || hidden;
      const ModuleInfo& module = graph_.modules()[id];
      const std::string name = escape_controls(id == 0 ? module.kind : module.name);
      const double share = whole > 0 ? static_cast<double>(weight(f)) / whole : 0;
      add_row(
          columns,
          {std::string(static_cast<std::size_t>(depth) * 2, ' ') + name + (hidden ? " +" : ""),
           escape_controls(graph_.modules()[id].kind), output_text(outputs[id], profile_.calls[id]),
           f.parameters > 0 ? format_count(f.parameters) : "-",
           weight(f) > 0 ? marked(format_count(weight(f)), has_cost() ? f.bounded : f.macs_bounded)
                         : "-",
           f.flops > 0 ? marked(format_count(f.flops), f.bounded) : "-",
           f.activations > 0 ? marked(format_count(f.activations), f.macs_bounded) : "-",
           f.bytes_read + f.bytes_written > 0
               ? marked(format_bytes(f.bytes_read + f.bytes_written), f.bounded)
               : "-",
           whole > 0 && weight(f) > 0 ? format_share(share, 1) : "", share_bar(share, bar_cells)});
    }
    keep_only_fitting(columns);
    print(columns);
    if (hides)
      line("{}", styled(dim, fmt::format("+ has modules below --depth {}", depth_limit())));
    text_ += '\n';
  }

  static void add_row(std::vector<Column>& columns, std::initializer_list<std::string> cells) {
    auto column = columns.begin();
    for (const std::string& cell : cells) (column++)->add(cell);
  }

  void keep_only_fitting(std::vector<Column>& columns) const {
    if (options_.width == 0) columns.pop_back();  // bars are for terminals
    if (!options_.show_shapes && options_.width == 0) return;
    const auto total = [&] {
      std::size_t sum = 0;
      for (const Column& column : columns) sum += column.width + 2;
      return sum;
    };
    while (options_.width > 0 && total() > static_cast<std::size_t>(options_.width) + 2) {
      const auto keeps_output = [&](const Column& column) {
        return options_.show_shapes && column.title == "output";
      };
      auto victim = columns.end();
      for (auto it = columns.begin(); it != columns.end(); ++it) {
        if (it->drop == 0 || keeps_output(*it)) continue;
        if (victim == columns.end() || it->drop > victim->drop) victim = it;
      }
      if (victim == columns.end()) break;
      columns.erase(victim);
    }
  }

  void print(const std::vector<Column>& columns) {
    std::string head;
    for (const Column& column : columns) append_cell(head, column, column.title);
    drop_spaces_at_end(head);
    line("{}", styled(bold, head));
    for (std::size_t row = 0; row < columns.front().rows(); ++row) {
      for (const Column& column : columns) {
        const bool is_bar = column.title.empty();
        if (is_bar) {
          text_ += styled(cyan, pad_right(column.cell(row), column.width));
        } else {
          append_cell(text_, column, column.cell(row));
        }
      }
      drop_spaces_at_end(text_);
      text_ += '\n';
    }
  }

  /// The cell at its column's width, and the gap before the next.
  static void append_cell(std::string& text, const Column& column, std::string_view cell) {
    const std::size_t padding = column.width - display_width(cell);
    if (column.right) text.append(padding, ' ');
    text += cell;
    text.append((column.right ? 0 : padding) + 2, ' ');
  }

  void write_totals() {
    const Figures& t = profile_.total;
    line("{}", styled(bold, "total"));
    line("  parameters        {:>14}   {}{}", format_count(t.parameters),
         format_bytes(t.parameter_bytes),
         t.buffers > 0 ? fmt::format(" with {} buffer elements", format_count(t.buffers)) : "");
    line("  MACs              {:>14}", marked(format_count(t.macs), t.macs_bounded));
    line("  FLOPs             {:>14}", marked(format_count(t.flops), t.bounded));
    if (has_cost()) {
      line("  {:<17} {:>14}   {}", input_.convention->name, marked(format_count(t.cost), t.bounded),
           input_.convention->unit);
    }
    line("  activations       {:>14}", marked(format_count(t.activations), t.macs_bounded));
    line("  memory traffic    {:>14}   {} read, {} written",
         marked(format_bytes(t.bytes_read + t.bytes_written), t.bounded),
         format_bytes(t.bytes_read), format_bytes(t.bytes_written));
    line("  peak activations  {:>14}   {}",
         marked(format_bytes(profile_.memory.peak_bytes), t.bounded), peak_text());
    line("  intensity         {:>14.2f}   FLOPs per byte", t.intensity());
    text_ += '\n';
  }

  std::string peak_text() const {
    if (profile_.memory.peak_node == no_id) return "held by the inputs";
    const Node& node = graph_.nodes()[profile_.memory.peak_node];
    const std::string path = graph_.module_path(node.module);
    return fmt::format("at {} in {}, {} alive", node.op->name,
                       path.empty() ? "the model" : escape_controls(path),
                       counted(profile_.memory.alive_at_peak.size(), "tensor"));
  }

  void write_operators() {
    std::size_t width = 8;
    for (const OperatorFigures& entry : profile_.operators)
      width = std::max(width, display_width(entry.name));
    line("{}", styled(bold, fmt::format("{:<{}}  {:>6} {:>10} {:>10} {:>7} {:>11} {:>9}  bound by",
                                        "operator", width, "count", "MACs", "FLOPs", "share",
                                        "memory", "FLOPs/B")));
    std::int64_t memory_bound = 0;
    std::int64_t compute_bound = 0;
    for (const OperatorFigures& entry : profile_.operators) {
      const Figures& f = entry.figures;
      const bool moves = f.bytes_read + f.bytes_written > 0;
      const bool computes = f.intensity() >= ridge;
      if (moves) (computes ? compute_bound : memory_bound) += entry.count;
      line("{}  {:>6} {:>10} {:>10} {:>7} {:>11} {:>9}  {}",
           pad_right(escape_controls(entry.name), width), entry.count,
           f.macs > 0 ? marked(format_count(f.macs), f.macs_bounded) : "-",
           f.flops > 0 ? marked(format_count(f.flops), f.bounded) : "-",
           format_share(static_cast<double>(f.flops), static_cast<double>(profile_.total.flops)),
           moves ? format_bytes(f.bytes_read + f.bytes_written) : "-",
           f.flops > 0 && moves ? fmt::format("{:.2f}", f.intensity()) : "-",
           !moves     ? "-"
           : computes ? "compute"
                      : "memory");
    }
    line("{}", styled(dim, fmt::format("{} compute-bound and {} memory-bound operators at {} FLOPs "
                                       "per byte (A100, float32)",
                                       compute_bound, memory_bound, ridge)));
    text_ += '\n';
  }

  void write_dtypes() {
    if (profile_.dtypes.size() < 2) return;
    line("{}", styled(bold, fmt::format("{:<14} {:>10} {:>11} {:>12}", "dtype", "MACs", "memory",
                                        "parameters")));
    for (const DTypeFigures& entry : profile_.dtypes) {
      line("{:<14} {:>10} {:>11} {:>12}", name_of(entry.dtype),
           entry.macs > 0 ? format_count(entry.macs) : "-",
           entry.bytes > 0 ? format_bytes(entry.bytes) : "-",
           entry.parameter_bytes > 0 ? format_bytes(entry.parameter_bytes) : "-");
    }
    text_ += '\n';
  }

  void write_coverage() {
    const CoverageLedger& coverage = profile_.coverage;
    std::int64_t unknown = 0;
    for (const CoverageLedger::Unknown& entry : coverage.unknown) unknown += entry.count;
    const auto all = static_cast<std::size_t>(coverage.counted + coverage.zero + unknown);
    line("coverage  {}: {} counted, {} zero by definition, {} unknown", counted(all, "operator"),
         coverage.counted, coverage.zero, unknown);
    for (const CoverageLedger::Unknown& entry : coverage.unknown) {
      line("  unknown: {} x {}", entry.count, escape_controls(entry.name));
    }
  }

  void write_notes() {
    if (profile_.total.bounded) {
      line(
          "note      figures with ≤ rest on a size that depends on data, taken at its upper bound");
    }
    for (const std::string& note : input_.notes) line("note      {}", escape_controls(note));
  }

  const ReportInput& input_;
  const ReportOptions& options_;
  const Graph& graph_;
  const Profile& profile_;
};

std::string write_text(const ReportInput& input, const ReportOptions& options) {
  return TextReport(input, options).write();
}

}  // namespace

extern constinit const Report text_report = {"text", "the module tree and a summary, for people",
                                             write_text};

}  // namespace zoometer
