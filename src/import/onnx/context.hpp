#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/onnx/model.hpp"
#include "import/onnx/ops.hpp"
#include "import/onnx/values.hpp"
#include "zoometer/ir/tensor.hpp"

namespace zoometer {

class OnnxReader;
struct OnnxFrame;

/// A list of sizes or axes that an attribute or an input gives, if either does.
struct OnnxList : std::optional<std::vector<std::int64_t>> {
  using optional::optional;
  bool depends_on_data = false;  ///< an input gives it whose elements are not known
};

/// One node as the handler of its operator sees it: inputs, known elements and attributes in,
/// outputs out. Checks all that a file may get wrong, and remembers what the handler read.
class OnnxContext {
 public:
  OnnxContext(OnnxReader& reader, OnnxFrame& frame, const OnnxNode& node);

  OnnxReader& reader() noexcept { return reader_; }
  const OnnxFrame& frame() const noexcept { return frame_; }
  OnnxFrame& frame() noexcept { return frame_; }
  const OnnxNode& node() const noexcept { return node_; }
  /// The version of the operator's domain.
  std::int64_t opset() const noexcept { return opset_; }
  Graph& graph() noexcept { return graph_; }

  // -- inputs -------------------------------------------------------------------------------

  std::size_t input_count() const noexcept { return inputs_.size(); }
  bool has(std::size_t index) const noexcept {
    return index < inputs_.size() && inputs_[index].kind != OnnxValue::Kind::absent;
  }
  /// Throws Error{malformed} where the input is absent.
  const OnnxValue& value(std::size_t index) const;
  /// The same for a look that does not count as reading. The input must be there.
  const OnnxValue& input(std::size_t index) const noexcept { return inputs_[index]; }
  const Shape& shape(std::size_t index) const;
  std::int64_t rank(std::size_t index) const { return shape(index).rank(); }
  DType dtype(std::size_t index) const;

  /// The input as a tensor of the graph, in the role that the operator's row gives it.
  Tensor in(std::size_t index);
  Tensor in(std::size_t index, OnnxRole role);
  /// The same, or an empty handle where the input is absent.
  Tensor optional_in(std::size_t index);
  std::vector<Tensor> all_inputs(std::size_t from = 0);
  /// The same of a stored input whose elements are packed into bytes, or padded: as a weight of the
  /// shape and type that they have without. A computed input stays as it is.
  Tensor in_unpacked(std::size_t index, const Shape& shape, DType dtype);

  /// The input's elements, or null where they are not known (or are many). An input that is not
  /// known counts as read only once `value`, `in` or `take_unknown` asked for it.
  const KnownTensor* known(std::size_t index) const;
  /// Says that the handler does without the elements of an input, on purpose.
  void take_unknown(std::size_t index) const noexcept { mark_input(index); }
  /// The input's elements, which decide a shape; null where they are not known.
  const KnownTensor* elements(std::size_t index) const;
  std::optional<std::vector<std::int64_t>> integers(std::size_t index) const;
  std::optional<std::int64_t> integer(std::size_t index) const;
  /// The one number that a constant input has; nothing for weights.
  std::optional<double> constant_number(std::size_t index) const;

  // -- attributes ---------------------------------------------------------------------------

  const OnnxAttribute* attribute(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  double real(std::string_view name, double otherwise) const;
  std::string_view text(std::string_view name, std::string_view otherwise) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view name) const;
  std::optional<std::vector<double>> reals(std::string_view name) const;
  /// A list that is an attribute until version `since` of the operator set, and from then on an
  /// input.
  OnnxList list(std::string_view name, std::size_t input, std::int64_t since = 0) const;

  // -- outputs ------------------------------------------------------------------------------

  std::size_t output_count() const noexcept { return node_.outputs.size(); }
  bool wants(std::size_t index) const noexcept {
    return index < node_.outputs.size() && !node_.outputs[index].empty();
  }
  /// Sets an output. Returns `done`, so that a handler can end with it.
  OnnxOutcome out(Tensor tensor) { return out(0, tensor); }
  OnnxOutcome out(std::size_t index, Tensor tensor);
  OnnxOutcome out(std::size_t index, const KnownTensor* known);
  OnnxOutcome out_value(std::size_t index, const OnnxValue& value);
  std::span<const OnnxValue> outputs() const noexcept { return outputs_; }
  /// The declared type of an output; nothing where there is none.
  std::optional<DeclaredType> declared(std::size_t index);
  /// Whether an output is declared with a shape of that rank, all of it known.
  bool is_declared(std::size_t index, std::int64_t rank);
  /// Marks a size of an output as the most that it can be: data decides it.
  void at_most(std::size_t index, Tensor tensor, std::int64_t axis);
  /// Whether an input that was asked for elements in vain has elements in a known range.
  bool has_ranges() const noexcept;
  /// Whether an input has sizes or elements that are bounds or guesses.
  bool is_inexact() const noexcept { return is_inexact_; }
  /// Whether a size of an input is exact.
  bool is_exact(std::size_t index, std::int64_t axis) const;

