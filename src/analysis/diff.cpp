#include "analysis/diff.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "analysis/module_match.hpp"
#include "util/seeded_hash.hpp"

namespace zoometer {
namespace {

using Pairs = std::vector<TextPair>;

constexpr std::int64_t Metrics::*compared[] = {
    &Metrics::parameters, &Metrics::buffers,     &Metrics::parameter_bytes, &Metrics::macs,
    &Metrics::flops,      &Metrics::activations, &Metrics::bytes_read,      &Metrics::bytes_written,
};

bool are_equal(const Metrics& a, const Metrics& b) {
  return std::all_of(std::begin(compared), std::end(compared),
                     [&](auto member) { return a.*member == b.*member; });
}

/// What a graph holds of each module itself, without those below it.
class OwnParts {
 public:
  explicit OwnParts(const Graph& graph)
      : graph_(graph),
        children_(graph.modules().size()),
        parameters_(graph.modules().size()),
        nodes_(graph.modules().size()),
        outputs_(graph.modules().size()) {
    for (const ModuleId id : graph.modules_in_order()) {
      if (graph.modules()[id].parent != no_id) children_[graph.modules()[id].parent].push_back(id);
    }
    for (const Parameter& parameter : graph.parameters())
      parameters_[parameter.module].push_back(&parameter);
    for (NodeId id = 0; id < graph.nodes().size(); ++id) {
      const Node& node = graph.nodes()[id];
      if (node.op->name != "name_axes") nodes_[node.module].push_back(id);
    }
    for (const ModuleCall& call : graph.calls()) outputs_[call.module] += shapes_text(call) + "; ";
  }

  const std::vector<ModuleId>& children(ModuleId id) const { return children_[id]; }

  /// What the module is, as names with texts, in the order in which it is shown.
  Pairs facts(ModuleId id, std::int64_t calls) const {
    Pairs facts = {{"type", std::string(graph_.modules()[id].kind)}, {"output", outputs(id)}};
    if (calls != 1) facts.emplace_back("calls", std::to_string(calls));
    for (const Parameter* parameter : parameters_[id]) {
      const DType dtype = graph_.dtype(parameter->value);
      std::string text = to_short_string(graph_.shape(parameter->value));
      if (dtype != DType::float32) text.append(" ").append(name_of(dtype));
      facts.emplace_back(parameter->name, std::move(text));
    }
    return facts;
  }

  /// The operators that run in the module itself, in their order, without names of axes: they move
  /// nothing, and where channels are last every layer has some.
  std::vector<std::string> operators(ModuleId id) const {
    std::vector<std::string> names;
    for (const NodeId node : nodes_[id]) names.push_back(operator_name(graph_.nodes()[node]));
    return names;
  }

  /// The attributes of those operators, one list for each.
  std::vector<Pairs> attributes(ModuleId id) const {
    std::vector<Pairs> all;
    for (const NodeId node : nodes_[id]) {
      const Node& one = graph_.nodes()[node];
      all.push_back(attribute_texts(*one.op, one.attrs, to_short_string));
    }
    return all;
  }

 private:
  std::string shapes_text(const ModuleCall& call) const {
    std::string text;
    for (const ValueId value : graph_.outputs_of(call))
      text += (text.empty() ? "" : ", ") + to_short_string(graph_.shape(value));
    return text;
  }
  /// Of calls that return the same only one is shown.
  std::string outputs(ModuleId id) const {
    std::string_view all = outputs_[id];
    std::string text;
    for (std::string_view last; !all.empty();) {
      const std::string_view one = all.substr(0, all.find("; "));
      all.remove_prefix(one.size() + 2);
      if (one == last) continue;
      text.append(text.empty() ? "" : "; ").append(one);
      last = one;
    }
    return text;
  }

  const Graph& graph_;
  std::vector<std::vector<ModuleId>> children_;
  std::vector<std::vector<const Parameter*>> parameters_;
  std::vector<std::vector<NodeId>> nodes_;
  std::vector<std::string> outputs_;
};

/// "2 x relu, add".
std::string counted_text(const std::vector<std::string>& names) {
  std::vector<std::pair<std::string_view, int>> counts;
  NameMap<std::size_t> places;
  for (const std::string& name : names) {
    const auto [place, is_new] = places.emplace(name, counts.size());
    if (is_new)
      counts.emplace_back(name, 1);
    else
      ++counts[place->second].second;
  }
  std::string text;
  for (const auto& [name, count] : counts) {
    if (!text.empty()) text += ", ";
    if (count > 1) text += std::to_string(count) + " x ";
    text += name;
  }
  return text;
}

constexpr std::size_t few = 16;

/// Finds the text of a name: the first one. Most lists are short, but a module may have a hundred
/// thousand parameters.
class PairIndex {
 public:
  explicit PairIndex(const Pairs& pairs) : pairs_(pairs) {
    if (pairs.size() <= few) return;
    for (const auto& [key, text] : pairs) by_name_.emplace(key, &text);
  }
  const std::string* find(std::string_view name) const {
    if (pairs_.size() > few) {
      const auto found = by_name_.find(name);
      return found == by_name_.end() ? nullptr : found->second;
    }
    for (const auto& [key, text] : pairs_) {
      if (key == name) return &text;
    }
    return nullptr;
  }

