// The nodes of an ONNX file, its functions and subgraphs, one after the other.
#include <algorithm>

#include "import/onnx/inexact.hpp"
#include "import/onnx/reader.hpp"
#include "op/unknown.hpp"

namespace zoometer {
namespace {

constexpr int deepest = 48;              // subgraphs and functions within each other
constexpr std::int64_t call_units = 16;  // of a subgraph or function, beside its nodes

}  // namespace

std::string node_title(const OnnxNode& node) {
  std::string text(node.domain.empty() ? "" : std::string(node.domain) + "::");
  text.append(node.op_type);
  if (!node.name.empty()) return text + " " + in_quotes(node.name);
  for (const std::string_view output : node.outputs) {
    if (!output.empty()) return text + " of " + in_quotes(output);
  }
  return text;
}

void OnnxReader::spend(std::int64_t units) {
  units_left_ -= units;
  if (units_left_ < 0) {
    throw Error(ErrorCode::limit,
                "loops and functions make the graph too large for a file of this size");
  }
}

bool OnnxReader::affordable(std::int64_t units, std::int64_t times) const noexcept {
  std::int64_t total = 0;
  return !__builtin_mul_overflow(units, times, &total) && total <= units_left_ / 2;
}

std::int64_t OnnxReader::units(const OnnxGraph& body) const {
  std::int64_t bytes = 0;
  for (const std::string_view node : body.nodes) bytes += static_cast<std::int64_t>(node.size());
  return static_cast<std::int64_t>(4 * body.nodes.size()) + bytes / 8 + 1;
}

void OnnxReader::run_nodes(std::span<const std::string_view> nodes, OnnxFrame& frame) {
  if (++depth_ > deepest) {
    throw Error(ErrorCode::limit, "subgraphs and functions are nested too deeply",
                {"at most " + std::to_string(deepest), "more"});
  }
  nodes = in_order(nodes);
  frame.nodes = nodes;
  OnnxNode node;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    records_.node(nodes[i], node);
    try {
      run_node(node, frame);
    } catch (Error& error) {
      locate(error, node);
      throw;
    }
  }
  if (const std::optional<std::string_view> duplicate = frame.scope.duplicate_name())
    refuse_duplicate_name(*duplicate, nodes);
  --depth_;
}

void OnnxReader::locate(Error& error, const OnnxNode& node) const {
  // The innermost node is the one to name; an operator's name alone is not a node's.
  if (error.place.byte_offset && !error.place.node.empty()) return;
  error.place.node = node_title(node);
  if (!error.place.byte_offset) error.place.byte_offset = records_.offset_of(node.message);
}

bool OnnxReader::makes(std::string_view message, std::string_view name, OnnxNode& node) const {
  records_.node(message, node);
  return std::ranges::find(node.outputs, name) != node.outputs.end();
}

void OnnxReader::undefined_name(const OnnxNode& node, std::string_view name) {
  if (order_ == OnnxOrder::as_written) throw OnnxOutOfOrder();
  records_.fail(node.message, "undefined input " + in_quotes(name));
}

void OnnxReader::refuse_duplicate_name(std::string_view name,
                                       std::span<const std::string_view> nodes) {
  OnnxNode node;
  for (std::size_t i = nodes.size(); i-- > 0;) {
    if (makes(nodes[i], name, node)) break;
  }
  try {
    records_.fail(node.message, "duplicate value " + in_quotes(name));
  } catch (Error& error) {
    locate(error, node);
    throw;
  }
}

namespace {

/// Whether modules get their names from this text of a node. Exporters write stack traces beside
/// it.
bool names_modules(std::string_view key) {
  return key == "pkg.torch.onnx.name_scopes" || key == "pkg.torch.onnx.class_hierarchy" ||
         key == "namespace";
}

}  // namespace

/// What a loop or a function repeats of a node beside its edges: names, and lists of numbers.
std::int64_t OnnxReader::repeated_units(const OnnxNode& node) {
  std::int64_t units = name_units(node.name) + name_units(node.op_type) + name_units(node.domain);
  for (const auto& [key, text] : node.metadata) {
    if (names_modules(key)) units += static_cast<std::int64_t>(text.size() / 64);
  }
  for (const OnnxAttribute& attribute : node.attributes) {
    if (attribute.tensor.empty() && attribute.graph.empty()) units += name_units(attribute.message);
  }
  return units;
}

