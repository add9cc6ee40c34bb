#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zoometer/ir/dtype.hpp"
#include "zoometer/ir/op_def.hpp"
#include "zoometer/ir/shape.hpp"
#include "zoometer/util/arena.hpp"
#include "zoometer/util/error.hpp"
#include "zoometer/util/huge_pages.hpp"

namespace zoometer {

/// A shape that is held once per graph, with its element count.
struct SharedShape {
  Shape shape;             ///< the size of each dimension
  std::int64_t numel = 0;  ///< their product
};

/// A tensor of the graph: an input, a parameter or the output of a node.
struct Value {
  /// What is to be known of a value; `flags` holds any number of them.
  enum Flag : std::uint8_t {
    bounded = 1,        ///< a size is an upper bound, or rests on one
    shares = 2,         ///< lives in the memory of its node's first input (a view, or in place)
    strided = 4,        ///< not contiguous: reshaping it copies
    is_input = 8,       ///< an input of the graph; `producer` is its index there
    is_parameter = 16,  ///< a parameter or buffer; `producer` is its index there
  };

  const SharedShape* type = nullptr;  ///< its sizes; the same pointer for equal ones
  NodeId producer = no_id;            ///< the node; the index of the input or parameter for those
  DType dtype = DType::float32;       ///< of its elements
  std::uint8_t flags = 0;             ///< Flag, joined by `|`
  std::uint16_t output_index = 0;     ///< which of its node's outputs it is

  /// Whether a flag is set.
  bool has(Flag flag) const noexcept { return (flags & flag) != 0; }
};

/// One application of an operator. Inputs and outputs are runs in the graph's flat arrays.
struct Node {
  const OpDef* op = nullptr;       ///< what is applied
  const void* attrs = nullptr;     ///< in the graph's arena, of the type that `op` tells
  std::uint32_t first_input = 0;   ///< into the graph's operands: see Graph::inputs_of
  ValueId first_output = 0;        ///< the others follow it
  ModuleId module = 0;             ///< whose call appended it
  std::uint16_t input_count = 0;   ///< absent optional ones in the middle included
  std::uint16_t output_count = 0;  ///< how many values it makes
};
static_assert(sizeof(Node) == 32);

/// What PyTorch calls a parameter or a buffer of a module.
enum class ParameterKind : std::uint8_t {
  parameter,         ///< learnt, in the state dict
  buffer,            ///< not learnt, in the state dict
  transient_buffer,  ///< not learnt, not in the state dict
};

/// A tensor that a module owns.
struct Parameter {
  std::string_view name;                          ///< within its module: "weight"
  ModuleId module = 0;                            ///< its owner
  ValueId value = 0;                              ///< what nodes read
  ParameterKind kind = ParameterKind::parameter;  ///< learnt or only stored
  ParameterId shared_with = no_id;                ///< the parameter whose storage this one shares
};

/// A named place of the model's structure. A child's id is greater than its parent's.
struct ModuleInfo {
  std::string_view name;    ///< within its parent: "conv1"; empty for the root
  std::string_view kind;    ///< its class: "Conv2d"
  ModuleId parent = no_id;  ///< `no_id` for the root
};

/// One call of a module: the nodes that ran inside it and what it returned.
struct ModuleCall {
  ModuleId module = 0;             ///< which one was called
  NodeId first_node = 0;           ///< the first node that ran inside, of inner calls, too
  NodeId end_node = 0;             ///< behind the last one
  std::uint32_t first_output = 0;  ///< into the list behind Graph::outputs_of
  std::uint32_t output_count = 0;  ///< tensors that it returned
};

/// A named input or output of the whole graph.
struct Port {
  std::string_view name;  ///< "x"
  ValueId value = 0;      ///< the tensor
};

/// A traced model: nodes, values, parameters and modules in flat arrays. Append-only while it is
/// traced; append order is a topological order. Everything it names lives in its arena.
class Graph {
 public:
  /// Without anything, not even a root module.
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  /// Moves; what it moved from may only be assigned to.
  Graph(Graph&&) noexcept = default;
  /// Moves; what it moved from may only be assigned to.
  Graph& operator=(Graph&&) noexcept = default;

  /// Empties the graph and keeps its memory for the next trace.
  void clear();

  // -- building -----------------------------------------------------------------------------

  /// Makes room for about so many nodes with an output each, parameters and modules.
  void reserve(std::size_t nodes, std::size_t parameters, std::size_t modules);

  /// Where names and attributes of this graph live.
  Arena& arena() noexcept { return arena_; }

