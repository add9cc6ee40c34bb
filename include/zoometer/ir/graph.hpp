#pragma once

#include <cstdint>
#include <map>
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
#include "zoometer/util/hash_index.hpp"

namespace zoometer {

/// A shape that is stored once per graph, with its element count.
struct SharedShape {
  Shape shape;             ///< the size of each dimension
  std::int64_t numel = 0;  ///< the number of elements
};

/// A tensor of the graph: an input, a parameter or the output of a node.
struct Value {
  /// Properties of a value. `flags` is a combination of them.
  enum Flag : std::uint8_t {
    bounded = 1,        ///< a size is an upper bound, or is computed from one
    shares = 2,         ///< uses the memory of its node's first input (a view, or in place)
    strided = 4,        ///< not contiguous: `layout_of` says where its elements are
    is_input = 8,       ///< an input of the graph; `producer` is its index there
    is_parameter = 16,  ///< a parameter or buffer; `producer` is its index there
    assumed = 32,       ///< a size is not known, or is computed from one: the shape has a guess
    detached = 64,      ///< no gradient flows through it: frozen, or computed under no_grad
    overlaps = 128,     ///< some elements may be at one place, as along an expanded dimension
  };

  const SharedShape* type = nullptr;  ///< its shape; equal shapes have equal pointers
  NodeId producer = no_id;            ///< the node, or the index of the input or parameter
  DType dtype = DType::float32;       ///< the type of its elements
  std::uint8_t flags = 0;             ///< a combination of Flag
  std::uint16_t output_index = 0;     ///< its position among its node's outputs

