#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "zoometer/ir/dtype.hpp"
#include "zoometer/ir/op_traits.hpp"
#include "zoometer/ir/shape.hpp"
#include "zoometer/util/arena.hpp"

namespace zoometer {

class Graph;
struct Node;
struct OpDef;

using ValueId = std::uint32_t;      ///< an index into Graph::values()
using NodeId = std::uint32_t;       ///< an index into Graph::nodes()
using ModuleId = std::uint32_t;     ///< an index into Graph::modules()
using ParameterId = std::uint32_t;  ///< an index into Graph::parameters()

/// An absent optional input (a convolution without bias), and the parent of the root module.
inline constexpr std::uint32_t no_id = 0xFFFFFFFF;

/// What an operator costs. FLOPs are 2 x macs + other.
struct Cost {
  std::int64_t macs = 0;    ///< multiply-accumulates
  std::int64_t other = 0;   ///< every other operation on floating-point numbers or integers
  std::int64_t hidden = 0;  ///< those of `macs` whose results a causal mask discards
};

/// Whether an operator's cost is known. The coverage ledger is made of it.
enum class Coverage : std::uint8_t {
  counted,  ///< by the formula of its definition
  zero,     ///< zero by definition: views, reshapes, constants
  unknown,  ///< an operator without a definition: always reported
};

/// Receives an attribute struct field by field: the field's name, which is PyTorch's name of the
/// argument, and its value.
class AttrVisitor {
 public:
  /// Visitors may be owned through this base.
  virtual ~AttrVisitor() = default;
  /// @{
  /// Receives a field. There is one for each type that an attribute may have.
  virtual void visit(std::string_view name, std::int64_t value) = 0;
  virtual void visit(std::string_view name, double value) = 0;
  virtual void visit(std::string_view name, bool value) = 0;
  virtual void visit(std::string_view name, std::span<const std::int64_t> value) = 0;
  /// Visits the numbers as text, "0.5, 1, 2", unless it is overridden.
  virtual void visit(std::string_view name, std::span<const double> value);
  virtual void visit(std::string_view name, std::string_view value) = 0;
  virtual void visit(std::string_view name, DType value) = 0;
  /// @}
};

/// One entry of an attribute struct's field list. The list is a `static constexpr std::tuple
/// fields` of the struct, in the order in which attributes are printed; printing, JSON, ONNX export
/// and equality all use it.
template <class Struct, class Member>
struct Field {
  std::string_view name;   ///< PyTorch's name of the argument
  Member Struct::*member;  ///< where the struct keeps it
};

/// Makes an entry of a field list.
template <class Struct, class Member>
constexpr Field<Struct, Member> field(std::string_view name, Member Struct::*member) {
  return {name, member};
}

/// The attributes of an operator that has none.
struct NoAttrs {
  static constexpr std::tuple<> fields{};
};

namespace internal {

template <class Attrs>
inline constexpr bool has_fields =
    std::tuple_size<std::remove_cvref_t<decltype(Attrs::fields)>>::value != 0;

template <class Member>
void visit_member(AttrVisitor& visitor, std::string_view name, const Member& value) {
  if constexpr (std::is_same_v<Member, Spatial> || std::is_same_v<Member, Ints>) {
    visitor.visit(name, std::span<const std::int64_t>(value));
  } else if constexpr (std::is_same_v<Member, Reals>) {
    visitor.visit(name, std::span<const double>(value));
  } else {
    visitor.visit(name, value);
  }
}

template <class Attrs>
void visit_attrs(const void* attrs, AttrVisitor& visitor) {
  if constexpr (has_fields<Attrs>) {
    const auto& typed = *static_cast<const Attrs*>(attrs);
    std::apply(
        [&](const auto&... item) { (visit_member(visitor, item.name, typed.*item.member), ...); },
        Attrs::fields);
  }
}

template <class Attrs>
bool equal_attrs(const void* a, const void* b) {
  if constexpr (has_fields<Attrs>) {
    const auto& left = *static_cast<const Attrs*>(a);
    const auto& right = *static_cast<const Attrs*>(b);
    return std::apply(
        [&](const auto&... item) { return ((left.*item.member == right.*item.member) && ...); },
        Attrs::fields);
  }
  return true;
}

template <class Member>
void keep_text(Member& member, Arena& arena) {
  if constexpr (std::is_same_v<Member, std::string_view>) member = arena.copy(member);
}

/// Copies every text of an attribute struct into the arena.
template <class Attrs>
void keep_attr_texts(void* attrs, Arena& arena) {
  if constexpr (has_fields<Attrs>) {
    auto& typed = *static_cast<Attrs*>(attrs);
    std::apply([&](const auto&... item) { (keep_text(typed.*item.member, arena), ...); },
               Attrs::fields);
  }
}

/// FNV-1a over the fields' names and sizes.
template <class Attrs>
constexpr std::uint64_t layout_of_attrs() {
  std::uint64_t hash = 0xCBF29CE484222325;
  const auto add = [&](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001B3; };
  add(sizeof(Attrs));
  if constexpr (has_fields<Attrs>) {
    const auto add_field = [&](const auto& item) {
      for (const char c : item.name) add(static_cast<unsigned char>(c));
      add(sizeof(std::declval<Attrs&>().*item.member));
    };
    std::apply([&](const auto&... item) { (add_field(item), ...); }, Attrs::fields);
  }
  return hash;
}

}  // namespace internal

/// What the graph needs to know of an operator's attribute struct: made from its field list.
struct AttrType {
  std::size_t size = 0;  ///< bytes, 0 for none
  /// Visits the fields in the order of the list.
  void (*visit)(const void* attrs, AttrVisitor& visitor) = nullptr;
  /// Whether every field is the same.
  bool (*equal)(const void* a, const void* b) = nullptr;
  /// Copies the texts of attributes that were copied as bytes into an arena.
  void (*keep_texts)(void* attrs, Arena& arena) = nullptr;
  std::uint64_t layout = 0;  ///< differs where fields differ: for binaries that exchange attributes

