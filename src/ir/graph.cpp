#include "zoometer/ir/graph.hpp"

#include <algorithm>
#include <charconv>

#include "util/seeded_hash.hpp"
#include "zoometer/ir/layout.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

std::uint32_t hash_of(const Shape& shape) noexcept {
  std::uint64_t hash = hash_seed.first + shape.size() * 0x9E3779B97F4A7C15ULL;
  for (const std::int64_t size : shape)
    hash = folded_product(hash ^ static_cast<std::uint64_t>(size), hash_seed.second);
  return static_cast<std::uint32_t>(hash);
}

std::string text_of(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

class AttributeTexts final : public AttrVisitor {
 public:
  using ListText = std::string (*)(std::span<const std::int64_t>);
  explicit AttributeTexts(ListText lists) : lists_(lists) {}

  using AttrVisitor::visit;
  void visit(std::string_view name, std::int64_t value) override {
    texts.emplace_back(name, std::to_string(value));
  }
  void visit(std::string_view name, double value) override {
    texts.emplace_back(name, text_of(value));
  }
  void visit(std::string_view name, bool value) override {
    texts.emplace_back(name, value ? "true" : "false");
  }
  void visit(std::string_view name, std::span<const std::int64_t> value) override {
    texts.emplace_back(name, lists_(value));
  }
  void visit(std::string_view name, std::string_view value) override {
    texts.emplace_back(name, value);
  }
  void visit(std::string_view name, DType value) override {
    texts.emplace_back(name, name_of(value));
  }

  std::vector<TextPair> texts;

 private:
  ListText lists_;
};

}  // namespace

void AttrVisitor::visit(std::string_view name, std::span<const double> value) {
  std::string text;
  for (const double number : value) {
    text.append(text.empty() ? "" : ", ").append(text_of(number));
  }
  visit(name, std::string_view(text));
}

std::vector<TextPair> attribute_texts(const OpDef& op, const void* attrs,
                                      std::string (*lists)(std::span<const std::int64_t>)) {
  AttributeTexts visitor(lists);
  if (attrs != nullptr) op.attrs.visit(attrs, visitor);
  return std::move(visitor.texts);
}

std::string to_string(const OpDef& op, const void* attrs) {
  std::string text;
  for (const auto& [name, value] : attribute_texts(op, attrs))
    text.append(text.empty() ? "" : ", ").append(name).append("=").append(value);
  return text;
}

Cost cost_of(const NodeView& node) {
  const OpDef& op = node.op();
  if (op.cost == nullptr) return {};
  Cost cost = op.cost(node);
  const Arithmetic arithmetic = op.arithmetic;
  if (arithmetic.macs == 1 && arithmetic.other == 1) return cost;
  const auto is_complex_value = [&](ValueId id) {
    return is_complex(node.graph().value(id).dtype);
  };
  if (!is_complex_value(node.output()) && !(node.has(0) && is_complex_value(node.input(0))))
    return cost;
  cost.macs = checked_mul(cost.macs, arithmetic.macs);
  cost.hidden = checked_mul(cost.hidden, arithmetic.macs);
  cost.other = checked_mul(cost.other, arithmetic.other);
  return cost;
}

void Inference::output(const Shape& shape, DType dtype, bool bounded) {
  graph_.inferred_.push_back({shape, dtype, bounded});
}

void Inference::fail(std::size_t constraint) const {
  std::string got;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (!has(i)) continue;
    if (!got.empty()) got += ", ";
    if (i < op_.inputs->size()) got.append(op_.inputs[i].name).append(" ");
    got += to_string(shape(i));
  }
  const std::string attributes = zoometer::to_string(op_, attrs_);
  if (!attributes.empty()) got += " with " + attributes;
  throw Error(ErrorCode::shape, std::string(op_.name) + " C" + std::to_string(constraint),
              {std::string(op_.constraints[constraint - 1]), std::move(got)});
}