  /// Whether a flag is set.
  bool has(Flag flag) const noexcept { return (flags & flag) != 0; }
  /// Whether a node makes it: it is neither an input nor a parameter.
  bool is_computed() const noexcept { return (flags & (is_input | is_parameter)) == 0; }
};

/// Sizes of a value that are not known: a bit for each dimension, or `unknown_rank`.
using UnknownSizes = std::uint32_t;
/// Not even the number of dimensions is known.
inline constexpr UnknownSizes unknown_rank = UnknownSizes{1} << 31U;

/// One application of an operator. Inputs and outputs are runs in the graph's flat arrays.
struct Node {
  const OpDef* op = nullptr;       ///< the operator
  const void* attrs = nullptr;     ///< in the graph's arena; `op` knows the type
  std::uint32_t first_input = 0;   ///< index into the graph's operands, see Graph::inputs_of
  ValueId first_output = 0;        ///< the other outputs follow it
  ModuleId module = 0;             ///< the module that was called
  std::uint16_t input_count = 0;   ///< includes absent optional inputs in the middle
  std::uint16_t output_count = 0;  ///< the number of outputs
};
static_assert(sizeof(Node) == 32);

/// The kinds of tensors that a module owns, as in PyTorch, and two that only files have.
enum class ParameterKind : std::uint8_t {
  parameter,         ///< learned, in the state dict
  buffer,            ///< not learned, in the state dict
  transient_buffer,  ///< not learned, not in the state dict
  quantisation,      ///< a scale or a zero point of quantised numbers, in the state dict
  constant,          ///< of a file's program: neither learned nor a module's, counted by its bytes
};

/// Whether tensors of this kind are in the state dict.
constexpr bool is_in_state_dict(ParameterKind kind) noexcept {
  return kind != ParameterKind::transient_buffer && kind != ParameterKind::constant;
}

/// A tensor that a module owns.
struct Parameter {
  std::string_view name;                          ///< within its module: "weight"
  ModuleId module = 0;                            ///< its owner
  ValueId value = 0;                              ///< the value that nodes read
  ParameterKind kind = ParameterKind::parameter;  ///< parameter or buffer
  ParameterId shared_with = no_id;  ///< the parameter whose memory it shares, or `no_id`
};

/// A module of the model. A child's id is greater than its parent's.
struct ModuleInfo {
  std::string_view name;    ///< within its parent: "conv1"; empty for the root
  std::string_view kind;    ///< its class: "Conv2d"
  ModuleId parent = no_id;  ///< `no_id` for the root
  bool has_class = true;    ///< false: `kind` is a name, since the source has no classes
};

/// One call of a module: the nodes that ran in it and the values that it returned.
struct ModuleCall {
  ModuleId module = 0;             ///< the module that was called
  NodeId first_node = 0;           ///< the first node, including those of inner calls
  NodeId end_node = 0;             ///< the node after the last one
  std::uint32_t first_output = 0;  ///< index of the first returned value, see Graph::outputs_of
  std::uint32_t output_count = 0;  ///< the number of returned values
  std::int64_t times = 1;          ///< how often it ran, as a part of nodes that repeat
};

/// Nodes that run several times and are in the graph once: the body of a loop.
struct Repeat {
  NodeId first_node = 0;   ///< the first node
  NodeId end_node = 0;     ///< the node after the last one
  std::int64_t times = 1;  ///< how often they run each time that the nodes around them do
  bool is_bound = false;   ///< they run at most so often
};

/// How often one node runs.
struct NodeRuns {
  std::int64_t times = 1;  ///< the product of all repeats that contain it
  bool is_bound = false;   ///< at most so often
};

/// Nodes that training treats as a whole.
struct Region {
  /// What is said of the nodes.
  enum class Kind : std::uint8_t {
    kernel,      ///< the source runs them as one operator, whose backward keeps only what is listed
    recomputed,  ///< backward runs them again (activation checkpointing)
  };
  NodeId first_node = 0;            ///< the first node
  NodeId end_node = 0;              ///< the node after the last one
  Kind kind = Kind::kernel;         ///< what is said of them
  std::span<const ValueId> kept{};  ///< of a kernel: what its backward keeps, in the graph's arena
  std::int64_t kept_bytes = 0;      ///< ... and how much besides tensors of the graph
};

/// The spelling (Graph::set_spelling) of a convolution or matrix product into which an exporter
/// folded the batch norm after it.
inline constexpr std::string_view folded_norm_spelling = "with folded batch_norm";

/// A named input or output of the whole graph.
struct Port {
  std::string_view name;  ///< "x"
  ValueId value = 0;      ///< the tensor
};

/// A traced model: nodes, values, parameters and modules in flat arrays. It is built by appending;
/// the order of nodes is a topological order. All names live in its arena.
class Graph {
 public:
  /// An empty graph, without a root module.
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  /// Moves; the source may only be assigned to.
  Graph(Graph&&) noexcept = default;
  /// Moves; the source may only be assigned to.
  Graph& operator=(Graph&&) noexcept = default;

  /// A copy for reading, as the same model counted in another type. It shares names, attributes and
  /// shapes with this graph, which must outlive it.
  Graph alias() const;

  /// Removes everything and keeps the memory for the next trace.
  void clear();

  // -- building -----------------------------------------------------------------------------

  /// Makes room for about this many nodes with one output each, parameters and modules.
  void reserve(std::size_t nodes, std::size_t parameters, std::size_t modules);

  /// The memory of names and attributes.
  Arena& arena() noexcept { return arena_; }

  /// Adds a module below `parent`, or the root (`no_id`).
  /// `name` and `kind` must outlive the graph (a literal, or text in its arena).
  ModuleId add_module(ModuleId parent, std::string_view name, std::string_view kind);
  /// Changes the class of a module; `kind` must outlive the graph.
  void set_module_kind(ModuleId module, std::string_view kind) {
    modules_[module].kind = kind;
    modules_[module].has_class = true;
  }
  /// Says that the kind of a module is a name and not a class.
  void mark_without_class(ModuleId module) { modules_[module].has_class = false; }
  /// Adds an input; `is_bounded`: one of its sizes is an upper bound.
  ValueId add_input(std::string_view name, const Shape& shape, DType dtype,
                    bool is_bounded = false);
  /// Adds a tensor that `module` owns.
  ValueId add_parameter(ModuleId module, std::string_view name, const Shape& shape, DType dtype,
                        ParameterKind kind) {
    return add_parameter(module, name, intern(shape), dtype, kind);
  }
  /// The same with a shape that `intern` returned.
  ValueId add_parameter(ModuleId module, std::string_view name, const SharedShape* shape,
                        DType dtype, ParameterKind kind);
  /// Declares that a parameter shares the memory of an earlier parameter.
  void share_parameter(ParameterId parameter, ParameterId with);
  /// Changes the kind of a parameter, once what reads it shows the kind.
  void set_parameter_kind(ParameterId parameter, ParameterKind kind) {
    parameters_[parameter].kind = kind;
  }
  /// Declares a value an output of the graph.
  void add_output(std::string_view name, ValueId value);

