#include "import/onnx/modules.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>
#include <string>

#include "util/seeded_hash.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::size_t most_levels = 32;
constexpr std::string_view no_class = "Module";

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The part before the last separator; empty if there is none.
std::string_view before_last(std::string_view text, char separator) {
  // Faster than rfind, which every name of a file would pay for.
  const void* at = text.empty() ? nullptr : memrchr(text.data(), separator, text.size());
  if (at == nullptr) return {};
  return text.substr(0, static_cast<std::size_t>(static_cast<const char*>(at) - text.data()));
}

/// The rest of the text after what `before_last` gave and the separator; all of it if that is
/// empty.
std::string_view after(std::string_view before, std::string_view text) {
  return before.data() == nullptr ? text : text.substr(before.size() + 1);
}

/// The part after the last separator; all of the text if there is none.
std::string_view after_last(std::string_view text, char separator) {
  return after(before_last(text, separator), text);
}

/// Whether this can be part of a weight's name: scopes have slashes, tensors have colons.
bool has_no_scope(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '/' || c == ':'; });
}

/// "weight", but not "1".
bool is_own_name(std::string_view name) {
  return !name.empty() && !is_number(name) && has_no_scope(name);
}

/// The first levels of a dotted path: as many as modules can have.
std::string_view outer_levels(std::string_view path) {
  std::size_t at = 0;
  for (std::size_t level = 0; level < most_levels; ++level) {
    const std::size_t dot = path.find('.', at);
    if (dot == std::string_view::npos) return path;
    at = dot + 1;
  }
  return path.substr(0, at - 1);
}

/// "layer1.0.conv1" and "weight", but not "input" and "1".
bool is_dotted_path(std::string_view path, std::string_view name) {
  return path.data() != nullptr && is_own_name(name) && has_no_scope(path);
}

bool is_dotted_path(std::string_view name) {
  const std::string_view path = before_last(name, '.');
  return is_dotted_path(path, after(path, name));
}

/// The strings of a printed Python list: "['', 'layer1', 'layer1.0']".
std::vector<std::string_view> python_list(std::string_view text) {
  std::vector<std::string_view> items;
  while (items.size() <= most_levels) {
    const std::size_t begin = text.find_first_of("'\"");
    if (begin == std::string_view::npos) break;
    const std::size_t end = text.find(text[begin], begin + 1);
    if (end == std::string_view::npos) break;
    items.push_back(text.substr(begin + 1, end - begin - 1));
    text.remove_prefix(end + 1);
  }
  return items;
}

std::string_view metadata_of(const OnnxNode& node, std::string_view key) {
  for (const auto& [name, value] : node.metadata) {
    if (name == key) return value;
  }
  return {};
}

using ScopeAndClass = std::pair<std::string_view, std::string_view>;

/// Dotted paths with their classes, outermost first and without the operator itself.
std::vector<ScopeAndClass> metadata_levels(const OnnxNode& node) {
  std::vector<ScopeAndClass> levels;
  const auto names = python_list(metadata_of(node, "pkg.torch.onnx.name_scopes"));
  const auto classes = python_list(metadata_of(node, "pkg.torch.onnx.class_hierarchy"));
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    levels.emplace_back(names[i], i < classes.size() ? after_last(classes[i], '.') : no_class);
  }
  if (!names.empty()) return levels;

  // "': torchvision.models.resnet.ResNet/conv1: torch.nn.modules.conv.Conv2d/conv2d: aten.conv2d"
  std::string_view rest = metadata_of(node, "namespace");
  while (levels.size() <= most_levels) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) break;
    const std::string_view level = rest.substr(0, slash);
    const std::size_t colon = level.find(": ");
    if (colon == std::string_view::npos) return {};
    levels.emplace_back(level.substr(0, colon), after_last(level.substr(colon + 2), '.'));
    rest.remove_prefix(slash + 1);
  }
  return levels;
}