Graph Graph::alias() const {
  Graph copy;
  copy.nodes_ = nodes_;
  copy.operands_ = operands_;
  copy.values_ = values_;
  copy.parameters_ = parameters_;
  copy.modules_ = modules_;
  copy.calls_ = calls_;
  copy.call_outputs_ = call_outputs_;
  copy.repeats_ = repeats_;
  copy.regions_ = regions_;
  copy.runs_ = runs_;
  copy.inputs_ = inputs_;
  copy.outputs_ = outputs_;
  copy.node_names_ = node_names_;
  copy.spellings_ = spellings_;
  copy.source_flops_ = source_flops_;
  copy.stand_ins_ = stand_ins_;
  copy.unknown_ = unknown_;
  copy.floating_as_ = floating_as_;
  return copy;
}

void Graph::clear() {
  arena_.clear();
  nodes_.clear();
  operands_.clear();
  values_.clear();
  parameters_.clear();
  modules_.clear();
  calls_.clear();
  call_outputs_.clear();
  repeats_.clear();
  regions_.clear();
  runs_.clear();
  inputs_.clear();
  outputs_.clear();
  node_names_.clear();
  spellings_.clear();
  source_flops_.clear();
  stand_ins_.clear();
  unknown_.clear();
  shapes_.clear();
  shape_index_.clear();
  floating_as_.reset();
  current_module_ = 0;
}

void Graph::reserve(std::size_t nodes, std::size_t parameters, std::size_t modules) {
  nodes_.reserve(nodes);
  node_names_.reserve(nodes);
  parameters_.reserve(parameters);
  values_.reserve(nodes + parameters);
  modules_.reserve(modules);
}

ModuleId Graph::add_module(ModuleId parent, std::string_view name, std::string_view kind) {
  modules_.push_back({name, kind, parent, kind != "Module"});
  return static_cast<ModuleId>(modules_.size() - 1);
}

ValueId Graph::add_value(const SharedShape* shape, DType dtype, NodeId producer,
                         std::uint8_t flags) {
  values_.push_back({shape, producer, dtype, flags, 0});
  return static_cast<ValueId>(values_.size() - 1);
}

ValueId Graph::add_input(std::string_view name, const Shape& shape, DType dtype, bool is_bounded) {
  const auto flags = static_cast<std::uint8_t>(Value::is_input | (is_bounded ? Value::bounded : 0));
  const ValueId value = add_value(intern(shape), dtype, static_cast<NodeId>(inputs_.size()), flags);
  inputs_.push_back({name, value});
  return value;
}

ValueId Graph::add_parameter(ModuleId module, std::string_view name, const SharedShape* shape,
                             DType dtype, ParameterKind kind) {
  const auto index = static_cast<ParameterId>(parameters_.size());
  const ValueId value = add_value(shape, dtype, index, Value::is_parameter);
  parameters_.push_back({name, module, value, kind, no_id});
  return value;
}

void Graph::share_parameter(ParameterId parameter, ParameterId with) {
  parameters_[parameter].shared_with = with;
}

void Graph::add_output(std::string_view name, ValueId value) { outputs_.push_back({name, value}); }

NodeId Graph::append_raw(const OpDef& op, const void* attrs, std::span<const ValueId> inputs) {
  try {
    inferred_.clear();
    Inference inference(*this, op, inputs, attrs);
    op.infer(inference);
    return commit(op, attrs, inputs, inferred_);
  } catch (Error& error) {
    locate(error, op);
    throw;
  }
}

NodeId Graph::append_declared(const OpDef& op, const void* attrs, std::span<const ValueId> inputs,
                              std::span<const OutputType> outputs) {
  try {
    return commit(op, attrs, inputs, outputs);
  } catch (Error& error) {
    locate(error, op);
    throw;
  }
}

