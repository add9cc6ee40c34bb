#include "analysis/module_match.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "util/seeded_hash.hpp"

namespace zoometer {
namespace {

using Hash = std::uint64_t;

Hash mix(Hash seed, Hash value) {
  return folded_product(seed ^ value ^ hash_seed.first, 0x9E3779B97F4A7C15ULL ^ hash_seed.second);
}
Hash mix(Hash seed, std::string_view text) { return mix(seed, seeded_hash(text)); }
Hash mix(Hash seed, const Shape& shape) {
  seed = mix(seed, shape.size());
  for (const std::int64_t size : shape) seed = mix(seed, static_cast<Hash>(size));
  return seed;
}

/// A name like "3" is a position in a sequence; "layer3" names the module.
bool is_position(std::string_view name) {
  return name.find_first_not_of("0123456789") == std::string_view::npos;
}

/// A graph's modules as a tree, with what measures how similar two of them are.
class ModuleTree {
 public:
  explicit ModuleTree(const Graph& graph) : graph_(graph), entries_(graph.modules().size()) {
    for (const ModuleId id : graph.modules_in_order()) {
      const ModuleId parent = info(id).parent;
      if (parent != no_id) entries_[parent].children.push_back(id);
    }
    for (std::size_t id = 0; id < entries_.size(); ++id)
      entries_[id].structure = entries_[id].whole = mix(0, info(static_cast<ModuleId>(id)).kind);
    add_parameters();
    add_operators();
    for (std::size_t id = entries_.size(); id-- > 0;) close(static_cast<ModuleId>(id));
  }

  std::size_t size() const noexcept { return entries_.size(); }
  const ModuleInfo& info(ModuleId id) const noexcept { return graph_.modules()[id]; }
  const std::vector<ModuleId>& children(ModuleId id) const noexcept {
    return entries_[id].children;
  }
  /// Of types, names within and parameters.
  Hash structure(ModuleId id) const noexcept { return entries_[id].structure; }
  /// The same with operators, their attributes and shapes.
  Hash whole(ModuleId id) const noexcept { return entries_[id].whole; }
  /// Modules below and itself.
  std::size_t count(ModuleId id) const noexcept { return entries_[id].count; }
  bool has_parameters(ModuleId id) const noexcept { return entries_[id].has_parameters; }
  /// Of what a module without others in it computes with several operands, its weights: operators
  /// and the sizes of the second operands. Alike whatever framework names and stores them.
  Hash layer(ModuleId id) const noexcept {
    return entries_[id].children.empty() ? entries_[id].layer : 0;
  }
  /// The modules in the order in which they first run.
  const std::vector<ModuleId>& running() const noexcept { return running_; }

  /// How similar two modules are, from 0 to 1: Dice's coefficient of their features.
  static double likeness(const ModuleTree& a, ModuleId x, const ModuleTree& b, ModuleId y) {
    const std::vector<Hash>& left = a.entries_[x].features;
    const std::vector<Hash>& right = b.entries_[y].features;
    std::size_t common = 0;
    for (std::size_t i = 0, j = 0; i < left.size() && j < right.size();) {
      if (left[i] == right[j])
        ++common, ++i, ++j;
      else if (left[i] < right[j])
        ++i;
      else
        ++j;
    }
    return 2.0 * static_cast<double>(common) / static_cast<double>(left.size() + right.size());
  }

 private:
  struct Entry {
    std::vector<ModuleId> children;
    Hash structure = 0;
    Hash whole = 0;
    Hash parameters = 0;
    Hash layer = 0;  // 0: none
    bool runs = false;
    std::size_t count = 1;
    bool has_parameters = false;
    std::vector<Hash> features;  // sorted: types of all modules below, and types with parameters
  };
  /// Of a larger module only the lowest hashes are kept: a sample that is equal for equal modules.
  static constexpr std::size_t most_features = 256;

