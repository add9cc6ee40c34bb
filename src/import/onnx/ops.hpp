#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "import/foreign.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

class OnnxContext;

/// What came of a handler.
enum class OnnxOutcome : std::uint8_t {
  done,
  /// The shapes of the outputs depend on elements that are not known, or no operator of zoometer
  /// has this form. The node becomes an unknown one with the shapes that the file declares.
  depends_on_data,
};

/// Some inputs of an operator.
class OnnxInputs {
 public:
  constexpr OnnxInputs() = default;
  constexpr OnnxInputs(std::initializer_list<unsigned> indices) {
    for (const unsigned index : indices) mask_ |= std::uint32_t{1} << index;
  }
  constexpr bool has(std::size_t index) const noexcept {
    return index < 32 && (mask_ >> index & 1U) != 0;
  }
  constexpr bool empty() const noexcept { return mask_ == 0; }

 private:
  std::uint32_t mask_ = 0;
};

/// Which sizes of an operator's inputs must fit each other.
enum class OnnxFit : std::uint8_t {
  broadcast,    ///< as NumPy broadcasts, if the operator is pointwise
  product,      ///< the inner ones of a matrix product
  concat,       ///< all but those along the attribute `axis`
  convolution,  ///< the channels, with those of the weight
  elements,     ///< as many elements as the shape that is input 1
  expand,       ///< what broadcasts to the shape that is input 1
  squeeze,      ///< 1 along the axes
};

/// Numbers from the least to the largest, both included.
struct OnnxRange {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

/// What a file declares of a value. Sizes that nothing says are guesses.
struct DeclaredType : OutputType {
  UnknownSizes unknown = 0;
  bool follows_batch =
      false;  ///< the first size is the inputs' batch, as long as nothing says else

  bool is_known() const noexcept { return unknown == 0 && !follows_batch; }
};

/// What a constant input is to its operator, which helps to decide whether it is a parameter.
enum class OnnxRole : std::uint8_t {
  data,          ///< anything: what the tensor is decides
  weight,        ///< a weight's place: learnt, also if it has one element
  statistic,     ///< gathered in training
  quantisation,  ///< a scale or a zero point of quantised numbers
  setting,       ///< never learnt: sizes, axes, indices, masks
};

/// What some operators have beside a name, a meaning and a handler.
struct OnnxOperatorRest {
  /// Computes the outputs if the elements of all inputs are known; false where it cannot.
  bool (*fold)(OnnxContext& context) = nullptr;
  /// Inputs whose elements the fold needs exactly: it is not monotonic in them.
  OnnxInputs fold_is_exact = {};
  /// Computes the outputs from elements that are not exact, where `fold_is_exact` forbids the fold.
  bool (*fold_ranges)(OnnxContext& context) = nullptr;
  /// The least and the largest number that the elements of output 0 can be, of what data decides.
  std::optional<OnnxRange> (*range)(OnnxContext& context) = nullptr;
  /// What shows the sizes of inputs that are not exact.
  OnnxFit fit = OnnxFit::broadcast;
  /// Output 0 has the shape of input 0.
  bool keeps_shape = false;
  /// The fold needs the shape of input 0 only.
  bool folds_shapes = false;
  // What a constant input is to the operator (`OnnxRole`).
  OnnxInputs weights = {};       ///< a weight's place: learnt, whatever its type and size
  OnnxInputs statistics = {};    ///< gathered in training
  OnnxInputs quantisation = {};  ///< scales and zero points, even if the handler does not read them
  OnnxInputs settings = {};      ///< never learnt: sizes, axes, indices, masks
  /// Takes inputs whose shapes are unknown.
  bool takes_anything = false;
  /// Where the output's shape depends on data but is declared: makes an output of that shape; false
  /// where it cannot be one.
  bool (*emit_declared)(OnnxContext& context, const DeclaredType& type) = nullptr;
  /// Attributes and inputs that no cost depends on: "momentum" or "spatial=1" (mostly the default),
  /// "input 3" or "input 2=0", or all "inputs".
  std::span<const NoEffect> no_effect = {};
};

/// All that is known of one operator of the file. Differences between the versions of an operator
/// are the handler's business.
struct OnnxOperator {
  constexpr OnnxOperator(std::string_view op_type, Meaning nodes,
                         OnnxOutcome (*handler)(OnnxContext& context),
                         const OnnxOperatorRest& more = {})
      : name(op_type),
        meaning(nodes),
        emit(handler),
        rest(more) {}

  std::string_view name;
  Meaning meaning;
  OnnxOutcome (*emit)(OnnxContext& context);
  OnnxOperatorRest rest;
};

/// The operators of one domain that one ops_*.cpp file handles.
struct OnnxOperators {
  std::string_view domain;  ///< empty: the standard one
  std::span<const OnnxOperator> rows;
};

/// Every file's operators, by object name.
std::span<const OnnxOperators* const> onnx_operators() noexcept;

/// The row of an operator, or null.
const OnnxOperator* find_onnx_operator(std::string_view domain, std::string_view name) noexcept;

}  // namespace zoometer
