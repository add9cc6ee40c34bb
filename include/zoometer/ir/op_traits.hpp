#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

// What an operator's declaration (op_def.hpp) says about it beyond shapes and cost, for the
// analyses, readers and writers that would otherwise keep tables of operators.

namespace zoometer {

class NodeView;
struct Layout;

/// A member that every declaration gives. It has no default constructor, so that a designated
/// initialiser without it does not compile.
template <class T>
class Required {
 public:
  /// Holds what the declaration gives.
  template <class U>
  requires std::convertible_to<U, T>
  constexpr Required(U&& value) : value_(std::forward<U>(value)) {}  // NOLINT(*-explicit-*)
  /// What was declared.
  constexpr operator T() const noexcept { return value_; }  // NOLINT(*-explicit-*)
  /// A member of what was declared.
  constexpr const T* operator->() const noexcept { return &value_; }
  /// An item of a declared list.
  constexpr const auto& operator[](std::size_t index) const noexcept requires
      requires(const T& list) {
    list[0];
  }
  { return value_[index]; }

 private:
  T value_;
};

/// What sort of work an operator does.
enum class OpKind : std::uint8_t {
  product,         ///< multiply-accumulates of two operands: convolutions, matrix products
  attention,       ///< two products with a softmax between them
  recurrent,       ///< products at every step of a sequence
  normalisation,   ///< shifts and scales by statistics
  softmax,         ///< exponentials divided by their sum along an axis
  pointwise,       ///< each element of the result from the elements in the same place
  reduction,       ///< many elements into one
  scan,            ///< running sums, products and extremes
  ordering,        ///< sorting, and searching what is sorted
  pooling,         ///< windows into one element each
  resampling,      ///< reads between elements: resizing, sampling at positions
  movement,        ///< the same elements in another shape or place
  lookup,          ///< elements or rows at given indices
  update,          ///< a tensor with a part of it replaced
  selection,       ///< as many results as the data gives: indices of what holds
  constant,        ///< numbers that no operand gives
  random,          ///< random numbers
  quantisation,    ///< numbers as integers with a scale, and back
  transform,       ///< Fourier transforms
  linear_algebra,  ///< factors, inverses and solutions of dense matrices
  boxes,           ///< positions of boxes from offsets and anchors
  unknown,         ///< an operator without a definition
};

/// The name of a kind, as the documentation prints it.
std::string_view name_of(OpKind kind) noexcept;

/// What an operand is to its operator.
enum class Role : std::uint8_t {
  data,          ///< activations, or anything that may be
  weight,        ///< a learnt factor of products, or a table whose rows are looked up
  bias,          ///< is added to products
  scale,         ///< a learnt factor of each channel
  shift,         ///< is added to each channel
  mean,          ///< running statistics: buffers
  variance,      ///< running statistics: buffers
  quantisation,  ///< the step between the numbers that integers stand for
  zero_point,    ///< the integer that stands for 0
  indices,       ///< positions in another operand
  mask,          ///< truth values
};

/// One operand in an operator's list.
struct Operand {
  std::string_view name;  ///< PyTorch's name; a trailing "..." repeats
  Required<Role> role;    ///< what it is to the operator
};

/// The operands of an operator, in order.
using OperandList = std::span<const Operand>;

/// A set of operands; what a backward keeps may also have the result in it.
struct OperandSet {
  std::uint32_t bits = 0;  ///< bit i: operand i; the last bits are the names below

