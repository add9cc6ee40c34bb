#include <fmt/core.h>

#include <algorithm>

#include "analysis/element_types.hpp"
#include "report/memory.hpp"
#include "report/module_tree.hpp"
#include "report/report.hpp"
#include "report/shape_text.hpp"
#include "report/text_lines.hpp"
#include "report/training.hpp"
#include "util/embedded.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"
#include "zoometer/analysis/hardware.hpp"

namespace zoometer {
namespace {

using terminal::bold;
using terminal::dim;

/// FLOPs per byte below which an operator waits for memory on an A100 in float32.
double usual_ridge() {
  const std::string path = "data/hardware/a100.toml";
  const Device device = parse_device(embedded_file(path), path);
  return device.peak(NumberType::float32) / device.bandwidth;
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
    append_module_tree(text_, input_, options_);
    write_totals();
    write_operators();
    write_dtypes();
    write_element_types();
    if (input_.memory != nullptr) text_ += memory_text(graph_, *input_.memory, options_);
    if (input_.training != nullptr) text_ += training_text(graph_, *input_.training, options_);
    write_coverage();
    write_notes();
    if (options_.width == 0) return std::move(text_);
    return wrapped_lines(text_, static_cast<std::size_t>(options_.width));
  }

 private:
  bool has_cost() const { return input_.convention != nullptr; }

  void write_head() {
    std::string source = input_.source;
    if (!input_.variant.empty()) source += ", " + input_.variant;
    line("{}  ({})", styled(bold, escape_controls(input_.model)), escape_controls(source));
    line("input   {}", ports_text(graph_, graph_.inputs()));
    line("output  {}", ports_text(graph_, graph_.outputs()));
    text_ += '\n';
  }

  void write_totals() {
    const Metrics& t = profile_.total;
    line("{}", styled(bold, "total"));
    line("  parameters        {:>14}   {}{}", format_count(t.parameters),
         format_bytes(t.parameter_bytes),
         t.buffers > 0 ? fmt::format(" with {} buffer elements", format_count(t.buffers)) : "");
    write_quantisation();
    const std::size_t unknown = unknown_operators();
    line("  MACs              {:>14}{}", marked(format_count(t.macs), certainty_of_macs(t)),
         unknown > 0 ? "   without " + counted(unknown, "unknown operator") : "");
    if (t.macs_masked != t.macs) {
      line("  masked MACs       {:>14}   without what causal masks hide",
           marked(format_count(t.macs_masked), certainty_of_macs(t)));
    }
    line("  FLOPs             {:>14}", marked(format_count(t.flops), certainty_of(t)));
    if (has_cost()) {
      line("  {:<17} {:>14}   {}", input_.convention->name,
           marked(format_count(t.cost), certainty_of(t)), input_.convention->unit);
    }
    line("  activations       {:>14}", marked(format_count(t.activations), certainty_of_macs(t)));
    line("  memory traffic    {:>14}   {} read, {} written",
         marked(format_bytes(t.bytes_read + t.bytes_written), certainty_of(t)),
         format_bytes(t.bytes_read), format_bytes(t.bytes_written));
    line("  peak activations  {:>14}   {}",
         marked(format_bytes(profile_.memory.peak_bytes), certainty_of(t)), peak_text());
    line("  intensity         {:>14.2f}   FLOPs per byte", t.intensity());
    text_ += '\n';
  }

  std::size_t unknown_operators() const {
    std::int64_t unknown = 0;
    for (const CoverageLedger::Unknown& entry : profile_.coverage.unknown) unknown += entry.count;
    return static_cast<std::size_t>(unknown);
  }