 private:
  const Pairs& pairs_;
  NameMap<const std::string*> by_name_;
};

bool are_same(const ModuleDetail& a, const ModuleDetail& b) {
  return a.what == b.what && a.before == b.before && a.after == b.after;
}
std::string text_of(const ModuleDetail& detail) {
  return detail.what + '\0' + detail.before + '\0' + detail.after;
}

/// The details of a module, each once.
class DetailList {
 public:
  explicit DetailList(std::vector<ModuleDetail>& details) : details_(details) {}

  void add(ModuleDetail detail) {
    if (details_.size() <= few) {
      const auto is_same = [&](const ModuleDetail& each) { return are_same(each, detail); };
      if (std::ranges::none_of(details_, is_same)) details_.push_back(std::move(detail));
      return;
    }
    if (known_.empty())
      for (const ModuleDetail& each : details_) known_.insert(text_of(each));
    if (known_.insert(text_of(detail)).second) details_.push_back(std::move(detail));
  }

  /// Adds the facts in which two lists differ.
  void compare(const Pairs& before, const Pairs& after) {
    const PairIndex in_before(before), in_after(after);
    for (const auto& [what, text] : before) {
      const std::string* other = in_after.find(what);
      if (other == nullptr || *other != text)
        add({what, text, other == nullptr ? std::string() : *other});
    }
    for (const auto& [what, text] : after) {
      if (in_before.find(what) == nullptr) add({what, {}, text});
    }
  }

 private:
  std::vector<ModuleDetail>& details_;
  TextSet known_;  ///< where there are many
};

class DiffBuilder {
 public:
  DiffBuilder(const DiffSide& before, const DiffSide& after)
      : before_(before),
        after_(after),
        match_(match_modules(before.graph, after.graph)),
        parts_before_(before.graph),
        parts_after_(after.graph) {}

  Diff run() {
    add_modules();
    mark_parents();
    add_operators();
    return std::move(diff_);
  }

 private:
  struct Place {
    ModuleId before = no_id;
    ModuleId after = no_id;
    std::uint32_t parent = no_id;
  };

  void add_modules() {
    std::vector<Place> open;
    if (!match_.before_of.empty())
      open.push_back({match_.before_of[0], 0, no_id});
    else if (!match_.after_of.empty())
      open.push_back({0, no_id, no_id});
    while (!open.empty()) {
      const Place place = open.back();
      open.pop_back();
      const auto row = static_cast<std::uint32_t>(diff_.modules.size());
      diff_.modules.push_back(compared_module(place));
      std::vector<Place> below = places_below(place, row);
      open.insert(open.end(), below.rbegin(), below.rend());
    }
  }

  /// The children after, and between them those that were removed, where they were.
  std::vector<Place> places_below(const Place& place, std::uint32_t row) const {
    std::vector<Place> kept;
    if (place.after != no_id) {
      for (const ModuleId child : parts_after_.children(place.after))
        kept.push_back({match_.before_of[child], child, row});
    }
    if (place.before == no_id) return kept;
    const std::vector<ModuleId>& were = parts_before_.children(place.before);
    const auto is_removed = [&](ModuleId child) { return match_.after_of[child] == no_id; };
    if (std::ranges::none_of(were, is_removed)) return kept;
    std::unordered_map<ModuleId, std::size_t> after_child;  // the place after it
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (kept[i].before != no_id) after_child.emplace(kept[i].before, i + 1);
    }
    std::vector<std::vector<Place>> removed(kept.size() + 1);  // what is before each place
    std::size_t position = 0;
    for (const ModuleId child : were) {
      if (is_removed(child)) {
        removed[position].push_back({child, no_id, row});
      } else if (const auto found = after_child.find(child); found != after_child.end()) {
        position = found->second;
      }
    }
    std::vector<Place> below;
    for (std::size_t i = 0; i <= kept.size(); ++i) {
      below.insert(below.end(), removed[i].begin(), removed[i].end());
      if (i < kept.size()) below.push_back(kept[i]);
    }
    return below;
  }