/// The path of a convolution into which the exporter folded the norm after it, or nothing. Such a
/// node has the scope of the norm; the name of its weight shows the convolution's.
std::string_view fused_into(const OnnxNode& node) {
  if (!has_folded_norm(node) || node.inputs.size() < 2) return {};
  return is_dotted_path(node.inputs[1]) ? before_last(node.inputs[1], '.') : std::string_view{};
}

bool is_below(std::string_view path, std::string_view outer) {
  return outer.empty() ||
         (path.size() > outer.size() && path.starts_with(outer) && path[outer.size()] == '.');
}

/// Replaces the levels by the one module of that path.
void redirect(std::vector<ScopeAndClass>& levels, std::string_view path, std::string_view kind) {
  while (!levels.empty() && !is_below(path, levels.back().first)) levels.pop_back();
  std::size_t dot = levels.empty() ? 0 : levels.back().first.size();
  for (dot = path.find('.', dot + 1); dot != std::string_view::npos; dot = path.find('.', dot + 1))
    levels.emplace_back(path.substr(0, dot), no_class);
  levels.emplace_back(path, kind);
}

/// What follows `outer` in the scopes that begin with it.
std::string_view rest_of(std::string_view scopes, std::string_view outer) {
  scopes.remove_prefix(outer.size());
  return scopes.starts_with('/') ? scopes.substr(1) : scopes;
}

/// What a scope adds to its parent's path: the exporter writes "layer1.0" below "layer1".
std::string_view relative_name(std::string_view parent, std::string_view name) {
  for (std::string_view tail = parent; !tail.empty();) {
    if (name.size() > tail.size() && name[tail.size()] == '.' && name.starts_with(tail)) {
      return name.substr(tail.size() + 1);
    }
    const std::size_t dot = tail.find('.');
    if (dot == std::string_view::npos) break;
    tail.remove_prefix(dot + 1);
  }
  return name;
}

std::uint32_t hash_of(std::uint32_t owner, std::string_view name) noexcept {
  return static_cast<std::uint32_t>(folded_product(seeded_hash(name) ^ owner, hash_seed.second));
}

}  // namespace

bool has_folded_norm(const OnnxNode& node) {
  const std::string_view rules = metadata_of(node, "pkg.onnxscript.rewriter.rule_name");
  return rules.find("FuseBatchNorm") != std::string_view::npos;
}

std::uint32_t NameTable::position_of(std::uint32_t owner, std::string_view name) const noexcept {
  if (owner >= owners_.size()) return HashIndex::none;
  std::uint32_t position = owners_[owner].last;
  while (position != HashIndex::none && entries_[position].name != name)
    position = entries_[position].previous;
  if (position != HashIndex::none || owners_[owner].count <= few) return position;
  return index_.find(hash_of(owner, name), [&](std::uint32_t at) {
    return entries_[at].owner == owner && entries_[at].name == name;
  });
}

std::uint32_t NameTable::find(std::uint32_t owner, std::string_view name) const noexcept {
  const std::uint32_t position = position_of(owner, name);
  return position == HashIndex::none ? no_id : entries_[position].id;
}

std::uint32_t NameTable::find_or_insert(std::uint32_t owner, std::string_view name,
                                        std::uint32_t id) {
  if (const std::uint32_t found = find(owner, name); found != no_id) return found;
  if (owner >= owners_.size()) owners_.resize(owner + std::size_t{1});
  Owner& of = owners_[owner];
  const auto position = static_cast<std::uint32_t>(entries_.size());
  entries_.push_back({name, owner, id, of.last});
  if (of.count++ < few) {
    of.last = position;
  } else {
    index_.insert(hash_of(owner, name), position);
  }
  return no_id;
}

void OnnxModules::reserve(std::size_t modules) {
  places_.reserve(modules);
  place_ids_.reserve(modules);
  children_.reserve(modules);
  calls_.reserve(modules);
  stretches_.reserve(modules);
}

