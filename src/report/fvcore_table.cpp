// The table that fvcore's flop_count_table prints, to the byte. Its statistics are parameter counts
// by prefix in the order of named_parameters(), then modules that have operations only.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "report/fvcore_table.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

constexpr int usual_table_depth = 3;
constexpr std::array<std::string_view, 3> titles = {"module", "#parameters or shape", "#flops"};

/// Three decimals without trailing zeros; the prefix changes at 1e2, 1e5, 1e8, ...
std::string format_size(std::int64_t value) {
  struct Prefix {
    double above;
    double unit;
    char letter;
  };
  static constexpr std::array<Prefix, 5> prefixes = {
      {{1e14, 1e15, 'P'}, {1e11, 1e12, 'T'}, {1e8, 1e9, 'G'}, {1e5, 1e6, 'M'}, {1e2, 1e3, 'K'}}};
  const auto number = static_cast<double>(value);
  for (const Prefix& prefix : prefixes) {
    if (number <= prefix.above) continue;
    std::string text = fmt::format("{:.3f}", number / prefix.unit);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text + prefix.letter;
  }
  return std::to_string(value);
}

/// A module or parameter with its figures; cells are compared as printed, as fvcore does.
struct Entry {
  std::string name;
  std::vector<std::size_t> children;
  std::optional<std::int64_t> parameters;
  std::optional<std::int64_t> flops;
  std::optional<std::string> parameter_cell;
  std::optional<std::string> flops_cell;
  bool kept = false;
};

using Cell = std::optional<std::string>;

/// Whether two cells can be shown as one: fvcore lets an empty one give way.
bool can_join(const Cell& one, const Cell& other) {
  if (one.has_value() != other.has_value()) return false;
  return one == other || one->empty() || other->empty();
}

const Cell& joined(const Cell& one, const Cell& other) {
  return one.has_value() && one->empty() ? other : one;
}

class FvcoreTable {
 public:
  FvcoreTable(const ReportInput& input, int max_depth)
      : graph_(input.graph),
        profile_(input.profile),
        max_depth_(max_depth) {}

  std::string write() {
    if (graph_.modules().empty()) return {};
    choose_rows();
    return print();
  }

  TextTable table() {
    TextTable table;
    for (const std::string_view title : titles) table.column(title);
    if (graph_.modules().empty()) return table;
    choose_rows();
    for (const auto& row : rows_) {
      std::vector<std::string> cells(row.begin(), row.end());
      for (std::string& cell : cells) cell.erase(0, cell.find_first_not_of(' '));
      table.row(std::move(cells));
    }
    return table;
  }

 private:
  static constexpr std::size_t nothing = static_cast<std::size_t>(-1);

  void choose_rows() {
    of_module_.assign(graph_.modules().size(), nothing);
    entry_of(0);
    add_parameters();
    add_modules();
    entries_[0].flops = entries_[0].flops.value_or(0);
    keep(0);
    entries_[0].kept = true;
    fill_cells();
    const std::size_t root = fast_forward(0);
    add_row(root, 0);
    fill(root, 1);
  }

  std::size_t add_entry(std::string name, std::size_t parent) {
    entries_.push_back({std::move(name), {}, {}, {}, {}, {}, false});
    const std::size_t index = entries_.size() - 1;
    if (parent != nothing) entries_[parent].children.push_back(index);
    return index;
  }

  std::size_t entry_of(ModuleId id) {
    if (of_module_[id] != nothing) return of_module_[id];
    const ModuleId parent = graph_.modules()[id].parent;
    const std::size_t above = parent == no_id ? nothing : entry_of(parent);
    return of_module_[id] = add_entry(graph_.module_path(id), above);
  }

  void add_parameters() {
    for (const ParameterId id : graph_.parameters_in_order()) {
      const Parameter& parameter = graph_.parameters()[id];
      if (parameter.kind != ParameterKind::parameter || parameter.shared_with != no_id) continue;
      const std::int64_t count = graph_.numel(parameter.value);
      for (ModuleId at = parameter.module; at != no_id; at = graph_.modules()[at].parent) {
        Entry& entry = entries_[entry_of(at)];
        entry.parameters = entry.parameters.value_or(0) + count;
      }
      const std::size_t index =
          add_entry(graph_.parameter_path(parameter), entry_of(parameter.module));
      entries_[index].parameters = count;
      shapes_[index] = to_string(graph_.shape(parameter.value));
    }
  }