  void add_parameters() {
    for (const ParameterId id : graph_.parameters_in_order()) {
      const Parameter& parameter = graph_.parameters()[id];
      Entry& entry = entries_[parameter.module];
      Hash hash = mix(mix(entry.parameters, parameter.name), graph_.shape(parameter.value));
      hash = mix(hash, static_cast<Hash>(graph_.value(parameter.value).dtype));
      entry.parameters = mix(hash, static_cast<Hash>(parameter.kind));
      entry.has_parameters = true;
    }
  }
  void add_operators() {
    for (const Node& node : graph_.nodes()) {
      Entry& entry = entries_[node.module];
      if (!entry.runs) running_.push_back(node.module);
      entry.runs = true;
      Hash& hash = entry.whole;
      hash = mix(mix(hash, node.op->name), to_string(*node.op, node.attrs));
      for (ValueId i = 0; i < node.output_count; ++i)
        hash = mix(hash, graph_.shape(node.first_output + i));
      const std::span<const ValueId> inputs = graph_.inputs_of(node);
      if (inputs.size() > 1 && inputs[1] != no_id)
        entry.layer = mix(mix(entry.layer, node.op->name), graph_.shape(inputs[1]));
    }
  }
  /// Finishes a module whose children are finished.
  void close(ModuleId id) {
    Entry& entry = entries_[id];
    const Hash kind = entry.structure;
    entry.features = {kind};
    if (entry.has_parameters) entry.features.push_back(mix(kind, entry.parameters));
    entry.structure = mix(kind, entry.parameters);
    for (const ModuleId child : entry.children) {
      const Entry& part = entries_[child];
      entry.structure = mix(mix(entry.structure, info(child).name), part.structure);
      entry.whole = mix(mix(entry.whole, info(child).name), part.whole);
      entry.count += part.count;
      entry.has_parameters = entry.has_parameters || part.has_parameters;
      entry.features.insert(entry.features.end(), part.features.begin(), part.features.end());
    }
    entry.whole = mix(entry.whole, entry.structure);
    std::sort(entry.features.begin(), entry.features.end());
    if (entry.features.size() > most_features) entry.features.resize(most_features);
  }

  const Graph& graph_;
  std::vector<Entry> entries_;
  std::vector<ModuleId> running_;
};

class Matcher {
 public:
  Matcher(const Graph& before, const Graph& after)
      : before_(before),
        after_(after),
        match_{std::vector<ModuleId>(before_.size(), no_id),
               std::vector<ModuleId>(after_.size(), no_id)} {}

  ModuleMatch run() {
    if (before_.size() > 0 && after_.size() > 0) pair(0, 0);
    align_below();
    find_moved();
    find_alike();
    find_layers();
    follow_siblings();
    return std::move(match_);
  }

 private:
  using Ids = std::vector<ModuleId>;

  /// Modules of which one may be the other's. Only the first of them are looked at, since a file
  /// may have a hundred thousand that are alike.
  static constexpr std::size_t most_candidates = 256;
  struct Candidates {
    Ids all;
    std::size_t next = 0;  ///< of `all`: those before were open once
    Ids open;              ///< the first ones that were
  };

  const Ids& first_open(Candidates& candidates) const {
    Ids& open = candidates.open;
    std::erase_if(open, [&](ModuleId y) { return !is_open_after(y); });
    while (open.size() < most_candidates && candidates.next < candidates.all.size()) {
      const ModuleId y = candidates.all[candidates.next++];
      if (is_open_after(y)) open.push_back(y);
    }
    return open;
  }

  bool is_open_before(ModuleId id) const { return match_.after_of[id] == no_id; }
  bool is_open_after(ModuleId id) const { return match_.before_of[id] == no_id; }

  void pair(ModuleId x, ModuleId y) {
    match_.after_of[x] = y;
    match_.before_of[y] = x;
    to_align_.emplace_back(x, y);
  }

  void align_below() {
    while (!to_align_.empty()) {
      const auto [x, y] = to_align_.back();
      to_align_.pop_back();
      align_children(x, y);
    }
  }

  Ids open_children(const ModuleTree& tree, ModuleId id, bool is_before) const {
    Ids open;
    for (const ModuleId child : tree.children(id)) {
      if (is_before ? is_open_before(child) : is_open_after(child)) open.push_back(child);
    }
    return open;
  }

  void align_children(ModuleId x, ModuleId y) {
    Ids left = open_children(before_, x, true);
    Ids right = open_children(after_, y, false);
    while (!left.empty() && !right.empty() && are_plainly_equal(left.back(), right.back())) {
      pair(left.back(), right.back());
      left.pop_back();
      right.pop_back();
    }
    std::size_t begin = 0;
    for (; begin < std::min(left.size(), right.size()); ++begin) {
      if (!are_plainly_equal(left[begin], right[begin])) break;
      pair(left[begin], right[begin]);
    }
    left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(begin));
    right.erase(right.begin(), right.begin() + static_cast<std::ptrdiff_t>(begin));
    constexpr std::size_t most_cells = 4'000'000;
    if (left.size() * right.size() <= most_cells) align(left, right);
    pair_namesakes(left, right);
  }

  bool are_plainly_equal(ModuleId x, ModuleId y) const {
    return before_.info(x).name == after_.info(y).name && before_.whole(x) == after_.whole(y);
  }

