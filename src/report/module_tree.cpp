#include "report/module_tree.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "report/shape_text.hpp"
#include "report/text_lines.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

constexpr int usual_depth = 2;
constexpr std::size_t bar_cells = 10;
constexpr std::size_t gap = 2;  // after each column

/// A module with a row.
struct Shown {
  ModuleId id = 0;
  int depth = 0;
  bool hides = false;  ///< it has modules below the depth limit
};

/// The length of a cell in bytes and in columns of the terminal.
struct CellSize {
  std::uint32_t bytes = 0;
  std::uint32_t width = 0;
};

/// The cells of some rows, joined in one text.
struct Rows {
  std::string text;
  std::vector<CellSize> sizes;

  void add(std::string_view cell) {
    text += cell;
    sizes.push_back(
        {static_cast<std::uint32_t>(cell.size()), static_cast<std::uint32_t>(display_width(cell))});
  }
};

/// On a narrow terminal, columns with a higher `drop` are removed first.
struct Column {
  std::string_view title;
  bool right = false;
  int drop = 0;
  std::size_t width = display_width(title);
  bool is_dropped = false;
};

class ModuleTree : TextLines {
 public:
  ModuleTree(const ReportInput& input, const ReportOptions& options)
      : TextLines(options.colour),
        input_(input),
        options_(options),
        graph_(input.graph),
        profile_(input.profile),
        outputs_(input.graph),
        whole_(static_cast<double>(weight(profile_.total))),
        columns_{{{"module", false, 0},
                  {"type", false, 2},
                  {"output", false, 3},
                  {"params", true, 0},
                  {has_cost() ? input.convention->name : "MACs", true, 0},
                  {"FLOPs", true, 4},
                  {"activations", true, 6},
                  {"memory", true, 5},
                  {"share", true, 1},
                  {"", false, 1}}} {
    choose_modules();
  }

  void append_to(std::string& text) {
    text_.swap(text);
    Rows rows;
    rows.sizes.reserve(shown_.size() * columns_.size());
    for (const Shown& each : shown_) add_row(each, rows);
    widen_for(rows);
    keep_only_fitting();
    write_titles();
    write_rows(rows);
    if (std::ranges::any_of(shown_, &Shown::hides))
      line("{}", styled(terminal::dim, fmt::format("+ has modules below --depth {}", depth())));
    text_ += '\n';
    text_.swap(text);
  }

 private:
  bool has_cost() const { return input_.convention != nullptr; }
  /// The figure of bars and shares: the chosen cost, or MACs.
  std::int64_t weight(const Metrics& metrics) const {
    return has_cost() ? metrics.cost : metrics.macs;
  }
  int depth() const { return depth_limit(options_, usual_depth); }
  /// Bars are for terminals.
  bool has_bars() const { return options_.width > 0; }
  bool is_bar(const Column& column) const { return &column == &columns_.back(); }

  void choose_modules() {
    const auto modules = graph_.modules();
    std::vector<int> depths(modules.size(), 0);
    std::vector<bool> has_children(modules.size(), false);
    for (ModuleId id = 1; id < modules.size(); ++id) {
      depths[id] = depths[modules[id].parent] + 1;
      has_children[modules[id].parent] = true;
    }
    for (const ModuleId id : graph_.modules_in_order()) {
      if (depths[id] <= depth())
        shown_.push_back({id, depths[id], depths[id] == depth() && has_children[id]});
    }
  }

  void add_row(const Shown& shown, Rows& rows) const {
    const ModuleInfo& module = graph_.modules()[shown.id];
    const Metrics& f = profile_.modules[shown.id];
    std::string name(static_cast<std::size_t>(shown.depth) * 2, ' ');
    name += cut_cell(escape_controls(shown.id == 0 ? module.kind : module.name));
    if (shown.hides) name += " +";
    const auto count = [](std::int64_t figure, Certainty certainty) {
      return figure > 0 ? marked(format_count(figure), certainty) : "-";
    };
    const std::int64_t bytes = f.bytes_read + f.bytes_written;
    const bool has_share = whole_ > 0 && weight(f) > 0;
    const double share = whole_ > 0 ? static_cast<double>(weight(f)) / whole_ : 0;
    rows.add(name);
    rows.add(cut_cell(escape_controls(module.kind)));
    rows.add(output_text(outputs_.of_first(shown.id), profile_.calls[shown.id]));
    rows.add(count(f.parameters, Certainty::exact));
    rows.add(count(weight(f), has_cost() ? certainty_of(f) : certainty_of_macs(f)));
    rows.add(count(f.flops, certainty_of(f)));
    rows.add(count(f.activations, certainty_of_macs(f)));
    rows.add(bytes > 0 ? marked(format_bytes(bytes), certainty_of(f)) : "-");
    rows.add(has_share ? format_share(share, 1) : "");
    rows.add(has_bars() ? share_bar(share, bar_cells) : "");
  }