std::string OnnxModules::path_of(ModuleId module) {
  std::string path = graph_.module_path(module);
  path_bytes_left_ -= static_cast<std::int64_t>(path.size());
  if (path_bytes_left_ < 0)
    throw Error(ErrorCode::limit, "the paths of the modules are too long for a file of this size");
  return path;
}

void OnnxModules::add_root(std::string_view kind, bool is_class) {
  const ModuleId root =
      graph_.add_module(no_id, "", graph_.arena().copy(kind.empty() ? "Model" : kind));
  if (!is_class) graph_.mark_without_class(root);
}

void OnnxModules::declare(std::string_view path, std::string_view kind) {
  has_declared_ = true;
  descend(0, path, kind);
}

bool OnnxModules::is_weight_path(const std::string& path) {
  for (const std::string_view name : weight_names_) {
    if (!is_dotted_path(name)) continue;
    std::string_view outer = outer_levels(before_last(name, '.'));
    while (!outer.empty() && weight_paths_.insert(outer).second) outer = before_last(outer, '.');
  }
  weight_names_.clear();
  return weight_paths_.contains(path);
}

void OnnxModules::enter(const OnnxNode& node, std::span<const ValueId> weights) {
  const PlaceId place = place_of(node, weights);
  open(place);
  graph_.set_current_module(places_[place].module);
}

std::size_t OnnxModules::common_levels(std::string_view scopes) const noexcept {
  std::size_t count = trail_.size();
  for (; count > 1; --count) {
    const std::string_view outer = trail_[count - 1].scopes;
    if (scopes.starts_with(outer) && (scopes.size() == outer.size() || scopes[outer.size()] == '/'))
      break;
  }
  return count;
}

OnnxModules::PlaceId OnnxModules::follow(std::string_view scopes,
                                         std::span<const ValueId> weights) {
  trail_.resize(common_levels(scopes));
  std::string_view rest = rest_of(scopes, trail_.back().scopes);
  while (!rest.empty() && places_[trail_.back().place].depth < most_levels) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    if (name.empty()) continue;
    const std::string_view upto =
        scopes.substr(0, scopes.size() - rest.size() - (rest.empty() ? 0 : 1));
    trail_.push_back({upto, below(trail_.back().place, name, weights)});
  }
  return trail_.back().place;
}

OnnxModules::PlaceId OnnxModules::place_of(const OnnxNode& node, std::span<const ValueId> weights) {
  PlaceId place = bases_.back();
  if (!node.metadata.empty()) {
    auto levels = metadata_levels(node);
    const std::string_view fused = fused_into(node);
    if (!levels.empty() && !fused.empty()) redirect(levels, fused, node.op_type);
    const ModuleId top = places_[place].module;
    for (const auto& [name, kind] : levels) {
      if (name.empty() && place == 0 && !has_declared_) classify(0, kind);
      if (name.empty() || places_[place].depth >= most_levels) continue;
      const PlaceId found = place_ids_.find_or_insert(place, name, next_place());
      // "relu@1" is the second call of relu. Paths are absolute.
      place = found != no_id ? found
                             : add_place(place, descend(top, name.substr(0, name.find('@')), kind));
    }
    if (!levels.empty()) return place;
  }
  const std::string_view scopes = before_last(node.name, '/');
  return scopes.empty() ? place : follow(scopes, weights);
}

OnnxModules::PlaceId OnnxModules::add_place(PlaceId outer, ModuleId module) {
  Place place;
  place.outer = outer;
  place.module = module;
  place.depth = places_[outer].depth + 1;
  places_.push_back(place);
  return static_cast<PlaceId>(places_.size() - 1);
}