  /// The worth of matching two children; 0: they do not match.
  double worth(ModuleId x, ModuleId y) const {
    const bool same_name = before_.info(x).name == after_.info(y).name;
    const bool same_kind = before_.info(x).kind == after_.info(y).kind;
    const bool is_word = !is_position(before_.info(x).name);
    constexpr double word = 6;
    constexpr double position = 0.25;
    if (!same_kind) {
      const bool both_are_leaves = before_.children(x).empty() && after_.children(y).empty();
      if (!same_name) return 0;
      return is_word ? word : (both_are_leaves ? position : 0);
    }
    const double likeness = ModuleTree::likeness(before_, x, after_, y);
    if (!same_name && likeness < 0.5) return 0;
    const double name = same_name ? (is_word ? word : position) : 0;
    const double exact = before_.whole(x) == after_.whole(y) ? 0.5 : 0;
    return 1 + 2 * likeness + exact + name;
  }

  /// Needleman and Wunsch's alignment: the pairs in order with the highest total worth.
  void align(const Ids& left, const Ids& right) {
    const std::size_t width = right.size() + 1;
    std::vector<double> worths(left.size() * right.size());
    std::vector<double> best((left.size() + 1) * width, 0);
    for (std::size_t i = left.size(); i-- > 0;) {
      for (std::size_t j = right.size(); j-- > 0;) {
        const double one = worth(left[i], right[j]);
        worths[i * right.size() + j] = one;
        const double both = one > 0 ? one + best[(i + 1) * width + j + 1] : 0;
        best[i * width + j] = std::max({both, best[(i + 1) * width + j], best[i * width + j + 1]});
      }
    }
    for (std::size_t i = 0, j = 0; i < left.size() && j < right.size();) {
      const double here = best[i * width + j];
      const double one = worths[i * right.size() + j];
      if (one > 0 && here == one + best[(i + 1) * width + j + 1]) {
        pair(left[i++], right[j++]);
      } else if (here == best[(i + 1) * width + j]) {
        ++i;
      } else {
        ++j;
      }
    }
  }

  /// Children in another order, or too many to align.
  void pair_namesakes(const Ids& left, const Ids& right) {
    NameMap<ModuleId> by_name;
    for (const ModuleId y : right) {
      if (is_open_after(y)) by_name.emplace(after_.info(y).name, y);
    }
    for (const ModuleId x : left) {
      const auto found = is_open_before(x) ? by_name.find(before_.info(x).name) : by_name.end();
      if (found == by_name.end() || !is_open_after(found->second)) continue;
      const bool same_kind = before_.info(x).kind == after_.info(found->second).kind;
      if (same_kind || !is_position(before_.info(x).name)) pair(x, found->second);
    }
  }

  /// Modules with parameters that moved unchanged.
  void find_moved() {
    std::unordered_map<Hash, Candidates> by_structure;
    for (ModuleId y = 0; y < after_.size(); ++y) {
      if (is_open_after(y) && after_.has_parameters(y))
        by_structure[after_.structure(y)].all.push_back(y);
    }
    Ids open;
    for (ModuleId x = 0; x < before_.size(); ++x) {
      if (is_open_before(x) && before_.has_parameters(x)) open.push_back(x);
    }
    std::stable_sort(open.begin(), open.end(),
                     [&](ModuleId x, ModuleId y) { return before_.count(x) > before_.count(y); });
    for (const ModuleId x : open) {
      const auto found = by_structure.find(before_.structure(x));
      if (!is_open_before(x) || found == by_structure.end()) continue;
      const ModuleId y = best_of(x, found->second, [&](ModuleId candidate) {
        return (before_.whole(x) == after_.whole(candidate) ? 2.0 : 1.0) +
               (before_.info(x).name == after_.info(candidate).name ? 0.5 : 0.0);
      });
      if (y == no_id) continue;
      pair(x, y);
      align_below();
    }
  }

  /// Modules that moved and changed: of the same name and type, and similar.
  void find_alike() {
    std::unordered_map<Hash, Candidates> by_name;
    const auto key = [](const ModuleInfo& info) { return mix(mix(0, info.name), info.kind); };
    for (ModuleId y = 0; y < after_.size(); ++y) {
      const bool is_named = !is_position(after_.info(y).name);
      if (is_open_after(y) && is_named && after_.has_parameters(y))
        by_name[key(after_.info(y))].all.push_back(y);
    }
    for (ModuleId x = 0; x < before_.size(); ++x) {
      const auto found = by_name.find(key(before_.info(x)));
      if (!is_open_before(x) || found == by_name.end()) continue;
      const ModuleId y = best_of(x, found->second, [&](ModuleId candidate) {
        const double likeness = ModuleTree::likeness(before_, x, after_, candidate);
        return likeness < 0.5 ? 0 : likeness;
      });
      if (y == no_id) continue;
      pair(x, y);
      align_below();
    }
  }