  ModuleDiff compared_module(const Place& place) const {
    ModuleDiff module;
    module.before = place.before;
    module.after = place.after;
    module.parent = place.parent;
    if (place.parent != no_id) module.depth = diff_.modules[place.parent].depth + 1;
    if (place.before == no_id) {
      module.state = ModuleState::added;
    } else if (place.after == no_id) {
      module.state = ModuleState::removed;
    } else {
      compare_pair(module);
    }
    return module;
  }

  void compare_pair(ModuleDiff& module) const {
    const ModuleInfo& was = before_.graph.modules()[module.before];
    const ModuleInfo& is = after_.graph.modules()[module.after];
    const bool has_parents = was.parent != no_id && is.parent != no_id;
    module.moved = has_parents ? match_.after_of[was.parent] != is.parent
                               : was.parent != no_id || is.parent != no_id;
    module.renamed = was.name != is.name;
    DetailList details(module.details);
    details.compare(parts_before_.facts(module.before, before_.profile.calls[module.before]),
                    parts_after_.facts(module.after, after_.profile.calls[module.after]));
    compare_operators(module, details);
    const bool is_same = module.details.empty() &&
                         are_equal(before_.metrics(module.before), after_.metrics(module.after));
    module.state = is_same ? ModuleState::same : ModuleState::changed;
  }

  void compare_operators(const ModuleDiff& module, DetailList& details) const {
    const std::vector<std::string> was = parts_before_.operators(module.before);
    const std::vector<std::string> is = parts_after_.operators(module.after);
    if (was != is) {
      details.add({"operators", counted_text(was), counted_text(is)});
      return;
    }
    const std::vector<Pairs> before = parts_before_.attributes(module.before);
    const std::vector<Pairs> after = parts_after_.attributes(module.after);
    for (std::size_t i = 0; i < before.size(); ++i) details.compare(before[i], after[i]);
  }

  void mark_parents() {
    for (std::size_t i = diff_.modules.size(); i-- > 0;) {
      ModuleDiff& module = diff_.modules[i];
      module.holds_changes = module.holds_changes || module.state != ModuleState::same ||
                             module.renamed || module.moved;
      if (module.holds_changes && module.parent != no_id)
        diff_.modules[module.parent].holds_changes = true;
      count(module);
    }
  }

  void count(const ModuleDiff& module) {
    DiffCounts& counts = diff_.counts;
    switch (module.state) {
    case ModuleState::same: ++counts.same; break;
    case ModuleState::changed: ++counts.changed; break;
    case ModuleState::added: ++counts.added; break;
    case ModuleState::removed: ++counts.removed; break;
    }
    if (module.renamed) ++counts.renamed;
    if (module.moved) ++counts.moved;
  }

  void add_operators() {
    std::map<std::string, OperatorDiff> by_name;
    for (const OperatorMetrics& entry : before_.profile.operators) {
      by_name[entry.name].count_before = entry.count;
      by_name[entry.name].before = entry.metrics;
    }
    for (const OperatorMetrics& entry : after_.profile.operators) {
      by_name[entry.name].count_after = entry.count;
      by_name[entry.name].after = entry.metrics;
    }
    for (auto& [name, entry] : by_name) {
      if (entry.count_before == entry.count_after && are_equal(entry.before, entry.after)) continue;
      entry.name = name;
      diff_.operators.push_back(std::move(entry));
    }
    std::stable_sort(diff_.operators.begin(), diff_.operators.end(),
                     [](const OperatorDiff& a, const OperatorDiff& b) {
                       return std::max(a.before.flops, a.after.flops) >
                              std::max(b.before.flops, b.after.flops);
                     });
  }

  const DiffSide& before_;
  const DiffSide& after_;
  ModuleMatch match_;
  OwnParts parts_before_;
  OwnParts parts_after_;
  Diff diff_;
};

}  // namespace

std::string_view name_of(ModuleState state) noexcept {
  constexpr std::array<std::string_view, 4> names = {"same", "changed", "added", "removed"};
  return names[static_cast<std::size_t>(state)];
}

Diff diff(const DiffSide& before, const DiffSide& after) {
  return DiffBuilder(before, after).run();
}

std::optional<double> relative_change(long double before, long double after) noexcept {
  if (before == after) return 0.0;
  if (before == 0) return std::nullopt;
  return static_cast<double>((after - before) / before);
}

}  // namespace zoometer