void OnnxReader::run_node(const OnnxNode& node, OnnxFrame& frame) {
  spend(static_cast<std::int64_t>(1 + node.inputs.size() + node.outputs.size()));
  if (depth_ > 1) spend(repeated_units(node));
  OnnxContext context(*this, frame, node);
  bool takes_shapeless = false;
  std::vector<ValueId>& weights = frame.node_weights;
  weights.clear();
  for (const std::string_view input : node.inputs) {
    OnnxValue value;
    if (!input.empty()) {
      const OnnxValue* found = frame.scope.find(input);
      if (found == nullptr) undefined_name(node, input);
      value = *found;
    }
    if (value.kind != OnnxValue::Kind::absent)
      context.inputs_given_ |= OnnxContext::bit(context.inputs_.size());
    takes_shapeless |= value.shapeless;
    if (any_inexact_) context.is_inexact_ |= is_inexact(value);
    if (value.stored != nullptr && !value.stored->is_constant) {
      const StoredTensor* owner = value.stored->shared_with;
      weights.push_back(owner != nullptr ? owner->id : value.stored->id);
    } else if (value.known != nullptr && value.known->skipped != nullptr) {
      weights.push_back(value.known->id);
    }
    context.inputs_.push_back(value);
  }
  while (!context.inputs_.empty() && context.inputs_.back().kind == OnnxValue::Kind::absent) {
    context.inputs_.pop_back();
  }

  const NodeId first_node = static_cast<NodeId>(graph_.nodes().size());
  const Handlers& handlers = handlers_for(node);
  if (handlers.function != nullptr) {
    call_function(context, *handlers.function);
  } else if (handlers.row == nullptr) {
    modules_.enter(node, weights);
    append_unknown(context);
  } else {
    read_operator(context, *handlers.row, weights, takes_shapeless);
  }
  name_nodes(first_node, node.name);
  if (!node.metadata.empty() && has_folded_norm(node)) spell_folded_norm(first_node);
  if (given_.has_values()) [[unlikely]] {
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      replace_elements(node.outputs[i], context.outputs_[i]);
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (!node.outputs[i].empty()) frame.scope.define(node.outputs[i], context.outputs_[i]);
  }
}

/// Names the nodes from this one on that have no name.
void OnnxReader::name_nodes(NodeId first_node, std::string_view name) {
  if (name.empty() || graph_.nodes().size() <= first_node) return;
  const std::string_view kept = graph_.arena().copy(name);
  for (std::size_t i = first_node; i < graph_.nodes().size(); ++i) {
    if (graph_.node_name(static_cast<NodeId>(i)).empty()) {
      graph_.set_node_name(static_cast<NodeId>(i), kept);
    }
  }
}

void OnnxReader::spell_folded_norm(NodeId first_node) {
  for (std::size_t i = first_node; i < graph_.nodes().size(); ++i) {
    if (graph_.nodes()[i].op->kind == OpKind::product)
      graph_.set_spelling(static_cast<NodeId>(i), folded_norm_spelling);
  }
}

void OnnxReader::read_operator(OnnxContext& context, const OnnxOperator& row,
                               std::span<const ValueId> weights, bool takes_shapeless) {
  context.row_ = &row;
  if (takes_shapeless || !fold(context, row)) {
    context.forget_reads();
    modules_.enter(context.node(), weights);
    if ((takes_shapeless && !row.rest.takes_anything) || !emit(context, row))
      return append_unknown(context);
    if (row.rest.range != nullptr) keep_range(context, row);
    if (!row.rest.quantisation.empty()) enter_quantisation(context, row);
  }
  if (!context.read_all()) [[unlikely]]
    ignored_.add(context, row);
}

/// Scales and zero points that no operator reads are parameters nevertheless.
void OnnxReader::enter_quantisation(OnnxContext& context, const OnnxOperator& row) {
  for (std::size_t i = 0; i < context.inputs_.size(); ++i) {
    const OnnxValue& value = context.inputs_[i];
    if (row.rest.quantisation.has(i) && value.stored != nullptr && value.id == no_id)
      enter(value, Role::quantisation, context.node().inputs[i]);
  }
}