NodeId Graph::commit(const OpDef& op, const void* attrs, std::span<const ValueId> inputs,
                     std::span<const OutputType> outputs) {
  constexpr std::size_t most = 0xFFFF;
  if (inputs.size() > most || outputs.size() > most) {
    throw Error(ErrorCode::limit, "a node has too many inputs or outputs",
                {"at most 65535", std::to_string(std::max(inputs.size(), outputs.size()))});
  }
  std::uint8_t inherited = 0;
  const auto first_input = static_cast<std::uint32_t>(operands_.size());
  for (const ValueId input : inputs) {
    operands_.push_back(input);
    if (input != no_id)
      inherited |=
          static_cast<std::uint8_t>(values_[input].flags & (Value::bounded | Value::assumed));
  }
  // What is computed from a guess is not bounded by it.
  if ((inherited & Value::assumed) != 0) inherited = Value::assumed;
  const Storage storage = op.memory->storage;
  const bool is_moved =
      storage == Storage::view || (storage != Storage::fresh && !inputs.empty() &&
                                   inputs[0] != no_id && values_[inputs[0]].has(Value::strided));
  if (storage != Storage::fresh && !is_moved) inherited |= Value::shares;

  const auto id = static_cast<NodeId>(nodes_.size());
  const auto first_output = static_cast<ValueId>(values_.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    auto flags = inherited;
    if (outputs[i].bounded && (inherited & ~Value::shares) == 0) flags |= Value::bounded;
    values_[add_value(intern(outputs[i].shape), outputs[i].dtype, id, flags)].output_index =
        static_cast<std::uint16_t>(i);
  }
  nodes_.push_back({&op, attrs, first_input, first_output, current_module_,
                    static_cast<std::uint16_t>(inputs.size()),
                    static_cast<std::uint16_t>(outputs.size())});
  if (is_moved) settle_storage(nodes_.back());
  return id;
}

/// Finds whether a view, or what follows one, is contiguous, and whether a reshape must copy.
void Graph::settle_storage(const Node& node) {
  const NodeView view(*this, node);
  const bool has_source = view.has(0);
  Layout source;
  if (has_source) {
    const ValueId input = view.input(0);
    source = values_[input].has(Value::strided) ? layout_of(*this, input)
                                                : contiguous_layout(shape(input));
  }
  const Storage storage = node.op->memory->storage;
  for (std::size_t i = 0; i < node.output_count; ++i) {
    Value& value = values_[view.output(i)];
    Layout copy;
    Layout& layout = node.output_count == 1 ? source : copy = source;
    const bool is_placed = has_source && place_output(view, i, layout) && layout.is_known;
    const bool is_ordered = is_placed && is_contiguous(value.type->shape, layout);
    const bool copies = storage == Storage::packed || (storage == Storage::reshaped && !is_placed);
    if (copies) continue;
    value.flags |= Value::shares;
    if (is_ordered) continue;
    value.flags |= Value::strided;
    if (!is_placed || layout.overlaps) value.flags |= Value::overlaps;
  }
}

void Graph::copy_views() {
  for (Value& value : values_) {
    value.flags &= static_cast<std::uint8_t>(~(Value::strided | Value::overlaps));
    if (!value.is_computed()) continue;
    const Storage storage = nodes_[value.producer].op->memory->storage;
    if (storage == Storage::view) value.flags &= static_cast<std::uint8_t>(~Value::shares);
    if (storage == Storage::reshaped || storage == Storage::packed) value.flags |= Value::shares;
  }
}

void Graph::add_declared_outputs(NodeId node, std::span<const OutputType> outputs) {
  constexpr std::size_t most = 0xFFFF;
  Node& target = nodes_[node];
  if (target.output_count + outputs.size() > most) {
    throw Error(ErrorCode::limit, "a node has too many outputs",
                {"at most 65535", std::to_string(target.output_count + outputs.size())});
  }
  for (const OutputType& output : outputs) {
    const auto flags = static_cast<std::uint8_t>(output.bounded ? Value::bounded : 0);
    values_[add_value(intern(output.shape), output.dtype, node, flags)].output_index =
        target.output_count++;
  }
}

