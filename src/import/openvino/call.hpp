#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/openvino/reader.hpp"

namespace zoometer {

class OpenvinoCall;

/// All that is known of one type of layer.
struct OpenvinoOperator {
  std::string_view type;
  /// Makes the nodes; false where it cannot without elements that are not known.
  bool (*emit)(OpenvinoCall& call) = nullptr;
  /// Attributes that no cost depends on, as words.
  std::string_view no_effect = {};
  /// The operator of zoometer that it is, for handlers of many.
  const OpDef* op = nullptr;
};

/// The types of layers that one file of this folder handles.
struct OpenvinoOperators {
  std::span<const OpenvinoOperator> rows;
};

/// Every file's types, by object name.
std::span<const OpenvinoOperators* const> openvino_operators() noexcept;
/// The row of a type, or null.
const OpenvinoOperator* find_openvino_operator(std::string_view type) noexcept;

/// One layer as its handler sees it.
class OpenvinoCall {
 public:
  OpenvinoCall(OpenvinoReader& reader, OpenvinoFrame& frame, const OpenvinoLayer& layer,
               const OpenvinoOperator& row)
      : reader_(reader),
        frame_(frame),
        layer_(layer),
        row_(row) {}

  OpenvinoReader& reader() noexcept { return reader_; }
  OpenvinoFrame& frame() noexcept { return frame_; }
  const OpenvinoLayer& layer() const noexcept { return layer_; }
  const OpenvinoOperator& row() const noexcept { return row_; }
  Graph& graph() noexcept { return reader_.graph(); }
  std::string_view type() const noexcept { return layer_.type; }

  // -- inputs ---------------------------------------------------------------------------------

  std::size_t input_count() const noexcept { return layer_.inputs.size(); }
  bool has(std::size_t index) const noexcept { return index < layer_.inputs.size(); }
  Tensor in(std::size_t index, bool is_weight = false);
  /// The same, or an empty handle where the layer has fewer inputs.
  Tensor optional_in(std::size_t index, bool is_weight = false);
  /// All inputs, or the first ones.
  std::vector<Tensor> all_inputs(std::size_t most = SIZE_MAX);
  /// The value of an input as it is, known or not.
  OpenvinoValue& value(std::size_t index);
  /// The shape of an input, without a node for what is known.
  Shape shape(std::size_t index);
  DType dtype(std::size_t index) const;
  /// Whether an input is computed of constants only.
  bool is_constant(std::size_t index) const;
  /// The layer whose output an input reads.
  const OpenvinoLayer& source(std::size_t index) const;

  /// The input's numbers, or null.
  const OpenvinoKnown* known(std::size_t index);
  std::optional<std::vector<std::int64_t>> integers(std::size_t index);
  std::optional<std::int64_t> integer(std::size_t index);
  /// Axes within a rank, from an input; nothing where they are not known.
  std::optional<Ints> axes(std::size_t index, std::int64_t rank);
  /// The sizes that the file states for the first result. Without the file of constants, those that
  /// the file does not know are taken in their order from an input that has as many of them.
  /// Nothing where they are not known so.
  std::optional<Shape> stated(std::size_t index = 0);
  /// Whether sizes of the input are guesses; what is made of them are guesses, too.
  void take_sizes_of(std::size_t index);
  /// A size that data decides: it is taken as 1, with a note.
  double guess();

  // -- attributes -----------------------------------------------------------------------------

  std::string_view text(std::string_view attribute, std::string_view otherwise = {});
  std::int64_t option(std::string_view attribute, std::int64_t otherwise);
  double real(std::string_view attribute, double otherwise);
  bool flag(std::string_view attribute, bool otherwise);
  /// "1, 2, 3"; at most 16 integers.
  Ints list(std::string_view attribute);
  bool has_option(std::string_view attribute) const { return layer_.find(attribute) != nullptr; }
  /// Reads an attribute that no cost depends on while it is one of these words.
  void skip_defaults(std::string_view attribute, std::string_view words);
  /// Attributes that the handler did not read and the row does not list.
  void note_unread();

  // -- outputs --------------------------------------------------------------------------------

  std::size_t output_count() const noexcept { return layer_.outputs.size(); }
  const OpenvinoPort& output(std::size_t index = 0) const {
    require(index < output_count(), "a result");
    return layer_.outputs[index];
  }
  /// Sets an output. Returns true, so that a handler can end with it.
  bool out(Tensor value, std::size_t index = 0);
  bool out(OpenvinoValue value, std::size_t index);
  bool out_known(OpenvinoKnown known, std::size_t index = 0);
  /// A movement of the inputs into those sizes.
  bool out_moved(const Shape& sizes, std::size_t index = 0, bool is_bounded = false);
  /// The same into the sizes of the file; one that it does not know is marked.
  bool out_declared(std::size_t index = 0);
  /// All results of a movement with the sizes of the file, and a note: data decides them.
  bool out_stored();
  /// A node that costs the same as the layer, which it does not compute.
  bool out_stand_in(Tensor value);

  void require(bool holds, std::string_view expected) const;
  std::int64_t axis(std::int64_t axis, std::int64_t rank) const;

 private:
  bool is_needed(std::size_t index) const;
  void mark_guessed(Tensor value, const OpenvinoPort& declared);
  const std::string_view* read(std::string_view attribute);

  OpenvinoReader& reader_;
  OpenvinoFrame& frame_;
  const OpenvinoLayer& layer_;
  const OpenvinoOperator& row_;
  std::vector<std::string_view> read_;
  bool guessed_ = false;  // sizes of the results are guesses
};

/// Whether sums of the number and a size are far from the bounds of 64 bits.
constexpr bool is_modest(std::int64_t number) noexcept {
  return number >= INT32_MIN && number <= INT32_MAX;
}

/// A handler of a movement: where it cannot, the sizes are those of the file.
template <bool (*Emit)(OpenvinoCall&)>
bool openvino_moved(OpenvinoCall& call) {
  return Emit(call) || call.out_stored();
}

}  // namespace zoometer