/// Computes the node's outputs if the elements of its inputs are known. Where these are weights and
/// not shapes, a node that needs the result as a tensor appends this one (`append_skipped`).
bool OnnxReader::fold(OnnxContext& context, const OnnxOperator& row) {
  if (row.rest.fold == nullptr || !context.has(0)) return false;
  if (row.rest.folds_shapes) {
    return context.is_inexact_ ? OnnxInexact(*this, context, row).fold() : row.rest.fold(context);
  }
  bool learnt = false;
  std::int64_t weights = 0;
  for (std::size_t i = 0; i < context.inputs_.size(); ++i) {
    const OnnxValue& value = context.inputs_[i];
    if (value.kind == OnnxValue::Kind::absent) continue;
    if (!value.is_tensor() || value.id != no_id) return false;
    if (row.rest.settings.has(i) || !is_learnt(value)) continue;
    learnt = true;
    weights += value.stored != nullptr ? value.stored->type->numel : 0;
    if (weights > static_cast<std::int64_t>(most_known)) return false;
  }
  if (learnt && !may_skip(context)) return false;
  for (const OnnxValue& value : context.inputs_) {
    if (value.kind != OnnxValue::Kind::absent && known(value) == nullptr) return false;
  }
  const bool is_done =
      context.is_inexact_ ? OnnxInexact(*this, context, row).fold() : row.rest.fold(context);
  if (!is_done) return false;
  for (const OnnxValue& value : context.inputs_) {
    if (value.stored != nullptr) value.stored->was_read = true;
  }
  if (learnt) skip(context, row);
  return true;
}

/// Whether a node can be appended later, and whether what is computed of weights may still be kept.
bool OnnxReader::may_skip(const OnnxContext& context) const {
  const bool is_alone = std::ranges::all_of(
      context.node_.attributes, [](const auto& attribute) { return attribute.reference.empty(); });
  return is_alone && known_left_ > 16 * static_cast<std::int64_t>(most_known);
}

/// Remembers a node whose outputs were computed of weights.
void OnnxReader::skip(OnnxContext& context, const OnnxOperator& row) {
  const auto is_input = [&](const OnnxValue& output) {
    return std::ranges::any_of(context.inputs_, [&](const OnnxValue& input) {
      return input.known == output.known && input.stored == output.stored;
    });
  };
  if (std::ranges::any_of(context.outputs_, is_input)) return;
  const OnnxSkipped* skipped = graph_.keep(
      OnnxSkipped{.message = context.node_.message,
                  .row = &row,
                  .opsets = context.frame_.opsets,
                  .default_opset = context.frame_.default_opset,
                  .inputs = graph_.arena().copy(std::span<const OnnxValue>(context.inputs_)),
                  .outputs = graph_.arena().copy(std::span<const OnnxValue>(context.outputs_))});
  for (const OnnxValue& output : context.outputs_) {
    if (output.known != nullptr) output.known->skipped = skipped;
  }
}

/// The value of a tensor that was computed of weights: appends the nodes that compute it, those
/// first whose results others read.
ValueId OnnxReader::append_skipped(const KnownTensor& wanted) {
  std::vector<const KnownTensor*> open{&wanted};
  while (!open.empty()) {
    const KnownTensor& tensor = *open.back();
    if (tensor.id != no_id) {
      open.pop_back();
      continue;
    }
    const std::size_t count = open.size();
    for (const OnnxValue& input : tensor.skipped->inputs) {
      if (input.known != nullptr && input.known->skipped != nullptr && input.known->id == no_id)
        open.push_back(input.known);
    }
    if (open.size() == count) append_node(*tensor.skipped);
  }
  return wanted.id;
}

