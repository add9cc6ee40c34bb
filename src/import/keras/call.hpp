#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "import/keras/reader.hpp"

namespace zoometer {

class KerasCall;

/// All that is known of one class of layers, or of an operation of keras.ops.
struct KerasOperator {
  std::string_view name;  ///< "Conv2D"; "ops.Relu" where a layer has the same name
  /// Makes the nodes; false where it cannot know its sizes.
  bool (*emit)(KerasCall& call) = nullptr;
  std::int64_t number = 0;  ///< spatial dimensions or gates, for handlers of many
  const OpDef* op = nullptr;
  /// Settings of the layer that no cost depends on, as words.
  std::string_view unread = {};
};

/// The layers that one file of this folder handles.
struct KerasOperators {
  std::span<const KerasOperator> rows;
};

/// Every file's layers, by object name.
std::span<const KerasOperators* const> keras_operators() noexcept;
/// The row of a layer, or null.
const KerasOperator* find_keras_operator(const KerasLayer& layer);

/// What a layer computes with.
struct KerasPolicy {
  DType variable = DType::float32;
  DType compute = DType::float32;
  std::string_view quantised;  ///< "int8", "int4", "float8", "gptq", "awq", or empty
  bool is_dynamic = true;      ///< operands are quantised, too
};
/// Of a layer's `dtype` and `quantization_config`.
KerasPolicy keras_policy(const Json& config);

/// One call of a layer as its handler sees it.
class KerasCall {
 public:
  KerasCall(KerasReader& reader, const KerasApplication& application, KerasState& state,
            const KerasOperator& row);

  KerasReader& reader() noexcept { return reader_; }
  Graph& graph() noexcept { return reader_.graph(); }
  const KerasOperator& row() const noexcept { return row_; }
  std::string_view class_name() const noexcept { return application_.layer.class_name; }
  const KerasApplication& application() const noexcept { return application_; }
  KerasState& state() noexcept { return state_; }
  const KerasPolicy& policy() const noexcept { return policy_; }

  // -- operands ---------------------------------------------------------------------------------

  const std::vector<KerasOperand>& operands() const noexcept { return application_.operands; }
  /// Tensors without a name, in order. Throws Error{shape} where there are fewer.
  std::size_t input_count() const noexcept { return inputs_.size(); }
  KerasHandle handle(std::size_t index) const;
  /// The tensor, cast to what the layer computes with.
  Tensor in(std::size_t index = 0);
  /// The tensor by name, or else at a position; an empty handle where there is none.
  Tensor named(std::string_view name, std::size_t index);
  /// With the channels first, whatever the layer's data format.
  Tensor image(std::int64_t spatial);
  /// Whether all tensors are at hand with the channels first.
  bool are_planar() const;
  Tensor planar_in(std::size_t index);
  bool is_channels_last();

  // -- settings ---------------------------------------------------------------------------------

  /// The first of these that the layer sets, among its settings and then its constants by name.
  const Json* option(std::initializer_list<std::string_view> names);
  std::int64_t integer(std::initializer_list<std::string_view> names, std::int64_t otherwise);
  double real(std::initializer_list<std::string_view> names, double otherwise);
  bool flag(std::initializer_list<std::string_view> names, bool otherwise);
  std::string_view text(std::initializer_list<std::string_view> names, std::string_view otherwise);
  /// A number for each of `count` dimensions, or one number for all of them.
  Spatial spatial(std::initializer_list<std::string_view> names, std::size_t count,
                  std::int64_t otherwise);
  /// A list of numbers, or one; -1 where it has null.
  Ints list(std::initializer_list<std::string_view> names);
  void note_unread();

  // -- weights ----------------------------------------------------------------------------------

  /// As the layer computes with it.
  Tensor weight(std::string_view name, const Shape& shape,
                ParameterKind kind = ParameterKind::parameter);
  /// As it is stored. A layer that is not trained has no trained weights.
  Tensor stored(KerasWeight weight);
  /// The same of a weight that the layer does not train.
  Tensor frozen_weight(std::string_view name, const Shape& shape);
  Tensor none() noexcept { return {&graph(), no_id}; }

  // -- results ----------------------------------------------------------------------------------

  /// These return true, so that a handler can end with them.
  bool out(Tensor value);
  bool out_planar(Tensor value);
  /// The result of `image`, in the layer's data format.
  bool out_image(Tensor value);
  bool out_handle(KerasHandle value);
  bool out_moved(const Shape& sizes);
  std::vector<KerasHandle>& results() noexcept { return results_; }

  /// Applies the function of a setting; channels are along `axis`.
  Tensor activated(Tensor value, std::int64_t axis = -1, std::string_view setting = "activation",
                   std::string_view otherwise = "linear");
  Tensor apply_function(Tensor value, std::string_view name, std::int64_t axis);
  /// A weight as a quantiser of QKeras rounds it, if the layer has one.
  Tensor rounded(Tensor value, std::string_view setting);

  void require(bool holds, std::string_view expected) const;
  std::int64_t axis(std::int64_t axis, std::int64_t rank) const;

 private:
  Tensor cast(Tensor value);
  Tensor quantised(Tensor value, const Json& quantiser);

  KerasReader& reader_;
  const KerasApplication& application_;
  KerasState& state_;
  const KerasOperator& row_;
  KerasPolicy policy_;
  std::vector<KerasHandle> inputs_;
  std::vector<KerasHandle> results_;
  std::vector<std::string_view> read_;
};

/// The sizes of a constant in a file: nested lists of numbers, or {"class_name": "__tensor__"} of
/// them. Nothing if it is none.
std::optional<Shape> keras_constant_shape(const Json& value);

/// Numbers of a JSON list or of one number; -1 for null. Throws Error{malformed}.
Ints keras_numbers(const Json& value);

/// Where padding is, for a size of which each window of `extent` moves by `stride`.
struct KerasPads {
  std::int64_t before = 0, after = 0;
};
/// `padding`: "valid", "same", or "causal".
KerasPads keras_pads(KerasCall& call, std::string_view padding, std::int64_t size,
                     std::int64_t extent, std::int64_t stride);

/// x times (in, out) as stored, plus a bias of (out,) or nothing.
Tensor keras_dense(Tensor x, Tensor kernel, Tensor bias);

}  // namespace zoometer