  /// Adds a module below `parent`, or the root (`no_id`).
  /// `name` and `kind` must outlive the graph (a literal, or text in its arena).
  ModuleId add_module(ModuleId parent, std::string_view name, std::string_view kind);
  /// Gives a module the class that a reader learnt later; `kind` must outlive the graph.
  void set_module_kind(ModuleId module, std::string_view kind) { modules_[module].kind = kind; }
  /// Adds an input; `is_bounded` says that a size of it is only an upper bound.
  ValueId add_input(std::string_view name, const Shape& shape, DType dtype,
                    bool is_bounded = false);
  /// Adds a tensor that `module` owns.
  ValueId add_parameter(ModuleId module, std::string_view name, const Shape& shape, DType dtype,
                        ParameterKind kind) {
    return add_parameter(module, name, intern(shape), dtype, kind);
  }
  /// The same with a shape that `intern` gave.
  ValueId add_parameter(ModuleId module, std::string_view name, const SharedShape* shape,
                        DType dtype, ParameterKind kind);
  /// Declares that a parameter's storage is that of another one, before it.
  void share_parameter(ParameterId parameter, ParameterId with);
  /// Declares a value an output of the graph.
  void add_output(std::string_view name, ValueId value);

  /// Appends a node: infers its output types, or throws Error with the module path and the
  /// operator.
  template <class Attrs>
  NodeId append(const OpDef& op, const Attrs& attrs, std::span<const ValueId> inputs) {
    const void* kept = nullptr;
    if constexpr (!std::is_empty_v<Attrs>) kept = keep(attrs);
    return append_raw(op, kept, inputs);
  }

  /// The same with the attributes already in the arena (null for none).
  NodeId append_raw(const OpDef& op, const void* attrs, std::span<const ValueId> inputs);

  /// Appends a node whose output types are declared, not inferred: an operator without a
  /// definition.
  NodeId append_declared(const OpDef& op, const void* attrs, std::span<const ValueId> inputs,
                         std::span<const OutputType> outputs);

  /// Copies attributes into the arena.
  template <class Attrs>
  const Attrs* keep(const Attrs& attrs) {
    return ::new (arena_.allocate(sizeof(Attrs), alignof(Attrs))) Attrs(attrs);
  }

  /// Gives the node that was appended last more outputs, of declared types: results that an
  /// operator makes only on demand.
  void add_declared_outputs(NodeId node, std::span<const OutputType> outputs);

  /// A point to come back to: what was appended after it (but modules) can be taken back.
  struct Mark {
    std::size_t nodes = 0;       ///< how many there were
    std::size_t operands = 0;    ///< how many inputs all nodes had
    std::size_t values = 0;      ///< how many there were
    std::size_t parameters = 0;  ///< how many there were
    std::size_t calls = 0;       ///< how many there were
    std::size_t returned = 0;    ///< how many values all calls had returned
  };
  /// The point that the graph is at.
  Mark mark() const noexcept {
    return {nodes_.size(),      operands_.size(), values_.size(),
            parameters_.size(), calls_.size(),    call_outputs_.size()};
  }
  /// Takes back what was appended after that point.
  void rewind(const Mark& mark);

  /// Marks a value as written into its node's first input's memory, in that one's order.
  void mark_in_place(ValueId value);
  /// Marks a value as having a size that is only an upper bound.
  void mark_bounded(ValueId value) { values_[value].flags |= Value::bounded; }
  /// Marks a value as of known size, whatever it was made from: the user told the real number.
  void mark_exact(ValueId value) {
    values_[value].flags &= static_cast<std::uint8_t>(~Value::bounded);
  }
  /// Changes the type of a value's elements: a reader knows better than the inference.
  void set_dtype(ValueId value, DType dtype) { values_[value].dtype = dtype; }

  /// From now on `dtype` and `bytes` take every real floating-point tensor as stored in that type
  /// (nothing: in its own), for what the model costs in another precision. Integers stay, and so
  /// does what was traced.
  void count_floating_as(std::optional<DType> dtype) noexcept { floating_as_ = dtype; }

  /// Names a node or says where it came from; kept outside of the node, as few graphs use it.
  void set_node_name(NodeId node, std::string_view name);

  /// The module that nodes are appended to.
  ModuleId current_module() const noexcept { return current_module_; }
  /// Chooses the module that nodes are appended to.
  void set_current_module(ModuleId module) noexcept { current_module_ = module; }

  /// Begins a call of a module; returns the call's index, for `end_call`.
  std::uint32_t begin_call(ModuleId module);
  /// Ends the call that `begin_call` began, with what the module returned.
  void end_call(std::uint32_t call, std::span<const ValueId> outputs);
  /// Adds a finished call of a module, with the nodes from `first_node` to before `end_node`.
  void add_call(ModuleId module, NodeId first_node, NodeId end_node,
                std::span<const ValueId> outputs);

  // -- reading ------------------------------------------------------------------------------

  /// Every node, in an order in which they can run.
  std::span<const Node> nodes() const noexcept { return nodes_; }
  /// Every tensor; a node's outputs follow its inputs.
  std::span<const Value> values() const noexcept { return values_; }
  /// Parameters and buffers, in the order of their declaration.
  std::span<const Parameter> parameters() const noexcept { return parameters_; }
  /// Every module, a parent before its children.
  std::span<const ModuleInfo> modules() const noexcept { return modules_; }
  /// Every call of a module, in the order in which they began.
  std::span<const ModuleCall> calls() const noexcept { return calls_; }
  /// The tensors that go in.
  std::span<const Port> inputs() const noexcept { return inputs_; }
  /// The tensors that come out.
  std::span<const Port> outputs() const noexcept { return outputs_; }