  /// The union of both.
  constexpr OperandSet operator|(OperandSet other) const noexcept { return {bits | other.bits}; }
  /// Whether everything in the other set is in this one.
  constexpr bool has(OperandSet other) const noexcept {
    return (bits & other.bits) == other.bits && other.bits != 0;
  }
  /// Whether the operand is in the set. All operands from the 28th on are alike.
  constexpr bool has(std::size_t index) const noexcept {
    return (bits >> (index < 28 ? index : 28) & 1U) != 0;
  }
};

/// What a backward keeps besides tensors of the graph: statistics, indices, masks, gates.
struct Extra {
  std::string_view what;                        ///< in words, for the documentation
  std::int64_t (*bytes)(const NodeView& node);  ///< how much of it
  std::size_t output = 0;                       ///< if not 0, which output it is, if there is one
};

/// Which nodes of an operator something is true for.
struct Condition {
  std::string_view what;                ///< in words, for the documentation: "with a bias"
  bool (*holds)(const NodeView& node);  ///< whether it is true
};

/// What an operator's backward needs and computes, by PyTorch's derivatives.
struct Backward {
  OperandSet keeps = {};            ///< kept whenever any operand wants a gradient
  OperandSet for_second = {};       ///< kept if the second operand wants a gradient
  OperandSet factors = {};          ///< the operands whose gradients are products
  bool keeps_factors = false;       ///< keeps each of two factors if the other wants a gradient
  const Extra* extra = nullptr;     ///< what else is kept
  const Condition* when = nullptr;  ///< of keeping all this; null: always
  /// The multiply-accumulates of its products, from the forward's and from the number of factors
  /// that want a gradient. Null: as many as the forward's for each of them.
  std::int64_t (*macs)(const NodeView& node, std::int64_t forward, std::int64_t wanted) = nullptr;