OnnxModules::PlaceId OnnxModules::below(PlaceId outer, std::string_view name,
                                        std::span<const ValueId> weights) {
  const ModuleId parent = places_[outer].module;
  const PlaceId found = place_ids_.find_or_insert(outer, name, next_place());
  if (found != no_id) return found;
  ModuleId module = repeated(outer, name, weights);
  if (module == no_id) {
    const bool is_dotted = name.find('.') != std::string_view::npos;
    const std::string_view own = is_dotted ? relative_name(path_of(parent), name) : name;
    module = descend(parent, own, no_class);
  }
  return add_place(outer, module);
}

ModuleId OnnxModules::repeated(PlaceId outer, std::string_view name,
                               std::span<const ValueId> weights) {
  const std::string_view number = after_last(name, '_');
  if (number.size() == name.size() || !is_number(number) || number.size() > 6) return no_id;
  int count = 0;
  std::from_chars(number.data(), number.data() + number.size(), count);
  std::string earlier(name.substr(0, name.size() - number.size() - 1));
  if (count > 1) earlier += "_" + std::to_string(count - 1);
  const PlaceId found = place_ids_.find(outer, earlier);
  if (count == 0 || found == no_id) return no_id;

  const ModuleId module = places_[found].module;
  std::string own = path_of(places_[outer].module);
  const std::string_view relative = relative_name(own, name);
  if (has_declared_) {
    const bool is_declared = children_.find(places_[outer].module, relative) != no_id;
    return is_declared ? no_id : module;
  }
  if (!own.empty()) own += '.';
  own += relative;
  if (is_weight_path(own)) return no_id;
  // The first one decides: a bias differs where a norm of each call was folded into it.
  return weights.empty() || owns(module, weights[0]) ? module : no_id;
}

bool OnnxModules::owns(ModuleId module, ValueId weight) const {
  if (weight == no_id) return false;
  const Value& value = graph_.value(weight);
  if (!value.has(Value::is_parameter)) return true;
  ModuleId owner = graph_.parameters()[value.producer].module;
  while (owner != module && owner != no_id) owner = graph_.modules()[owner].parent;
  return owner == module;
}

void OnnxModules::classify(ModuleId module, std::string_view kind) {
  const ModuleInfo& known = graph_.modules()[module];
  if (known.kind == kind && (known.has_class || kind == no_class)) return;
  graph_.set_module_kind(module, graph_.arena().copy(kind));
}

ModuleId OnnxModules::child(ModuleId parent, std::string_view name, std::string_view kind) {
  const auto next = static_cast<ModuleId>(graph_.modules().size());
  if (const ModuleId found = children_.find_or_insert(parent, name, next); found != no_id) {
    if (graph_.modules()[found].kind == no_class) classify(found, kind);
    return found;
  }
  Arena& arena = graph_.arena();
  return graph_.add_module(parent, arena.copy(name),
                           kind.data() == no_class.data() ? no_class : arena.copy(kind));
}

ModuleId OnnxModules::descend(ModuleId parent, std::string_view dotted, std::string_view kind) {
  for (std::size_t level = 0; level < most_levels; ++level) {
    const std::size_t dot = dotted.find('.');
    if (dot == std::string_view::npos) break;
    parent = child(parent, dotted.substr(0, dot), no_class);
    dotted.remove_prefix(dot + 1);
  }
  return child(parent, dotted, kind);
}

ModuleId OnnxModules::find_path(std::string_view dotted) const {
  ModuleId module = 0;
  while (module != no_id && !dotted.empty()) {
    const std::size_t dot = dotted.find('.');
    module = children_.find(module, dotted.substr(0, dot));
    dotted = dot == std::string_view::npos ? std::string_view{} : dotted.substr(dot + 1);
  }
  return module;
}