  /// Appends a node and infers its output types. Throws Error with the module path and the
  /// operator.
  template <class Attrs>
  NodeId append(const OpDef& op, const Attrs& attrs, std::span<const ValueId> inputs) {
    const void* kept = nullptr;
    if constexpr (!std::is_empty_v<Attrs>) kept = keep(attrs);
    return append_raw(op, kept, inputs);
  }

  /// The same with attributes that are already in the arena; null if there are none.
  NodeId append_raw(const OpDef& op, const void* attrs, std::span<const ValueId> inputs);

  /// Appends a node with given output types: an operator without a definition.
  NodeId append_declared(const OpDef& op, const void* attrs, std::span<const ValueId> inputs,
                         std::span<const OutputType> outputs);

  /// Copies attributes into the arena.
  template <class Attrs>
  const Attrs* keep(const Attrs& attrs) {
    return ::new (arena_.allocate(sizeof(Attrs), alignof(Attrs))) Attrs(attrs);
  }

  /// Adds outputs of given types to the last node: outputs that an operator has only on demand.
  void add_declared_outputs(NodeId node, std::span<const OutputType> outputs);

  /// A state of the graph that `rewind` returns to.
  struct Mark {
    std::size_t nodes = 0;       ///< the number of nodes
    std::size_t operands = 0;    ///< the number of inputs of all nodes
    std::size_t values = 0;      ///< the number of values
    std::size_t parameters = 0;  ///< the number of parameters
    std::size_t calls = 0;       ///< the number of calls
    std::size_t returned = 0;    ///< the number of values that all calls returned
  };
  /// The current state.
  Mark mark() const noexcept {
    return {nodes_.size(),      operands_.size(), values_.size(),
            parameters_.size(), calls_.size(),    call_outputs_.size()};
  }
  /// Removes everything that was appended since `mark`, except modules.
  void rewind(const Mark& mark);

  /// Marks a value as written in place, into its node's first input.
  void mark_in_place(ValueId value);
  /// Marks a value as a view of its node's first input, although the strides do not say so.
  void mark_view(ValueId value) {
    if (!values_[value].has(Value::shares))
      values_[value].flags |= Value::shares | Value::strided | Value::overlaps;
  }
  /// Marks a value: one of its sizes is an upper bound. A guess stays a guess.
  void mark_bounded(ValueId value) {
    if (!values_[value].has(Value::assumed)) values_[value].flags |= Value::bounded;
  }
  /// Marks the sizes of a value as exact, although its inputs may be bounded or guessed.
  void mark_exact(ValueId value);
  /// Marks a value whose shape is a guess. `unknown`: the sizes that nothing speaks for.
  void mark_assumed(ValueId value, UnknownSizes unknown);
  /// Changes the shape of a value that was bounded or guessed: something says what it is.
  void set_shape(ValueId value, const Shape& shape) { values_[value].type = intern(shape); }
  /// Overrides the inferred element type of a value.
  void set_dtype(ValueId value, DType dtype) { values_[value].dtype = dtype; }

  /// From now on `dtype` and `bytes` treat all real floating-point tensors as stored in this type
  /// (nothing: their own). Reports use it to show the cost in another precision.
  void count_floating_as(std::optional<DType> dtype) noexcept { floating_as_ = dtype; }