  void add_modules() {
    for (const ModuleId id : graph_.modules_in_order()) {
      entries_[entry_of(id)].flops = profile_.modules[id].cost;
    }
  }

  /// Removes rows of zeros, unless a child remains.
  bool keep(std::size_t index) {
    bool child_stays = false;
    for (const std::size_t child : entries_[index].children)
      child_stays = keep(child) || child_stays;
    Entry& entry = entries_[index];
    entry.kept = child_stays || entry.parameters.value_or(0) != 0 || entry.flops.value_or(0) != 0;
    return entry.kept;
  }

  void fill_cells() {
    for (Entry& entry : entries_) {
      if (entry.parameters) entry.parameter_cell = format_size(*entry.parameters);
      if (entry.flops) entry.flops_cell = format_size(*entry.flops);
    }
    const std::vector<bool> is_seen = seen_modules();
    for (ModuleId id = 0; id < of_module_.size(); ++id) {
      if (of_module_[id] != nothing && !is_seen[id]) entries_[of_module_[id]].flops_cell = "";
    }
    for (const auto& [index, shape] : shapes_) entries_[index].parameter_cell = shape;
  }

  /// The modules that were called, and those around them, such as a ModuleList that its parent only
  /// iterates over.
  std::vector<bool> seen_modules() const {
    std::vector<bool> is_seen(graph_.modules().size());
    for (ModuleId id = static_cast<ModuleId>(is_seen.size()); id-- > 0;) {
      is_seen[id] = is_seen[id] || profile_.calls[id] > 0;
      const ModuleId parent = graph_.modules()[id].parent;
      if (is_seen[id] && parent != no_id) is_seen[parent] = true;
    }
    return is_seen;
  }

  /// A module with one single child of equal figures is shown as that child.
  std::size_t fast_forward(std::size_t index) {
    for (;;) {
      std::size_t child = nothing;
      for (const std::size_t candidate : entries_[index].children) {
        if (!entries_[candidate].kept) continue;
        if (child != nothing) return index;
        child = candidate;
      }
      if (child == nothing) return index;
      const Entry& parent = entries_[index];
      Entry& only = entries_[child];
      if (!can_join(parent.parameter_cell, only.parameter_cell) ||
          !can_join(parent.flops_cell, only.flops_cell)) {
        return index;
      }
      only.parameter_cell = joined(parent.parameter_cell, only.parameter_cell);
      only.flops_cell = joined(parent.flops_cell, only.flops_cell);
      index = child;
    }
  }

  void add_row(std::size_t index, int level) {
    const Entry& entry = entries_[index];
    const std::string indent(static_cast<std::size_t>(level), ' ');
    const std::string name = entry.name.empty() ? "model" : cut_cell(escape_controls(entry.name));
    rows_.push_back({indent + name, entry.parameter_cell ? indent + *entry.parameter_cell : "",
                     entry.flops_cell ? indent + *entry.flops_cell : ""});
  }

  void fill(std::size_t parent, int level) {
    if (level > max_depth_) return;
    for (const std::size_t child : entries_[parent].children) {
      if (!entries_[child].kept) continue;
      const std::size_t shown = fast_forward(child);
      add_row(shown, level);
      fill(shown, level + 1);
    }
  }

  std::string print() const {
    std::array<std::size_t, 3> widths{};
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = titles[i].size() + 2;
      for (const auto& row : rows_) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (std::size_t i = 0; i < widths.size(); ++i)
      text += "| " + pad_right(titles[i], widths[i]) + " ";
    text += "|\n";
    for (const std::size_t width : widths) text += "|:" + std::string(width + 1, '-');
    text += "|\n";
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < widths.size(); ++i)
        text += "| " + pad_right(row[i], widths[i]) + " ";
      text += "|\n";
    }
    return text;
  }

  const Graph& graph_;
  const Profile& profile_;
  int max_depth_;
  std::vector<Entry> entries_;
  std::vector<std::size_t> of_module_;
  std::map<std::size_t, std::string> shapes_;
  std::vector<std::array<std::string, 3>> rows_;
};

std::string write_table(const ReportInput& input, const ReportOptions& options) {
  return FvcoreTable(input, depth_limit(options, usual_table_depth)).write();
}

}  // namespace

TextTable fvcore_text_table(const ReportInput& input, const ReportOptions& options) {
  return FvcoreTable(input, depth_limit(options, usual_table_depth)).table();
}

extern constinit const Report fvcore_table_report = {
    "table", "fvcore's flop_count_table, to the byte", write_table};

}  // namespace zoometer