  /// The same, and keeps more.
  constexpr Backward also(OperandSet more) const noexcept {
    Backward result = *this;
    result.keeps = keeps | more;
    return result;
  }
  /// The same, and keeps more if the second operand wants a gradient.
  constexpr Backward also_for_second(OperandSet more) const noexcept {
    Backward copy = *this;
    copy.for_second = for_second | more;
    return copy;
  }
  /// The same, but keeps something only where a condition holds.
  constexpr Backward only(const Condition& condition) const noexcept {
    Backward copy = *this;
    copy.when = &condition;
    return copy;
  }
  /// The same, and keeps something other than a tensor.
  constexpr Backward with(const Extra& more) const noexcept {
    Backward result = *this;
    result.extra = &more;
    return result;
  }
};

/// How an operator joins others in one kernel.
enum class Fuse : std::uint8_t {
  alone,     ///< is a kernel of its own
  leads,     ///< begins a kernel that what follows may join
  follows,   ///< joins the kernel that made its operand, or begins one
  absorbs,   ///< leads; two of them absorb the softmax between them and all that follows it
  absorbed,  ///< joins two products that absorb it, else is a kernel of its own
};

/// Where an operator's outputs live.
enum class Storage : std::uint8_t {
  fresh,     ///< new memory
  alias,     ///< its first input itself, with the same order of elements
  view,      ///< the memory of its first input, at other places: `Memory::place` says where
  reshaped,  ///< an alias if the first input's strides allow the shape, else a copy
  packed,    ///< an alias if the first input is contiguous, else a copy
  updated,   ///< its first input itself, of which it writes what `Memory::update` says
};

/// How much of its first operand an operator touches that writes into it, in elements.
struct Update {
  std::int64_t written = 0;  ///< replaced
  std::int64_t read = 0;     ///< read before: by sums, products and extremes
};

/// The memory that an operator reads and writes.
struct Memory {
  Storage storage = Storage::fresh;  ///< where its first output lives
  OperandSet parts = {};             ///< operands of which it reads as many elements as it writes
  OperandSet rows = {};      ///< operands of which it reads whole rows, as many as it writes
  OperandSet in_place = {};  ///< the operand whose memory the result may take
  /// Operands that have a part for each expert of a mixture: it reads those that its rows choose.
  OperandSet by_expert = {};
  /// How many experts there are. Null: it is no mixture.
  std::int64_t (*experts)(const NodeView& node) = nullptr;
  /// The operand (tokens, k) with the experts of each token. Empty: a `topk` before it chose them.
  OperandSet choice = {};
  /// Of a view: turns where the first operand's elements are into where those of an output are.
  void (*place)(const NodeView& node, std::size_t output, Layout& layout) = nullptr;
  /// What it touches if its result takes the place of its first operand. Null: all.
  Update (*update)(const NodeView& node) = nullptr;
  /// Elements of the first operand's type that it needs only while it runs. Null: none.
  std::int64_t (*workspace)(const NodeView& node) = nullptr;
};

/// How many operations on real numbers make up one on complex numbers.
struct Arithmetic {
  std::int8_t macs = 1;   ///< for each multiply-accumulate
  std::int8_t other = 1;  ///< for each other operation
};

/// The words of a declaration: `.backward = keeps(result)`.
namespace declaring {

/// @{
/// Operands, by their place.
inline constexpr OperandSet first{1U << 0};
inline constexpr OperandSet second{1U << 1};
inline constexpr OperandSet third{1U << 2};
inline constexpr OperandSet fourth{1U << 3};
inline constexpr OperandSet fifth{1U << 4};
inline constexpr OperandSet all_operands{(1U << 29) - 1};
inline constexpr OperandSet all_but_first{all_operands.bits & ~first.bits};
inline constexpr OperandSet all_but_first_two{all_but_first.bits & ~second.bits};
/// @}
/// The result.
inline constexpr OperandSet result{1U << 30};
/// The first operand; if the result takes its place in memory, the result.
inline constexpr OperandSet first_or_result{1U << 31};

/// No operand has a role worth a name.
inline constexpr OperandList no_inputs{};

/// A backward that needs nothing: of sums, movements, comparisons.
inline constexpr Backward keeps_nothing{};
/// A backward that needs these.
constexpr Backward keeps(OperandSet set) noexcept { return {.keeps = set}; }
/// A backward that needs each of two factors for the gradient of the other one.
constexpr Backward keeps_factors(OperandSet factors = first | second) noexcept {
  return {.factors = factors, .keeps_factors = true};
}

/// Reads all and writes new memory.
inline constexpr Memory new_memory{};
/// Reads all, and may write over its first operand.
inline constexpr Memory over_first{.in_place = first};
/// Another shape of its first operand's memory.
inline constexpr Memory alias{.storage = Storage::alias};
/// A part or another order of its first operand's memory.
constexpr Memory view_at(void (*place)(const NodeView&, std::size_t, Layout&)) noexcept {
  return {.storage = Storage::view, .place = place};
}
/// Another shape of its first operand's memory, or a copy if its strides do not allow that.
inline constexpr Memory reshaped{.storage = Storage::reshaped};
/// Its first operand's memory, or a copy if that is not contiguous.
inline constexpr Memory packed{.storage = Storage::packed};
/// Its first operand's memory, a part of which it writes.
constexpr Memory updated(Update (*update)(const NodeView&)) noexcept {
  return {.storage = Storage::updated, .update = update};
}
/// The same if nothing else needs its first operand; else a copy with that part replaced.
constexpr Memory may_update(Update (*update)(const NodeView&)) noexcept {
  return {.in_place = first, .update = update};
}
/// Reads single elements of its first operand.
inline constexpr Memory picks_elements{.parts = first};
/// Reads whole rows of its first operand.
inline constexpr Memory picks_rows{.rows = first};

/// One operation, whatever the element type: comparisons, roundings, functions of real numbers.
inline constexpr Arithmetic real_arithmetic{};
/// Sums. A multiply-accumulate is 4 multiplications and 4 additions; an addition 2.
inline constexpr Arithmetic additions{.macs = 4, .other = 2};
/// Products: 4 multiplications and 2 additions.
inline constexpr Arithmetic multiplications{.macs = 4, .other = 6};
/// Quotients: a product with the conjugate, the square of the divisor's magnitude (2
/// multiplications, 1 addition) and 2 divisions.
inline constexpr Arithmetic divisions{.macs = 4, .other = 11};
/// Pairs of a multiplication and an addition, as in LAPACK's counts: 8 for 2.
inline constexpr Arithmetic pairs{.macs = 4, .other = 4};

}  // namespace declaring
}  // namespace zoometer