void OnnxReader::append_node(const OnnxSkipped& skipped) {
  OnnxNode node;
  records_.node(skipped.message, node);
  OnnxFrame frame(nullptr, 0);
  frame.opsets = skipped.opsets;
  frame.default_opset = skipped.default_opset;
  OnnxContext context(*this, frame, node);
  context.inputs_.assign(skipped.inputs.begin(), skipped.inputs.end());
  context.row_ = skipped.row;
  for (const OnnxValue& input : skipped.inputs) {
    if (any_inexact_) context.is_inexact_ |= is_inexact(input);
  }
  const auto first_node = static_cast<NodeId>(graph_.nodes().size());
  bool is_done = false;
  try {
    is_done = emit(context, *skipped.row);
  } catch (Error& error) {
    locate(error, node);
    throw;
  }
  name_nodes(first_node, node.name);
  for (std::size_t i = 0; i < skipped.outputs.size(); ++i) {
    const KnownTensor* output = skipped.outputs[i].known;
    if (output == nullptr) continue;
    if (!is_done) output->skipped = nullptr;  // a constant like others
    const OnnxValue& made = is_done ? context.outputs_[i] : skipped.outputs[i];
    output->id = enter(made, Role::data, node.outputs[i]);
    entered_.push_back(&output->id);
  }
}

namespace {

bool runs_graphs(const OnnxNode& node) {
  return std::ranges::any_of(node.attributes,
                             [](const OnnxAttribute& each) { return !each.graph.empty(); });
}

}  // namespace

/// False where the output's shape depends on data and nothing declares it.
bool OnnxReader::emit(OnnxContext& context, const OnnxOperator& row) {
  if (context.is_inexact_ && !row.rest.takes_anything && !runs_graphs(context.node())) {
    return OnnxInexact(*this, context, row).emit() || emit_otherwise(context, row);
  }
  const auto first_value = static_cast<ValueId>(graph_.values().size());
  if (row.emit(context) != OnnxOutcome::done) return emit_otherwise(context, row);
  if (context.is_inexact_) label_all(context, first_value);
  if (!context.own_bounds_.empty()) label_bounds(context);
  return true;
}

/// The outputs of a subgraph that was read once, with a trip count or another number that is not
/// exact: nothing shows which of their sizes depend on it.
void OnnxReader::label_all(OnnxContext& context, ValueId first_value) {
  const auto has = [&](bool KnownTensor::*flag) {
    return std::ranges::any_of(context.inputs_, [&](const OnnxValue& input) {
      return input.id == no_id && input.known != nullptr && input.known->*flag;
    });
  };
  const bool is_guess = has(&KnownTensor::assumed);
  if (!is_guess && !has(&KnownTensor::bounded)) return;
  for (const OnnxValue& output : context.outputs_) {
    if (output.id == no_id || output.id < first_value || output.shapeless) continue;
    if (graph_.value(output.id).has(Value::assumed)) continue;
    Shape other = graph_.shape(output.id);
    for (std::int64_t axis = 0; axis < other.rank(); ++axis)
      other.set_dim(axis, is_guess ? other.dim(axis) + 6 : 0);
    set_inexact(output.id, other, (UnknownSizes{1} << other.size()) - 1, is_guess);
  }
}

/// Sizes that data decides in this node, of inputs that are exact.
void OnnxReader::label_bounds(OnnxContext& context) {
  auto bound = context.own_bounds_.begin();
  for (std::size_t i = 0; i < context.outputs_.size(); ++i) {
    const ValueId id = context.outputs_[i].id;
    UnknownSizes open = 0;
    for (; bound != context.own_bounds_.end() && bound->first == i; ++bound)
      open |= UnknownSizes{1} << static_cast<unsigned>(bound->second);
    if (open == 0 || id == no_id) continue;
    Shape other = graph_.shape(id);
    for (std::size_t axis = 0; axis < other.size(); ++axis) {
      if ((open >> axis & 1U) != 0) other[axis] = 0;
    }
    set_inexact(id, other, open, false);
    settle(context, i);
  }
}

/// Where the handler gave up: by what the file declares, by what elements can be at most, or by
/// guesses.
bool OnnxReader::emit_otherwise(OnnxContext& context, const OnnxOperator& row) {
  const auto type = row.rest.emit_declared != nullptr ? context.declared(0) : std::nullopt;
  if (type && type->is_known() && row.rest.emit_declared(context, *type)) {
    for (const OnnxValue& output : context.outputs_) {
      if (output.id != no_id && is_inexact(output)) graph_.mark_exact(output.id);
    }
    return true;
  }
  if (take_ranges(context) && OnnxInexact(*this, context, row).emit()) return true;
  return type && !type->is_known() && emit_guessed(context, row, *type);
}