  /// Layers of another framework, whose types have other names: the same product of the same
  /// weights. The longest sequence of pairs in the order in which both run, then the others.
  void find_layers() {
    const Ids left = open_layers(before_, true), right = open_layers(after_, false);
    constexpr std::size_t most_cells = 4'000'000;
    if (left.empty() || left.size() * right.size() > most_cells) return;
    const auto are_alike = [&](ModuleId x, ModuleId y) {
      return before_.layer(x) == after_.layer(y) && before_.info(x).kind != after_.info(y).kind;
    };
    const std::size_t width = right.size() + 1;
    std::vector<std::uint32_t> longest((left.size() + 1) * width, 0);
    for (std::size_t i = left.size(); i-- > 0;) {
      for (std::size_t j = right.size(); j-- > 0;) {
        longest[i * width + j] =
            are_alike(left[i], right[j])
                ? longest[(i + 1) * width + j + 1] + 1
                : std::max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
      }
    }
    for (std::size_t i = 0, j = 0; i < left.size() && j < right.size();) {
      if (are_alike(left[i], right[j])) {
        pair(left[i++], right[j++]);
      } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
        ++i;
      } else {
        ++j;
      }
    }
    for (const ModuleId x : left) {
      const auto found = std::ranges::find_if(
          right, [&](ModuleId y) { return is_open_after(y) && are_alike(x, y); });
      if (is_open_before(x) && found != right.end()) pair(x, *found);
    }
    align_below();
  }
  Ids open_layers(const ModuleTree& tree, bool is_before) const {
    Ids open;
    for (const ModuleId id : tree.running()) {
      const bool is_layer = tree.layer(id) != 0 && tree.has_parameters(id);
      if (is_layer && (is_before ? is_open_before(id) : is_open_after(id))) open.push_back(id);
    }
    return open;
  }

  /// Modules without parameters follow a sibling that moved, if there is one of their name and
  /// type.
  void follow_siblings() {
    std::unordered_map<Hash, Candidates> by_place;
    const auto key = [](ModuleId parent, const ModuleInfo& info) {
      return mix(mix(mix(0, parent), info.name), info.kind);
    };
    for (ModuleId y = 1; y < after_.size(); ++y) {
      const ModuleInfo& info = after_.info(y);
      if (is_open_after(y)) by_place[key(info.parent, info)].all.push_back(y);
    }
    if (by_place.empty()) return;
    std::vector<std::optional<Ids>> new_parents(before_.size());
    for (ModuleId x = 1; x < before_.size(); ++x) {
      if (!is_open_before(x)) continue;
      const ModuleId parent = before_.info(x).parent;
      if (!new_parents[parent]) new_parents[parent] = parents_after(parent);
      for (const ModuleId there : *new_parents[parent]) {
        const auto found = by_place.find(key(there, before_.info(x)));
        if (found == by_place.end()) continue;
        const Ids& open = first_open(found->second);
        if (open.empty()) continue;
        pair(x, open.front());
        align_below();
        break;
      }
    }
  }
  /// The first modules below which the children of a module are now.
  Ids parents_after(ModuleId id) const {
    Ids parents;
    std::unordered_set<ModuleId> known;
    for (const ModuleId child : before_.children(id)) {
      const ModuleId there = match_.after_of[child];
      const ModuleId parent = there == no_id ? no_id : after_.info(there).parent;
      if (parent == no_id || !known.insert(parent).second) continue;
      parents.push_back(parent);
      if (parents.size() == most_candidates) break;
    }
    return parents;
  }

  /// The open candidate of the highest worth above 0, the first of equal ones; else `no_id`.
  template <class Worth>
  ModuleId best_of(ModuleId x, Candidates& candidates, const Worth& worth_of) const {
    ModuleId best = no_id;
    double most = 0;
    for (const ModuleId y : first_open(candidates)) {
      if (before_.info(x).kind != after_.info(y).kind) continue;
      const double one = worth_of(y);
      if (one <= most) continue;
      most = one;
      best = y;
    }
    return best;
  }

  ModuleTree before_;
  ModuleTree after_;
  ModuleMatch match_;
  std::vector<std::pair<ModuleId, ModuleId>> to_align_;
};

}  // namespace

ModuleMatch match_modules(const Graph& before, const Graph& after) {
  return Matcher(before, after).run();
}

}  // namespace zoometer