/// Whether that is the module's path: most weights are of the module that uses them.
bool OnnxModules::has_path(ModuleId module, std::string_view dotted) const {
  for (; graph_.modules()[module].parent != no_id; module = graph_.modules()[module].parent) {
    const std::string_view name = graph_.modules()[module].name;
    if (!dotted.ends_with(name)) return false;
    dotted.remove_suffix(name.size());
    const bool is_outermost = graph_.modules()[module].parent == 0;
    if (is_outermost) return dotted.empty();
    if (!dotted.ends_with('.')) return false;
    dotted.remove_suffix(1);
  }
  return dotted.empty();
}

std::pair<ModuleId, std::string_view> OnnxModules::home(std::string_view weight,
                                                        ModuleId consumer) {
  if (graph_.modules().size() == 1) return {0, weight};  // a flat graph
  const std::string_view path = before_last(weight, '.');
  const std::string_view name = after(path, weight);
  // A module's weights come one after the other.
  const bool is_like_last = consumer == last_home_ && path == last_path_;
  if (is_like_last && is_own_name(name)) return {consumer, name};
  if (!is_dotted_path(path, name)) {
    std::string scope = path_of(consumer) + "/";
    std::replace(scope.begin(), scope.end(), '.', '/');
    const bool is_own = weight.size() > scope.size() && weight.starts_with(scope);
    return {consumer, is_own ? weight.substr(scope.size()) : weight};
  }
  if (has_path(consumer, path)) {
    last_home_ = consumer;
    last_path_ = path;
    return {consumer, name};
  }
  if (const ModuleId found = find_path(path); found != no_id) return {found, name};
  const std::string place = path_of(consumer);
  const std::string_view first = path.substr(0, path.find('.'));
  if (is_below(path, place) || children_.find(0, first) != no_id)
    return {descend(0, path, no_class), name};
  // The export was of a part of a model: weights have longer paths than scopes.
  const bool is_tail = path.size() > place.size() && path.ends_with(place) &&
                       path[path.size() - place.size() - 1] == '.';
  return {consumer, is_tail ? name : weight};
}

void OnnxModules::begin_function(const OnnxNode& call, const OnnxFunction& function) {
  PlaceId base = place_of(call, {});
  // The exporter's own library of small functions is no structure of the model.
  const bool is_library = function.domain.starts_with("pkg.onnxscript");
  if (!is_library && places_[base].depth < most_levels) {
    const std::string_view last = after_last(call.name, '/');
    const std::string_view name = last.empty() ? function.name : last;
    base = add_place(base, child(places_[base].module, name, function.name));
  }
  bases_.push_back(base);
  trail_ = {{{}, bases_.back()}};
}

void OnnxModules::end_function() {
  bases_.pop_back();
  trail_ = {{{}, bases_.back()}};
}

void OnnxModules::open(PlaceId place) {
  if (place == open_ && !stretches_.empty()) return;
  const auto now = static_cast<NodeId>(graph_.nodes().size());
  PlaceId before = open_;
  PlaceId after = place;
  const auto begin = [&](PlaceId id) {
    Place& opened = places_[id];
    const bool is_known = opened.call < calls_.size() && calls_[opened.call].place == id;
    if (is_known) return;
    opened.call = static_cast<std::uint32_t>(calls_.size());
    calls_.push_back({id, now, now});
  };
  opening_.clear();
  while (before != after) {
    if (places_[before].depth >= places_[after].depth) {
      const std::uint32_t call = places_[before].call;
      if (call < calls_.size() && calls_[call].place == before) calls_[call].end_node = now;
      before = places_[before].outer;
    } else {
      opening_.push_back(after);
      after = places_[after].outer;
    }
  }
  for (std::size_t i = opening_.size(); i-- > 0;) begin(opening_[i]);
  open_ = place;
  stretches_.push_back({now, place});
}

std::size_t OnnxModules::begin_iteration(Loop& loop) {
  open(loop.place);
  for (; loop.calls < calls_.size(); ++loop.calls) places_[calls_[loop.calls].place].call = no_id;
  loop.calls = calls_.size();
  return loop.calls;
}