  /// The description of one attribute struct.
  template <class Attrs>
  static constexpr AttrType of() {
    static_assert(std::is_trivially_copyable_v<Attrs>, "attributes are copied as bytes");
    constexpr std::size_t size = std::is_empty<Attrs>::value ? 0 : sizeof(Attrs);
    return {size, &internal::visit_attrs<Attrs>, &internal::equal_attrs<Attrs>,
            &internal::keep_attr_texts<Attrs>, internal::layout_of_attrs<Attrs>()};
  }
};

/// A name with a text.
using TextPair = std::pair<std::string, std::string>;

/// The attributes as texts by name, in their order. `lists` writes those that are lists of
/// integers.
std::vector<TextPair> attribute_texts(
    const OpDef& op, const void* attrs,
    std::string (*lists)(std::span<const std::int64_t>) = to_string);

/// Attributes as "stride=(2, 2), groups=1"; empty for none.
std::string to_string(const OpDef& op, const void* attrs);

/// The type of one output.
struct OutputType {
  Shape shape;                   ///< the size of each dimension
  DType dtype = DType::float32;  ///< of its elements
  bool bounded = false;          ///< a size is an upper bound: the real one depends on data
};

/// What an operator's inference sees: inputs and attributes in, output types out.
class Inference {
 public:
  /// Of one node that is about to be appended.
  Inference(const Graph& graph, const OpDef& op, std::span<const ValueId> inputs, const void* attrs)
      : graph_(graph),
        op_(op),
        inputs_(inputs),
        attrs_(attrs) {}

  /// Inputs that were passed, absent optional ones in the middle included.
  std::size_t input_count() const noexcept { return inputs_.size(); }
  /// Whether the input is there: an optional one may be absent.
  bool has(std::size_t index) const noexcept {
    return index < inputs_.size() && inputs_[index] != no_id;
  }
  /// The sizes of an input that is there.
  const Shape& shape(std::size_t index) const;
  /// The element type of an input that is there.
  DType dtype(std::size_t index) const;
  /// The elements of an input that is there.
  std::int64_t numel(std::size_t index) const;

  /// The attributes; the operator's definition says of which type.
  template <class Attrs>
  const Attrs& attrs() const noexcept {
    return *static_cast<const Attrs*>(attrs_);
  }