  void write_quantisation() {
    const std::vector<std::int64_t> counts = quantisation_parameters_of(graph_);
    if (counts.empty() || counts[0] == 0) return;
    line("  quantisation      {:>14}   scales and zero points", format_count(counts[0]));
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
    for (const OperatorMetrics& entry : profile_.operators)
      width = std::max(width, std::min(display_width(entry.name), longest_cell));
    constexpr std::size_t width_of_figures = 70;
    const bool is_narrow =
        options_.width > 0 && width + width_of_figures > static_cast<std::size_t>(options_.width);
    if (!is_narrow) {
      line("{}",
           styled(bold, fmt::format("{:<{}}  {:>6} {:>10} {:>10} {:>7} {:>11} {:>9}  bound by",
                                    "operator", width, "count", "MACs", "FLOPs", "share", "memory",
                                    "FLOPs/B")));
    }
    TextTable table;
    table.column("operator");
    table.column("count", true, 3);
    table.column("MACs", true);
    table.column("FLOPs", true, 1);
    table.column("share", true, 2);
    table.column("memory", true, 4);
    table.column("FLOPs/B", true, 6);
    table.column("bound by", false, 5);
    const double ridge = usual_ridge();
    std::int64_t memory_bound = 0;
    std::int64_t compute_bound = 0;
    for (const OperatorMetrics& entry : profile_.operators) {
      const Metrics& f = entry.metrics;
      const bool moves = f.bytes_read + f.bytes_written > 0;
      const bool computes = f.intensity() >= ridge;
      if (moves) (computes ? compute_bound : memory_bound) += entry.count;
      const std::string cells[] = {
          escape_controls(entry.name),
          std::to_string(entry.count),
          f.macs > 0 ? marked(format_count(f.macs), certainty_of_macs(f)) : "-",
          f.flops > 0 ? marked(format_count(f.flops), certainty_of(f)) : "-",
          format_share(static_cast<double>(f.flops), static_cast<double>(profile_.total.flops)),
          moves ? format_bytes(f.bytes_read + f.bytes_written) : "-",
          f.flops > 0 && moves ? fmt::format("{:.2f}", f.intensity()) : "-",
          !moves     ? "-"
          : computes ? "compute"
                     : "memory"};
      if (is_narrow) {
        table.row({std::begin(cells), std::end(cells)});
        continue;
      }
      line("{}  {:>6} {:>10} {:>10} {:>7} {:>11} {:>9}  {}", pad_right(cells[0], width), cells[1],
           cells[2], cells[3], cells[4], cells[5], cells[6], cells[7]);
    }
    if (is_narrow) text_ += table.text(options_.width, options_.colour);
    line("{}",
         styled(dim, fmt::format("{} compute-bound and {} memory-bound operators at {:.1f} FLOPs "
                                 "per byte (A100, float32)",
                                 compute_bound, memory_bound, ridge)));
    text_ += '\n';
  }

  void write_dtypes() {
    if (profile_.dtypes.size() < 2) return;
    line("{}", styled(bold, fmt::format("{:<14} {:>10} {:>11} {:>12}", "dtype", "MACs", "memory",
                                        "parameters")));
    for (const DTypeMetrics& entry : profile_.dtypes) {
      line("{:<14} {:>10} {:>11} {:>12}", name_of(entry.dtype),
           entry.macs > 0 ? format_count(entry.macs) : "-",
           entry.bytes > 0 ? format_bytes(entry.bytes) : "-",
           entry.parameter_bytes > 0 ? format_bytes(entry.parameter_bytes) : "-");
    }
    text_ += '\n';
  }

  /// Nothing where all products are of one floating-point type.
  void write_element_types() {
    const std::vector<ElementTypeMetrics>& types = profile_.element_types;
    if (types.empty() || (types.size() == 1 && types[0].a == types[0].b && types[0].a.bits > 8))
      return;
    std::size_t width = 8;
    const auto name_of_pair = [](const ElementTypeMetrics& entry) {
      return fmt::format("{} x {}", entry.a.name, entry.b.name);
    };
    for (const ElementTypeMetrics& entry : types)
      width = std::max(width, name_of_pair(entry).size());
    line("{}", styled(bold, fmt::format("{:<{}}  {:>10} {:>14}", "products", width, "MACs",
                                        "bit operations")));
    for (const ElementTypeMetrics& entry : types) {
      const auto operations = bit_operations_of({&entry, 1});
      line("{:<{}}  {:>10} {:>14}", name_of_pair(entry), width, format_count(entry.macs),
           operations ? format_count(*operations) : "-");
    }
    text_ += '\n';
  }

  void write_coverage() {
    const CoverageLedger& coverage = profile_.coverage;
    const std::size_t unknown = unknown_operators();
    const std::size_t all = static_cast<std::size_t>(coverage.counted + coverage.zero) + unknown;
    line("coverage  {}: {} counted, {} zero by definition, {} unknown", counted(all, "operator"),
         coverage.counted, coverage.zero, unknown);
    for (const CoverageLedger::Unknown& entry : coverage.unknown) {
      line("  unknown: {} x {}", entry.count, escape_controls(entry.name));
    }
  }

  void write_notes() {
    if (profile_.total.bounded) {
      line("note      figures with ≤ depend on a size that is taken at its upper bound");
    }
    if (profile_.total.assumed) {
      line("note      figures with ~ depend on a size that is not known, which the notes name");
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