/// Inputs whose elements the handler lacked become known ones, if the range of these is known.
bool OnnxReader::take_ranges(OnnxContext& context) {
  bool is_any = false;
  for (std::size_t i = 0; i < context.inputs_.size(); ++i) {
    OnnxValue& input = context.inputs_[i];
    if (!OnnxContext::has_bit(context.unknown_elements_, i)) continue;
    if (input.id == no_id || input.known == nullptr) continue;
    input.id = no_id;
    is_any = context.is_inexact_ = true;
  }
  return is_any;
}

/// Remembers what the elements of a computed output can be.
void OnnxReader::keep_range(OnnxContext& context, const OnnxOperator& row) {
  if (context.outputs_.empty()) return;
  OnnxValue& output = context.outputs_[0];
  if (output.id == no_id || output.known != nullptr || output.shapeless) return;
  if (graph_.value(output.id).has(Value::assumed)) return;
  const std::optional<OnnxRange> range = row.rest.range(context);
  if (!range) return;
  KnownTensor most{.dtype = DType::int64, .shape = graph_.shape(output.id), .uniform = true};
  most.other = keep(most, {{range->least}}, {});
  most.bounded = true;
  output.known = keep(most, {{range->most}}, {});
}

bool OnnxReader::emit_guessed(OnnxContext& context, const OnnxOperator& row,
                              const DeclaredType& type) {
  const Mark before = mark();
  try {
    if (!row.rest.emit_declared(context, type)) return false;
  } catch (const Error& error) {
    if (error.code != ErrorCode::shape && error.code != ErrorCode::malformed) throw;
    rewind(before);
    return false;
  }
  const ValueId id = context.outputs_[0].id;
  if (id == no_id) return true;
  const UnknownSizes open = type.shape == graph_.shape(id) ? type.unknown : 0;
  Shape other = graph_.shape(id);
  for (std::size_t i = 0; i < other.size(); ++i) {
    if ((open >> i & 1U) != 0) other[i] += 6;
  }
  note_guess(context, 0);
  set_inexact(id, other, open, true);
  return true;
}

const OnnxReader::Handlers& OnnxReader::handlers_for(const OnnxNode& node) {
  const OperatorKey key{node.domain, node.op_type, node.overload};
  // Nearly all nodes are of few operators, which hashing their names would take longer to find.
  const std::size_t at = key.op_type.empty() ? 0 : key.op_type.size() * 8 + (key.op_type[0] & 7U);
  auto& [recent_key, recent] = recent_handlers_[at % recent_handlers_.size()];
  if (recent != nullptr && recent_key == key) return *recent;
  auto found = handlers_.find(key);
  if (found == handlers_.end()) {
    const Handlers handlers{nullptr, find_onnx_operator(node.domain, node.op_type)};
    found = handlers_.emplace(key, handlers).first;
  }
  recent_key = key;
  recent = &found->second;
  return *recent;
}

void OnnxReader::call_function(OnnxContext& context, const OnnxFunction& function) {
  for (const OnnxFrame* frame = &context.frame(); frame != nullptr;
       frame = frame->call != nullptr ? &frame->call->frame() : frame->outer) {
    if (frame->function == &function) {
      throw Error(ErrorCode::malformed,
                  "the function " + in_quotes(function.name) + " calls itself");
    }
  }
  spend(call_units + name_units(function.name));
  OnnxFrame frame(nullptr, function.nodes.size() + function.inputs.size());
  frame.opsets = function.opsets.empty() ? context.frame().opsets : function.opsets;
  for (const auto& [domain, version] : frame.opsets) {
    if (domain.empty() || domain == "ai.onnx") frame.default_opset = version;
  }
  frame.call = &context;
  frame.function = &function;
  frame.value_infos = function.value_infos;
  for (std::size_t i = 0; i < function.inputs.size(); ++i) {
    const OnnxValue value = i < context.inputs_.size() ? context.inputs_[i] : OnnxValue{};
    frame.scope.define(function.inputs[i], value);
  }
  if (frame.scope.duplicate_name()) {
    records_.fail(function.message, "duplicate input of the function " + in_quotes(function.name));
  }
  modules_.begin_function(context.node(), function);
  run_nodes(function.nodes, frame);
  modules_.end_function();
  for (std::size_t i = 0; i < function.outputs.size(); ++i) {
    const OnnxValue* value = frame.scope.find(function.outputs[i]);
    if (value == nullptr) {
      records_.fail(function.message, "no node makes the output " + in_quotes(function.outputs[i]) +
                                          " of the function " + in_quotes(function.name));
    }
    context.out_value(i, *value);
  }
}