  /// The shapes of the module's first call, and the number of further calls.
  std::string output_text(std::span<const ValueId> values, std::int64_t calls) const {
    if (calls == 0) return "not called";
    const std::size_t per_call = values.size();
    std::string text;
    constexpr std::size_t most = 3;
    for (std::size_t i = 0; i < std::min(per_call, most); ++i) {
      text += (i > 0 ? ", " : "") + shape_text(graph_, values[i]);
    }
    if (per_call > most) text += fmt::format(", +{}", per_call - most);
    if (calls > 1) text += fmt::format("  x{}", calls);
    return text;
  }

  void widen_for(const Rows& rows) {
    for (std::size_t i = 0; i < rows.sizes.size(); ++i) {
      std::size_t& width = columns_[i % columns_.size()].width;
      width = std::max<std::size_t>(width, rows.sizes[i].width);
    }
  }

  std::size_t total_width() const {
    std::size_t sum = 0;
    for (const Column& column : columns_) sum += column.is_dropped ? 0 : column.width + gap;
    return sum;
  }

  void keep_only_fitting() {
    columns_.back().is_dropped = !has_bars();
    if (options_.width == 0) return;
    while (total_width() > static_cast<std::size_t>(options_.width) + gap) {
      Column* victim = nullptr;
      for (Column& column : columns_) {
        const bool is_kept = options_.show_shapes && column.title == "output";
        if (column.drop == 0 || column.is_dropped || is_kept) continue;
        if (victim == nullptr || column.drop > victim->drop) victim = &column;
      }
      if (victim == nullptr) return;
      victim->is_dropped = true;
    }
  }

  void write_titles() {
    std::string titles;
    for (const Column& column : columns_) {
      if (!column.is_dropped)
        append_cell(titles, column, column.title, display_width(column.title));
    }
    drop_spaces_at_end(titles);
    line("{}", styled(terminal::bold, titles));
  }

  void write_rows(const Rows& rows) {
    text_.reserve(text_.size() + shown_.size() * (total_width() + 1));
    const char* at = rows.text.data();
    for (std::size_t i = 0; i < rows.sizes.size();) {
      for (const Column& column : columns_) {
        const auto [bytes, width] = rows.sizes[i++];
        const std::string_view cell(at, bytes);
        at += bytes;
        if (column.is_dropped) continue;
        if (is_bar(column)) {
          text_ += styled(terminal::cyan, pad_right(cell, column.width));
        } else {
          append_cell(text_, column, cell, width);
        }
      }
      drop_spaces_at_end(text_);
      text_ += '\n';
    }
  }

  /// The cell at its column's width, and the gap before the next.
  static void append_cell(std::string& text, const Column& column, std::string_view cell,
                          std::size_t width) {
    const std::size_t padding = column.width - width;
    const std::size_t begin = text.size() + (column.right ? padding : 0);
    text.append(padding + cell.size() + gap, ' ');
    std::ranges::copy(cell, text.begin() + static_cast<std::ptrdiff_t>(begin));
  }

  const ReportInput& input_;
  const ReportOptions& options_;
  const Graph& graph_;
  const Profile& profile_;
  CallOutputs outputs_;
  double whole_;
  std::array<Column, 10> columns_;
  std::vector<Shown> shown_;
};

}  // namespace

void append_module_tree(std::string& text, const ReportInput& input, const ReportOptions& options) {
  ModuleTree(input, options).append_to(text);
}

}  // namespace zoometer