  /// The graph's one copy of a shape. Throws Error{overflow} as `numel` does.
  const SharedShape* intern(const Shape& shape);
  /// One tensor.
  const Value& value(ValueId id) const noexcept { return values_[id]; }
  /// Its size in each dimension.
  const Shape& shape(ValueId id) const noexcept { return values_[id].type->shape; }
  /// Its elements.
  std::int64_t numel(ValueId id) const noexcept { return values_[id].type->numel; }
  /// The type that a value counts as stored in: its own, unless `count_floating_as` changed it.
  DType dtype(ValueId id) const noexcept {
    const DType own = values_[id].dtype;
    return floating_as_ && is_real_floating(own) ? *floating_as_ : own;
  }
  /// Bytes of a value at that type.
  std::int64_t bytes(ValueId id) const noexcept { return bytes_of(numel(id), dtype(id)); }
  /// The values that go into a node; an absent optional one is `no_id`.
  std::span<const ValueId> inputs_of(const Node& node) const noexcept {
    return {operands_.data() + node.first_input, node.input_count};
  }
  /// The tensors that a call returned.
  std::span<const ValueId> outputs_of(const ModuleCall& call) const noexcept {
    return {call_outputs_.data() + call.first_output, call.output_count};
  }
  /// A node as formulas read it.
  NodeView view(NodeId id) const noexcept { return {*this, nodes_[id]}; }
  /// What `set_node_name` set, or empty.
  std::string_view node_name(NodeId id) const noexcept;

  /// "layer1.0.conv1"; empty for the root.
  std::string module_path(ModuleId id) const;
  /// "layer1.0.conv1.weight".
  std::string parameter_path(const Parameter& parameter) const;

  /// Modules in depth-first order of their registration: torchvision's `named_modules()`.
  LargeVector<ModuleId> modules_in_order() const;
  /// Parameters as in the state dict: module by module, parameters before buffers.
  std::vector<ParameterId> parameters_in_order() const;

 private:
  friend class Inference;

  ValueId add_value(const SharedShape* shape, DType dtype, NodeId producer, std::uint8_t flags);
  void rehash(std::size_t capacity);
  NodeId commit(const OpDef& op, const void* attrs, std::span<const ValueId> inputs,
                std::span<const OutputType> outputs);
  void locate(Error& error, const OpDef& op) const;

  Arena arena_;
  LargeVector<Node> nodes_;
  LargeVector<ValueId> operands_;
  LargeVector<Value> values_;
  LargeVector<Parameter> parameters_;
  LargeVector<ModuleInfo> modules_;
  LargeVector<ModuleCall> calls_;
  LargeVector<ValueId> call_outputs_;
  LargeVector<Port> inputs_;
  LargeVector<Port> outputs_;
  LargeVector<std::string_view> node_names_;
  LargeVector<const SharedShape*> shape_table_;  // open addressing, a power of two
  std::size_t shape_count_ = 0;
  mutable std::vector<OutputType> inferred_;  // scratch of append_raw
  std::optional<DType> floating_as_;
  ModuleId current_module_ = 0;
};

// -- inline readers ---------------------------------------------------------------------------

inline const Shape& Inference::shape(std::size_t index) const {
  return graph_.shape(inputs_[index]);
}
inline DType Inference::dtype(std::size_t index) const {
  return graph_.value(inputs_[index]).dtype;
}
inline std::int64_t Inference::numel(std::size_t index) const {
  return graph_.numel(inputs_[index]);
}

inline const OpDef& NodeView::op() const noexcept { return *node_->op; }
inline std::size_t NodeView::input_count() const noexcept { return node_->input_count; }
inline std::size_t NodeView::output_count() const noexcept { return node_->output_count; }
inline ValueId NodeView::input(std::size_t index) const noexcept {
  return graph_->inputs_of(*node_)[index];
}
inline bool NodeView::has(std::size_t index) const noexcept {
  return index < node_->input_count && input(index) != no_id;
}
inline ValueId NodeView::output(std::size_t index) const noexcept {
  return node_->first_output + static_cast<ValueId>(index);
}
inline const Shape& NodeView::in(std::size_t index) const noexcept {
  return graph_->shape(input(index));
}
inline const Shape& NodeView::out(std::size_t index) const noexcept {
  return graph_->shape(output(index));
}
inline std::int64_t NodeView::in_numel(std::size_t index) const noexcept {
  return graph_->numel(input(index));
}
inline std::int64_t NodeView::out_numel(std::size_t index) const noexcept {
  return graph_->numel(output(index));
}
inline const void* NodeView::raw_attrs() const noexcept { return node_->attrs; }

}  // namespace zoometer