  /// From now on views are copies, as in a runtime where every tensor is contiguous; what only
  /// gives the same elements another shape stays an alias.
  void copy_views();

  /// Sets the name of a node, such as its name in a file.
  void set_node_name(NodeId node, std::string_view name);

  /// Records how the source wrote a node, such as "baddbmm" for a bmm, where other tools count that
  /// in another way. `spelling` must outlive the graph.
  void set_spelling(NodeId node, std::string_view spelling) {
    if (spellings_.size() <= node) spellings_.resize(node + std::size_t{1});
    spellings_[node] = spelling;
  }

  /// Records what the source's own framework counts for the operation that a node comes from, and
  /// for those before it without a node: FLOPs, once for a loop's body.
  void set_source_flops(NodeId node, std::int64_t flops) {
    if (source_flops_.size() <= node) source_flops_.resize(node + std::size_t{1});
    source_flops_[node] = flops;
  }

  /// Records that a node stands in for an operator of the source, which it does not compute: it
  /// costs the same. `what` names the operator and must outlive the graph.
  void mark_stand_in(NodeId node, std::string_view what) { stand_ins_[node] = what; }

  /// The module that new nodes belong to.
  ModuleId current_module() const noexcept { return current_module_; }
  /// Sets the module that new nodes belong to.
  void set_current_module(ModuleId module) noexcept { current_module_ = module; }

  /// Begins a call of a module. Returns an index for `end_call`.
  std::uint32_t begin_call(ModuleId module);
  /// Ends a call; `outputs` are the values that the module returned. Empty tensors are left out.
  void end_call(std::uint32_t call, std::span<const ValueId> outputs);
  /// Adds a complete call of a module with the nodes [first_node, end_node).
  void add_call(ModuleId module, NodeId first_node, NodeId end_node,
                std::span<const ValueId> outputs, std::int64_t times = 1);

  /// Says that training treats nodes at the end of the graph as a whole. `kept` is copied.
  void add_region(const Region& region);
  /// Marks a value: no gradient flows through it.
  void mark_detached(ValueId value) { values_[value].flags |= Value::detached; }

  /// Declares that nodes at the end of the graph run several times. Repeats may contain others,
  /// which were added before. Throws Error{overflow} if a node runs 2^63 times or more.
  void add_repeat(const Repeat& repeat);

  // -- reading ------------------------------------------------------------------------------

  /// All nodes in a topological order.
  std::span<const Node> nodes() const noexcept { return nodes_; }
  /// All values; a node's outputs come after its inputs.
  std::span<const Value> values() const noexcept { return values_; }
  /// All parameters and buffers in declaration order.
  std::span<const Parameter> parameters() const noexcept { return parameters_; }
  /// All modules; parents come before their children.
  std::span<const ModuleInfo> modules() const noexcept { return modules_; }
  /// All calls of modules, in the order in which they began.
  std::span<const ModuleCall> calls() const noexcept { return calls_; }
  /// Nodes that run several times; those inside others come first.
  std::span<const Repeat> repeats() const noexcept { return repeats_; }
  /// Nodes that training treats as a whole, by their last node.
  std::span<const Region> regions() const noexcept { return regions_; }
  /// How often a node of this graph runs.
  NodeRuns runs_of(const Node& node) const noexcept {
    if (runs_.empty()) return {};
    const auto id = static_cast<std::size_t>(&node - nodes_.data());
    return id < runs_.size() ? runs_[id] : NodeRuns{};
  }
  /// The inputs of the model.
  std::span<const Port> inputs() const noexcept { return inputs_; }
  /// The outputs of the model.
  std::span<const Port> outputs() const noexcept { return outputs_; }