void Graph::rewind(const Mark& mark) {
  nodes_.resize(mark.nodes);
  operands_.resize(mark.operands);
  values_.resize(mark.values);
  parameters_.resize(mark.parameters);
  calls_.resize(mark.calls);
  call_outputs_.resize(mark.returned);
  if (node_names_.size() > mark.nodes) node_names_.resize(mark.nodes);
  while (!repeats_.empty() && repeats_.back().end_node > mark.nodes) repeats_.pop_back();
  while (!regions_.empty() && regions_.back().end_node > mark.nodes) regions_.pop_back();
  if (runs_.size() > mark.nodes) runs_.resize(mark.nodes);
  if (spellings_.size() > mark.nodes) spellings_.resize(mark.nodes);
  if (source_flops_.size() > mark.nodes) source_flops_.resize(mark.nodes);
  unknown_.erase(unknown_.lower_bound(static_cast<ValueId>(mark.values)), unknown_.end());
  stand_ins_.erase(stand_ins_.lower_bound(static_cast<NodeId>(mark.nodes)), stand_ins_.end());
}

void Graph::mark_exact(ValueId value) {
  values_[value].flags &= static_cast<std::uint8_t>(~(Value::bounded | Value::assumed));
  unknown_.erase(value);
}

void Graph::mark_assumed(ValueId value, UnknownSizes unknown) {
  values_[value].flags &= static_cast<std::uint8_t>(~Value::bounded);
  values_[value].flags |= Value::assumed;
  unknown_[value] = unknown;
}

UnknownSizes Graph::guessed_sizes(ValueId id) const {
  const auto found = unknown_.find(id);
  if (found != unknown_.end()) return found->second;
  return (UnknownSizes{1} << shape(id).size()) - 1;
}

void Graph::mark_in_place(ValueId value) {
  values_[value].flags |= Value::shares;
  const auto inputs = inputs_of(nodes_[values_[value].producer]);
  if (inputs.empty() || inputs[0] == no_id) return;
  values_[value].flags |=
      static_cast<std::uint8_t>(values_[inputs[0]].flags & (Value::strided | Value::overlaps));
}

void Graph::locate(Error& error, const OpDef& op) const {
  if (error.place.module_path.empty() && current_module_ < modules_.size()) {
    error.place.module_path = module_path(current_module_);
  }
  if (error.place.node.empty()) error.place.node = std::string(op.name);
}

void Graph::set_node_name(NodeId node, std::string_view name) {
  if (node_names_.size() <= node) node_names_.resize(node + std::size_t{1});
  node_names_[node] = name;
}

std::string_view Graph::node_name(NodeId id) const noexcept {
  return id < node_names_.size() ? node_names_[id] : std::string_view{};
}

std::uint32_t Graph::begin_call(ModuleId module) {
  ModuleCall call;
  call.module = module;
  call.first_node = static_cast<NodeId>(nodes_.size());
  calls_.push_back(call);
  return static_cast<std::uint32_t>(calls_.size() - 1);
}

void Graph::end_call(std::uint32_t call, std::span<const ValueId> outputs) {
  ModuleCall& record = calls_[call];
  record.end_node = static_cast<NodeId>(nodes_.size());
  record.first_output = static_cast<std::uint32_t>(call_outputs_.size());
  // Most calls return one value, for which `insert` takes ten times as long.
  for (const ValueId output : outputs) {
    if (output != no_id) call_outputs_.push_back(output);
  }
  record.output_count = static_cast<std::uint32_t>(call_outputs_.size()) - record.first_output;
}

void Graph::add_call(ModuleId module, NodeId first_node, NodeId end_node,
                     std::span<const ValueId> outputs, std::int64_t times) {
  ModuleCall call;
  call.module = module;
  call.first_node = first_node;
  call.end_node = end_node;
  call.first_output = static_cast<std::uint32_t>(call_outputs_.size());
  call.output_count = static_cast<std::uint32_t>(outputs.size());
  call.times = times;
  calls_.push_back(call);
  call_outputs_.insert(call_outputs_.end(), outputs.begin(), outputs.end());
}