std::vector<OnnxValue> OnnxReader::run_subgraph(const OnnxGraph& body, OnnxFrame& outer,
                                                std::span<const OnnxValue> inputs) {
  spend(call_units);
  OnnxFrame frame(&outer, body.nodes.size() + body.initializers.size() + inputs.size());
  frame.opsets = outer.opsets;
  frame.default_opset = outer.default_opset;
  frame.call = outer.call;
  frame.function = outer.function;
  frame.value_infos = body.value_infos;
  frame.outputs = body.outputs;
  add_initializers(body, frame);
  if (body.inputs.size() < inputs.size()) {
    records_.fail(body.message, "the subgraph has " + std::to_string(body.inputs.size()) +
                                    " inputs and is called with " + std::to_string(inputs.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    frame.scope.define(body.inputs[i].name, inputs[i]);
  }
  if (const std::optional<std::string_view> duplicate = frame.scope.duplicate_name())
    records_.fail(body.message, "duplicate input " + in_quotes(*duplicate));
  run_nodes(body.nodes, frame);
  std::vector<OnnxValue> outputs;
  for (const OnnxValueInfo& info : body.outputs) {
    const OnnxValue* value = frame.scope.find(info.name);
    if (value == nullptr) {
      records_.fail(body.message,
                    "no node makes the output " + in_quotes(info.name) + " of the subgraph");
    }
    outputs.push_back(*value);
  }
  return outputs;
}

void OnnxReader::append_unknown(OnnxContext& context) {
  const OnnxNode& node = context.node();
  std::vector<ValueId> inputs;
  for (std::size_t i = 0; i < context.inputs_.size(); ++i) {
    if (!context.has(i)) continue;
    const OnnxValue& value = context.inputs_[i];
    if (value.is_tensor()) inputs.push_back(enter(value, Role::data, node.inputs[i]));
    if (value.kind != OnnxValue::Kind::sequence) continue;
    spend(static_cast<std::int64_t>(value.sequence->size()));
    for (const OnnxValue& element : *value.sequence) {
      if (element.is_tensor()) inputs.push_back(enter(element, Role::data, node.inputs[i]));
    }
  }
  std::vector<DeclaredType> types;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    std::optional<DeclaredType> type = context.declared(i);
    if (!type && i == 0 && context.row_ != nullptr && context.row_->rest.keeps_shape &&
        context.has(0) && !context.inputs_[0].shapeless) {
      type.emplace();
      type->shape = shape_of(context.inputs_[0]);
      type->dtype = dtype_of(context.inputs_[0]);
    }
    if (type && !type->is_known()) note_guess(context, i);
    types.push_back(type.value_or(DeclaredType{{Shape{}, DType::unknown, false}, unknown_rank}));
  }
  Arena& arena = graph_.arena();
  const UnknownAttrs attrs{arena.copy(node.domain), arena.copy(node.op_type)};
  const std::vector<OutputType> plain(types.begin(), types.end());
  const NodeId appended = graph_.append_declared(unknown_op, graph_.keep(attrs), inputs, plain);
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    OnnxValue value;
    value.kind = OnnxValue::Kind::tensor;
    value.id = graph_.nodes()[appended].first_output + static_cast<ValueId>(i);
    value.shapeless = (types[i].unknown & unknown_rank) != 0;
    if (!types[i].is_known()) {
      graph_.mark_assumed(value.id, types[i].unknown);
      any_inexact_ = true;
    } else if (is_inexact(value)) {
      graph_.mark_exact(value.id);
    }
    context.out_value(i, value);
  }
}

}  // namespace zoometer