  /// The graph's copy of a shape; equal shapes share one. Throws as `numel` does.
  const SharedShape* intern(const Shape& shape);
  /// A value.
  const Value& value(ValueId id) const noexcept { return values_[id]; }
  /// The shape of a value.
  const Shape& shape(ValueId id) const noexcept { return values_[id].type->shape; }
  /// The sizes of a value that are not known. Its shape has guesses for them, which figures use.
  UnknownSizes unknown_sizes(ValueId id) const {
    return values_[id].has(Value::assumed) ? guessed_sizes(id) : 0;
  }
  /// The number of elements of a value.
  std::int64_t numel(ValueId id) const noexcept { return values_[id].type->numel; }
  /// The element type of a value, or the one that `count_floating_as` set.
  DType dtype(ValueId id) const noexcept {
    const DType own = values_[id].dtype;
    return floating_as_ && is_real_floating(own) ? *floating_as_ : own;
  }
  /// The bytes of a value of that type.
  std::int64_t bytes(ValueId id) const noexcept { return bytes_of(numel(id), dtype(id)); }
  /// The inputs of a node; an absent optional input is `no_id`.
  std::span<const ValueId> inputs_of(const Node& node) const noexcept {
    return {operands_.data() + node.first_input, node.input_count};
  }
  /// The values that a call returned.
  std::span<const ValueId> outputs_of(const ModuleCall& call) const noexcept {
    return {call_outputs_.data() + call.first_output, call.output_count};
  }
  /// A node as cost formulas read it.
  NodeView view(NodeId id) const noexcept { return {*this, nodes_[id]}; }
  /// The name that `set_node_name` set, or empty.
  std::string_view node_name(NodeId id) const noexcept;
  /// Whether `set_source_flops` was called.
  bool has_source_flops() const noexcept { return !source_flops_.empty(); }
  /// What `set_source_flops` set, or 0.
  std::int64_t source_flops(NodeId id) const noexcept {
    return id < source_flops_.size() ? source_flops_[id] : 0;
  }
  /// The name that `set_spelling` set, or empty.
  std::string_view spelling(NodeId id) const noexcept {
    return id < spellings_.size() ? spellings_[id] : std::string_view{};
  }

  /// The operator whose cost a node has in its place (mark_stand_in), or empty.
  std::string_view stand_in(NodeId id) const {
    const auto found = stand_ins_.find(id);
    return found == stand_ins_.end() ? std::string_view{} : found->second;
  }

  /// "layer1.0.conv1"; empty for the root.
  std::string module_path(ModuleId id) const;
  /// "layer1.0.conv1.weight".
  std::string parameter_path(const Parameter& parameter) const;

  /// Modules in depth-first order, as PyTorch's `named_modules()`.
  std::vector<ModuleId> modules_in_order() const;
  /// Parameters in the order of the state dict: by module, parameters before buffers.
  std::vector<ParameterId> parameters_in_order() const;

 private:
  friend class Inference;

  ValueId add_value(const SharedShape* shape, DType dtype, NodeId producer, std::uint8_t flags);
  NodeId commit(const OpDef& op, const void* attrs, std::span<const ValueId> inputs,
                std::span<const OutputType> outputs);
  void settle_storage(const Node& node);
  void locate(Error& error, const OpDef& op) const;
  UnknownSizes guessed_sizes(ValueId id) const;

  Arena arena_;
  std::vector<Node> nodes_;
  std::vector<ValueId> operands_;
  std::vector<Value> values_;
  std::vector<Parameter> parameters_;
  std::vector<ModuleInfo> modules_;
  std::vector<ModuleCall> calls_;
  std::vector<ValueId> call_outputs_;
  std::vector<Repeat> repeats_;
  std::vector<Region> regions_;
  std::vector<NodeRuns> runs_;  // by node, up to the end of the last repeat
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
  std::vector<std::string_view> node_names_;
  std::vector<std::string_view> spellings_;
  std::vector<std::int64_t> source_flops_;
  std::map<NodeId, std::string_view> stand_ins_;
  std::map<ValueId, UnknownSizes> unknown_;  // of guessed values; without an entry: all sizes
  std::vector<const SharedShape*> shapes_;
  HashIndex shape_index_;
  const SharedShape* last_shape_ = nullptr;   // the one that `intern` returned last
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