void Graph::add_repeat(const Repeat& repeat) {
  repeats_.push_back(repeat);
  if (runs_.size() < repeat.end_node) runs_.resize(repeat.end_node);
  for (NodeId node = repeat.first_node; node < repeat.end_node; ++node) {
    NodeRuns& runs = runs_[node];
    runs.times = checked_mul(runs.times, repeat.times);
    runs.is_bound = runs.is_bound || repeat.is_bound;
  }
}

void Graph::add_region(const Region& region) {
  if (region.first_node >= region.end_node) return;
  regions_.push_back(region);
  regions_.back().kept = arena_.copy(region.kept);
}

const SharedShape* Graph::intern(const Shape& shape) {
  // A norm has four parameters of one shape, an activation the shape of what it reads: half of all
  // shapes equal the last one, which costs a tenth of a search.
  if (!shapes_.empty() && last_shape_->shape == shape) return last_shape_;
  const std::uint32_t hash = hash_of(shape);
  const std::uint32_t found =
      shape_index_.find(hash, [&](std::uint32_t at) { return shapes_[at]->shape == shape; });
  if (found != HashIndex::none) return last_shape_ = shapes_[found];
  const std::int64_t count = zoometer::numel(shape);
  shapes_.push_back(arena_.make<SharedShape>(shape, count));
  shape_index_.insert(hash, static_cast<std::uint32_t>(shapes_.size() - 1));
  return last_shape_ = shapes_.back();
}

std::string Graph::module_path(ModuleId id) const {
  const auto is_below_root = [&](ModuleId module) {
    return module < modules_.size() && modules_[module].parent != no_id;
  };
  std::size_t length = 0;
  for (ModuleId module = id; is_below_root(module); module = modules_[module].parent)
    length += modules_[module].name.size() + 1;
  if (length == 0) return {};
  std::string path(length - 1, '.');
  std::size_t begin = length;
  std::size_t nameless = 0;  // modules from the root on, which add no dot
  for (ModuleId module = id; is_below_root(module); module = modules_[module].parent) {
    const std::string_view name = modules_[module].name;
    begin -= name.size() + 1;
    name.copy(path.data() + begin, name.size());
    nameless = name.empty() ? nameless + 1 : 0;
  }
  return path.erase(0, nameless);
}

std::string Graph::parameter_path(const Parameter& parameter) const {
  std::string path = module_path(parameter.module);
  if (!path.empty()) path += '.';
  return path.append(parameter.name);
}

std::vector<ModuleId> Graph::modules_in_order() const {
  const std::size_t count = modules_.size();
  std::vector<ModuleId> first_child(count, no_id);
  std::vector<ModuleId> next_sibling(count, no_id);
  for (std::size_t i = count; i-- > 0;) {  // backwards, so that the first child is the earliest
    const ModuleId parent = modules_[i].parent;
    if (parent == no_id) continue;
    next_sibling[i] = first_child[parent];
    first_child[parent] = static_cast<ModuleId>(i);
  }
  std::vector<ModuleId> order;
  order.reserve(count);
  std::vector<ModuleId> open;
  if (count > 0) open.push_back(0);
  while (!open.empty()) {
    const ModuleId id = open.back();
    open.pop_back();
    order.push_back(id);
    if (next_sibling[id] != no_id) open.push_back(next_sibling[id]);
    if (first_child[id] != no_id) open.push_back(first_child[id]);
  }
  return order;
}

std::vector<ParameterId> Graph::parameters_in_order() const {
  const std::vector<ModuleId> order = modules_in_order();
  std::vector<std::uint32_t> position(modules_.size(), 0);
  for (std::size_t i = 0; i < order.size(); ++i) position[order[i]] = static_cast<std::uint32_t>(i);

  std::vector<ParameterId> result(parameters_.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<ParameterId>(i);
  const auto rank = [&](ParameterId id) {
    const Parameter& parameter = parameters_[id];
    return std::pair(position[parameter.module], parameter.kind != ParameterKind::parameter);
  };
  std::stable_sort(result.begin(), result.end(),
                   [&](ParameterId a, ParameterId b) { return rank(a) < rank(b); });
  return result;
}

}  // namespace zoometer