void OnnxModules::end_iterations(const Loop& loop, std::size_t first, std::int64_t times) {
  open(loop.place);
  for (std::size_t i = first; i < calls_.size(); ++i)
    calls_[i].times = checked_mul(calls_[i].times, times);
}

void OnnxModules::rewind(NodeId first_node, const Mark& mark) {
  bases_.resize(std::min(bases_.size(), mark.bases));
  trail_ = {{{}, bases_.back()}};
  while (!stretches_.empty() && stretches_.back().first_node >= first_node) stretches_.pop_back();
  while (!calls_.empty() && calls_.back().first_node >= first_node) calls_.pop_back();
  open_ = 0;
  stretches_.push_back({first_node, 0});
}

std::vector<NodeId> OnnxModules::last_uses() const {
  std::vector<NodeId> last_use(graph_.values().size(), 0);
  for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
    for (const ValueId input : graph_.inputs_of(graph_.nodes()[i])) {
      if (input != no_id) last_use[input] = static_cast<NodeId>(i);
    }
  }
  for (const Port& port : graph_.outputs()) last_use[port.value] = no_id;
  return last_use;
}

std::vector<std::uint32_t> OnnxModules::next_calls() const {
  std::vector<std::uint32_t> next(calls_.size(), no_id);
  std::vector<std::uint32_t> last(places_.size(), no_id);
  for (std::uint32_t i = 0; i < calls_.size(); ++i) {
    std::uint32_t& before = last[calls_[i].place];
    if (before != no_id) next[before] = i;
    before = i;
  }
  return next;
}

template <class Take>
void OnnxModules::for_each_output(std::span<const NodeId> last_use, Take take) const {
  const std::vector<std::uint32_t> next = next_calls();
  std::vector<std::uint32_t> current(places_.size(), no_id);  // by place: the call of that node
  for (std::uint32_t i = static_cast<std::uint32_t>(calls_.size()); i-- > 0;)
    current[calls_[i].place] = i;
  std::size_t stretch = 0;
  for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
    while (stretch + 1 < stretches_.size() && stretches_[stretch + 1].first_node <= i) ++stretch;
    if (stretch >= stretches_.size() || stretches_[stretch].first_node > i) continue;
    const Node& node = graph_.nodes()[i];
    for (ValueId k = 0; k < node.output_count; ++k) {
      const ValueId value = node.first_output + k;
      for (PlaceId place = stretches_[stretch].place; place != 0; place = places_[place].outer) {
        std::uint32_t& call = current[place];
        while (call != no_id && next[call] != no_id && calls_[next[call]].first_node <= i)
          call = next[call];
        if (call == no_id || last_use[value] < calls_[call].end_node) break;
        take(call, value);
      }
    }
  }
}

void OnnxModules::finish() {
  open(0);
  std::vector<ValueId> own;
  for (const Port& port : graph_.outputs()) own.push_back(port.value);
  graph_.add_call(0, 0, static_cast<NodeId>(graph_.nodes().size()), own);

  const std::vector<NodeId> last_use = last_uses();
  std::vector<std::uint32_t> begins(calls_.size() + 1, 0);  // of each call's outputs among all
  for_each_output(last_use, [&](std::uint32_t call, ValueId) { ++begins[call + 1]; });
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<ValueId> outputs(begins.back());
  std::vector<std::uint32_t> next = begins;
  for_each_output(last_use,
                  [&](std::uint32_t call, ValueId value) { outputs[next[call]++] = value; });
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const Call& call = calls_[i];
    // Nodes that were taken back may have ended it.
    const auto end = std::min(call.end_node, static_cast<NodeId>(graph_.nodes().size()));
    if (end <= call.first_node) continue;
    graph_.add_call(places_[call.place].module, call.first_node, end,
                    std::span(outputs).subspan(begins[i], begins[i + 1] - begins[i]), call.times);
  }
}

}  // namespace zoometer
