#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/tflite/reader.hpp"

namespace zoometer {

class TfliteCall;

/// The field of the fused activation of operators that have none.
inline constexpr unsigned no_activation = 63;

/// All that is known of one builtin operator of the file.
struct TfliteOperator {
  std::uint32_t code = 0;
  /// Makes the nodes; false where it cannot without elements that are not known.
  bool (*emit)(TfliteCall& call) = nullptr;
  /// The options by their numbers, as words; those that no cost depends on begin with "-".
  std::string_view options = {};
  /// The operator of zoometer that it is, for handlers of many.
  const OpDef* op = nullptr;
  /// The name of a custom operator.
  std::string_view custom = {};
};

/// The operators that one file of this folder handles.
struct TfliteOperators {
  std::span<const TfliteOperator> rows;
};

/// Every file's operators, by object name.
std::span<const TfliteOperators* const> tflite_operators() noexcept;
/// The row of an operator, or null.
const TfliteOperator* find_tflite_operator(const TfliteNode& node) noexcept;
/// "CONV_2D"; empty for a number that the schema did not have when this was written.
std::string_view tflite_name(std::uint32_t code) noexcept;

/// One operator as its handler sees it.
class TfliteCall {
 public:
  TfliteCall(TfliteReader& reader, TfliteFrame& frame, const TfliteNode& node,
             const TfliteOperator& row)
      : reader_(reader),
        frame_(frame),
        node_(node),
        row_(row) {}

  TfliteReader& reader() noexcept { return reader_; }
  TfliteFrame& frame() noexcept { return frame_; }
  const TfliteNode& node() const noexcept { return node_; }
  const TfliteOperator& row() const noexcept { return row_; }
  Graph& graph() noexcept { return reader_.graph(); }

  // -- inputs ---------------------------------------------------------------------------------

  std::size_t input_count() const noexcept { return node_.inputs.size(); }
  bool has(std::size_t index) const noexcept {
    return index < node_.inputs.size() && node_.inputs[index] >= 0;
  }
  /// The tensor of the file. Throws Error{malformed} where the input is absent.
  const TfliteTensor& tensor(std::size_t index) const;
  Tensor in(std::size_t index, TfliteRole role = TfliteRole::data);
  /// The same, or an empty handle where the input is absent.
  Tensor optional_in(std::size_t index, TfliteRole role = TfliteRole::data);
  /// An image or volume with the channels named first.
  Tensor planar_in(std::size_t index);
  /// All inputs, or the first ones.
  std::vector<Tensor> all_inputs(std::size_t most = SIZE_MAX);
  /// The input's integers, or null.
  const TfliteKnown* known(std::size_t index);
  std::optional<std::int64_t> integer(std::size_t index);
  /// A size that data decides: it is taken as 1, with a note.
  std::int64_t guess();
  /// Whether sizes of the input are guesses; what is made of them are guesses, too.
  void take_sizes_of(Tensor x);
  bool is_quantised_weight(std::size_t index) const;

  // -- options --------------------------------------------------------------------------------

  template <class Number>
  Number option(unsigned field, Number otherwise = 0) {
    read_ |= std::uint64_t{1} << field;
    return node_.options.number<Number>(field, otherwise);
  }
  bool flag(unsigned field) { return option<std::uint8_t>(field) != 0; }
  /// One of the numbers of 4 bytes that a custom operator has as options.
  std::int32_t custom_option(std::size_t index) const;
  std::vector<std::int64_t> option_list(unsigned field);
  /// A list of 8-byte integers, as StableHLO's options have.
  std::vector<std::int64_t> option_longs(unsigned field);
  void note_unread();

  // -- outputs --------------------------------------------------------------------------------

  std::size_t output_count() const noexcept { return node_.outputs.size(); }
  const TfliteTensor& output(std::size_t index) const {
    require(index < output_count(), "a result");
    return frame_.subgraph.tensors[static_cast<std::size_t>(node_.outputs[index])];
  }
  /// Sets an output. Returns true, so that a handler can end with it.
  bool out(Tensor value, std::size_t index = 0);
  /// The same for a value with the channels first.
  bool out_planar(Tensor value);
  bool out_known(TfliteKnown known);
  /// Applies a fused activation, or the rounding of an integer kernel to its result's scale.
  Tensor finished(Tensor value, unsigned activation_field, bool is_product);
  /// A movement into those sizes.
  bool out_moved(const Shape& sizes, std::size_t index = 0, bool is_bounded = false);
  /// The same into the stored sizes; a size that the file does not know is marked.
  bool out_declared(std::size_t index = 0);
  /// All results of a movement with the stored sizes, and a note: data decides them.
  bool out_stored();

  void require(bool holds, std::string_view expected) const;
  std::int64_t axis(std::int64_t axis, std::int64_t rank) const;
  std::string_view name() const noexcept { return tflite_name(node_.code); }

 private:
  void mark_guessed(Tensor value, const TfliteTensor& declared);

  TfliteReader& reader_;
  TfliteFrame& frame_;
  const TfliteNode& node_;
  const TfliteOperator& row_;
  std::uint64_t read_ = 0;
  bool guessed_ = false;  // sizes of the results are guesses
};

/// A handler of a movement: where it cannot, the sizes are those that the file states.
template <bool (*Emit)(TfliteCall&)>
bool tflite_moved(TfliteCall& call) {
  return Emit(call) || call.out_stored();
}

}  // namespace zoometer