  // -- making values ------------------------------------------------------------------------

  const KnownTensor* make_integers(DType dtype, const Shape& shape,
                                   std::span<const std::int64_t> elements);
  const KnownTensor* make_reals(DType dtype, const Shape& shape, std::span<const double> elements);
  const KnownTensor* make_uniform(DType dtype, const Shape& shape, double value);
  /// Appends a node. The type of its first output is inferred, those of the others are given.
  template <class Attrs>
  Tensor append(const OpDef& op, const Attrs& attrs, std::span<const ValueId> inputs,
                std::span<const OutputType> more);
  template <class Attrs>
  Tensor append(const OpDef& op, const Attrs& attrs, std::initializer_list<Tensor> inputs);

  // -- checks -------------------------------------------------------------------------------

  /// An axis that may count from the end, as one from the start. Throws Error{malformed}.
  std::int64_t axis(std::int64_t axis, std::int64_t rank) const;
  /// A list of sizes or axes, as many as a tensor may have. Throws Error{malformed}.
  Ints short_list(std::span<const std::int64_t> list) const;
  Ints axes(std::span<const std::int64_t> list, std::int64_t rank) const;
  void require(bool holds, std::string_view expected) const {
    if (!holds) [[unlikely]]
      fail(expected);
  }
  [[noreturn]] void fail(std::string_view expected) const;
  void note(std::string text);

  // -- what was read --------------------------------------------------------------------------

  /// Forgets what was read so far: a fold that gave up has taken nothing into account.
  void forget_reads() noexcept { attributes_read_ = inputs_read_ = 0; }
  /// Whether the handler read every attribute and every input that the node has.
  bool read_all() const noexcept {
    const std::size_t count = node_.attributes.size();
    const std::uint64_t attributes = count < most_marks ? bit(count) - 1 : ~std::uint64_t{0};
    return (attributes & ~attributes_read_) == 0 && (inputs_given_ & ~inputs_read_) == 0;
  }
  bool read_attribute(std::size_t index) const noexcept { return has_bit(attributes_read_, index); }
  bool read_input(std::size_t index) const noexcept { return has_bit(inputs_read_, index); }
  /// An attribute; inside a function, the one of the call that it refers to. Null where the call
  /// does not give it.
  const OnnxAttribute* resolved(const OnnxAttribute& attribute) const;

 private:
  friend class OnnxInexact;
  friend class OnnxReader;

  static constexpr std::size_t most_marks = 64;  // what lies beyond counts as read
  static std::uint64_t bit(std::size_t index) noexcept {
    return index < most_marks ? std::uint64_t{1} << index : 0;
  }
  static bool has_bit(std::uint64_t mask, std::size_t index) noexcept {
    return index >= most_marks || (mask & bit(index)) != 0;
  }
  void mark_input(std::size_t index) const noexcept { inputs_read_ |= bit(index); }

  OnnxReader& reader_;
  Graph& graph_;
  OnnxFrame& frame_;
  const OnnxNode& node_;
  const OnnxOperator* row_ = nullptr;
  std::int64_t opset_ = 1;
  std::vector<OnnxValue>& inputs_;
  std::vector<OnnxValue>& outputs_;
  bool is_inexact_ = false;  // an input has sizes or elements that are bounds or guesses
  std::vector<std::pair<std::size_t, std::int64_t>> own_bounds_;  // outputs' sizes of `at_most`
  std::uint64_t inputs_given_ = 0;
  mutable std::uint64_t unknown_elements_ = 0;  // inputs that were asked for elements in vain
  mutable std::uint64_t attributes_read_ = 0;
  mutable std::uint64_t inputs_read_ = 0;
};

// -- inline parts -----------------------------------------------------------------------------

template <class Attrs>
Tensor OnnxContext::append(const OpDef& op, const Attrs& attrs, std::span<const ValueId> inputs,
                           std::span<const OutputType> more) {
  const NodeId node = graph_.append(op, attrs, inputs);
  if (!more.empty()) graph_.add_declared_outputs(node, more);
  return {&graph_, graph_.nodes()[node].first_output};
}

template <class Attrs>
Tensor OnnxContext::append(const OpDef& op, const Attrs& attrs,
                           std::initializer_list<Tensor> inputs) {
  std::array<ValueId, 16> ids{};
  std::size_t count = 0;
  for (const Tensor& tensor : inputs) ids[count++] = tensor.id;
  return append(op, attrs, std::span<const ValueId>(ids.data(), count), {});
}

}  // namespace zoometer