  /// Declares the next output.
  void output(const Shape& shape, DType dtype, bool bounded = false);

  /// Throws Error{shape} unless `holds`: the numbered constraint of the operator's definition,
  /// and all input shapes and attributes.
  void require(bool holds, std::size_t constraint) const {
    if (!holds) [[unlikely]]
      fail(constraint);
  }
  /// Throws what `require` throws where its condition does not hold.
  [[noreturn]] void fail(std::size_t constraint) const;

  /// Turns an axis that may count from the end into one from the start, or fails the constraint.
  std::int64_t axis(std::int64_t axis, std::int64_t rank, std::size_t constraint) const {
    require(axis >= -rank && axis < rank, constraint);
    return axis < 0 ? axis + rank : axis;
  }

 private:
  const Graph& graph_;
  const OpDef& op_;
  std::span<const ValueId> inputs_;
  const void* attrs_;
};

/// A node with its graph, as cost formulas, analyses and reports read it.
class NodeView {
 public:
  /// Both must outlive the view.
  NodeView(const Graph& graph, const Node& node) : graph_(&graph), node_(&node) {}

  /// The operator that is applied.
  const OpDef& op() const noexcept;
  /// The graph that the node is of.
  const Graph& graph() const noexcept { return *graph_; }
  /// The node itself.
  const Node& node() const noexcept { return *node_; }
  /// Inputs, absent optional ones in the middle included.
  std::size_t input_count() const noexcept;
  /// How many values it makes.
  std::size_t output_count() const noexcept;
  /// Whether the input is there: an optional one may be absent.
  bool has(std::size_t index) const noexcept;
  /// The value that goes in, or `no_id`.
  ValueId input(std::size_t index) const noexcept;
  /// The value that comes out.
  ValueId output(std::size_t index = 0) const noexcept;
  /// The sizes of an input that is there.
  const Shape& in(std::size_t index) const noexcept;
  /// The sizes of an output.
  const Shape& out(std::size_t index = 0) const noexcept;
  /// The elements of an input that is there.
  std::int64_t in_numel(std::size_t index) const noexcept;
  /// The elements of an output.
  std::int64_t out_numel(std::size_t index = 0) const noexcept;

  /// The attributes; the operator's definition says of which type.
  template <class Attrs>
  const Attrs& attrs() const noexcept {
    return *static_cast<const Attrs*>(raw_attrs());
  }
  /// Null for an operator without attributes.
  const void* raw_attrs() const noexcept;

 private:
  const Graph* graph_;
  const Node* node_;
};

/// An operator: all that is known of it, declared once. Members of a `Required` type must be given.
struct OpDef {
  std::string_view name;                          ///< PyTorch's functional name: "conv2d"
  std::string_view summary;                       ///< what it computes, one sentence
  std::string_view formula;                       ///< its FLOPs in words, for docs/operators.md
  Required<OpKind> kind;                          ///< what sort of work it does
  Required<OperandList> inputs;                   ///< its operands and what each is to it
  std::span<const std::string_view> constraints;  ///< numbered from 1; checked by `infer`
  AttrType attrs;                                 ///< its attribute struct
  Required<Backward> backward;                    ///< what its backward keeps and computes
  Required<Fuse> fusion;                          ///< how it joins others in one kernel
  Required<Memory> memory;                        ///< what it reads, and where its result lives
  Required<Arithmetic> arithmetic;                ///< what it costs on complex numbers
  Coverage coverage = Coverage::counted;          ///< whether its cost is known
  bool cost_is_bound = false;  ///< the cost depends on data: the formula gives the most it can be
  /// Checks the constraints and declares the outputs.
  void (*infer)(Inference& inference) = nullptr;
  Cost (*cost)(const NodeView& node) = nullptr;  ///< null: zero

  /// What an operand is to the operator; the last one of its list stands for all that follow.
  Role role_of(std::size_t index) const noexcept {
    if (inputs->empty()) return Role::data;
    return inputs[std::min(index, inputs->size() - 1)].role;
  }
};

/// What a node costs by its operator's formula; on complex numbers, counted in operations on real
/// ones by the operator's `arithmetic`.
Cost cost_of(const NodeView& node);

}  // namespace zoometer
