// Fourier transforms, windows and mel scales.
#include <cmath>
#include <numbers>

#include "import/onnx/context.hpp"
#include "op/signal.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

OnnxOutcome emit_dft(OnnxContext& context) {
  const Tensor x = context.in(0);
  DftAttrs attrs;
  if (context.opset() < 20) {  // later the axis is an input
    attrs.dim = context.integer("axis", 1);
  } else {
    const auto axis = context.has(2) ? context.integer(2) : -2;
    if (!axis) return OnnxOutcome::depends_on_data;
    attrs.dim = *axis;
  }
  if (context.has(1)) {
    const std::optional<std::int64_t> length = context.integer(1);
    if (!length) return OnnxOutcome::depends_on_data;
    attrs.length = *length;
  }
  context.require(!context.has(1) || attrs.length >= 1, "a length of at least 1");
  attrs.onesided = context.integer("onesided", 0) != 0;
  attrs.inverse = context.integer("inverse", 0) != 0;
  return context.out(dft(x, attrs));
}

/// The frame's length is an input, or the window's. PyTorch's exporter writes a signal (batch,
/// length), which ONNX Runtime runs.
OnnxOutcome emit_stft(OnnxContext& context) {
  Tensor x = context.in(0);
  if (x.rank() == 2) x = unsqueeze(x, 2);
  const std::optional<std::int64_t> step = context.integer(1);
  if (!step) return OnnxOutcome::depends_on_data;
  const Tensor window = context.optional_in(2);
  context.require(window || context.has(3), "a window or a frame's length");
  const auto length = context.has(3) ? context.integer(3) : window.dim(0);
  if (!length) return OnnxOutcome::depends_on_data;
  StftAttrs attrs;
  attrs.frame_step = *step;
  attrs.frame_length = *length;
  attrs.onesided = context.integer("onesided", 1) != 0 && x.dim(-1) == 1;
  return context.out(stft(x, window, attrs));
}

/// Where data decides the axis or the length: of the axis whose declared size differs from the
/// input's, or of the second last one.
bool declare_dft(OnnxContext& context, const DeclaredType& type) {
  const Shape& x = context.shape(0);
  const std::int64_t rank = x.rank();
  if (type.shape.rank() != rank || rank < 2) return false;
  DftAttrs attrs;
  attrs.dim = rank - 2;
  for (std::int64_t i = 0; i + 1 < rank; ++i) {
    if (type.shape.dim(i) != x.dim(i)) attrs.dim = i;
  }
  attrs.inverse = context.integer("inverse", 0) != 0;
  attrs.onesided = context.integer("onesided", 0) != 0 && x.dim(-1) == (attrs.inverse ? 2 : 1);
  const std::int64_t size = type.shape.dim(attrs.dim);
  const bool is_half = attrs.onesided && !attrs.inverse;
  const bool is_whole = is_half && size == x.dim(attrs.dim) / 2 + 1;
  attrs.length = is_whole ? x.dim(attrs.dim) : is_half ? 2 * (size - 1) : size;
  if (attrs.length < 1) return false;
  for (const std::size_t input : {1U, 2U}) context.take_unknown(input);
  const Tensor result = dft(context.in(0), attrs);
  context.out(result);
  return true;
}

// -- windows and mel scales ---------------------------------------------------------------------

constexpr std::int64_t longest_window = std::int64_t{1} << 31;

/// A sum of cosines: level + the sum of height i x cos(2 pi (i + 1) n / period).
Tensor cosine_window(OnnxContext& context, std::int64_t size, double level,
                     std::initializer_list<double> heights) {
  context.require(size >= 0 && size <= longest_window, "a size of 0 to 2^31");
  const bool is_periodic = context.integer("periodic", 1) != 0;
  const auto period = static_cast<double>(std::max<std::int64_t>(1, size - (is_periodic ? 0 : 1)));
  const Tensor places = arange(context.graph(), 0, static_cast<double>(size), 1, DType::float32);
  Tensor sum = {};
  double frequency = 0;
  for (const double height : heights) {
    frequency += 2 * std::numbers::pi / period;
    const Tensor wave = unary(cos_op, places * frequency) * height;
    sum = sum ? sum + wave : wave;
  }
  const Tensor window = sum + level;
  const DType dtype = onnx_dtype(context.integer("output_datatype", 1));
  return dtype == DType::float32 ? window : to(window, dtype);
}

/// Makes a window of that size.
bool out_window(OnnxContext& context, std::int64_t size) {
  const std::string_view name = context.node().op_type;
  context.out(name == "HannWindow"      ? cosine_window(context, size, 0.5, {-0.5})
              : name == "HammingWindow" ? cosine_window(context, size, 25.0 / 46, {-21.0 / 46})
                                        : cosine_window(context, size, 0.42, {-0.5, 0.08}));
  return true;
}

OnnxOutcome emit_window(OnnxContext& context) {
  const std::optional<std::int64_t> size = context.integer(0);
  if (!size) return OnnxOutcome::depends_on_data;
  out_window(context, *size);
  return OnnxOutcome::done;
}

bool declare_window(OnnxContext& context, const DeclaredType& type) {
  context.take_unknown(0);
  return type.shape.rank() == 1 && out_window(context, type.shape[0]);
}

/// Triangles over the frequencies of a transform, evenly spaced on the mel scale: the edges of all
/// from one list, then the smaller of the rising and the falling side, at least 0.
Tensor mel_weights(OnnxContext& context, std::int64_t frequencies, std::int64_t bands) {
  context.require(frequencies >= 0 && frequencies <= longest_window && bands >= 0 &&
                      bands <= longest_window,
                  "numbers of bands and frequencies of 0 to 2^31");
  Graph& graph = context.graph();
  const auto range = [&](std::int64_t end) {
    return arange(graph, 0, static_cast<double>(end), 1, DType::float32);
  };
  const Tensor mels = range(bands + 2) * 1.0 + 1.0;  // from the lower to the upper edge
  const Tensor hertz = (unary(exp_op, mels / 1127.0) - 1.0) * 700.0;
  const Tensor edges = unary(floor_op, hertz * 1.0);
  const Tensor lower = slice(edges, 0, 0, bands);
  const Tensor centre = slice(edges, 0, 1, bands + 1);
  const Tensor upper = slice(edges, 0, 2, bands + 2);
  const Tensor places = unsqueeze(range(frequencies), 1);
  const Tensor rising = (places - lower) / (centre - lower);
  const Tensor falling = (upper - places) / (upper - centre);
  const Tensor weights = binary(maximum_op, binary(minimum_op, rising, falling), 0.0);
  const DType dtype = onnx_dtype(context.integer("output_datatype", 1));
  return dtype == DType::float32 ? weights : to(weights, dtype);
}

OnnxOutcome emit_mel_weights(OnnxContext& context) {
  const auto bands = context.integer(0), length = context.integer(1);
  if (!bands || !length) return OnnxOutcome::depends_on_data;
  context.require(*length >= 0, "a length of at least 0");
  return context.out(mel_weights(context, *length / 2 + 1, *bands));
}

bool declare_mel_weights(OnnxContext& context, const DeclaredType& type) {
  for (const std::size_t input : {0U, 1U}) context.take_unknown(input);
  if (type.shape.rank() != 2) return false;
  context.out(mel_weights(context, type.shape[0], type.shape[1]));
  return true;
}

using enum Meaning;

constexpr NoEffect mel_no_effect[] = {
    {"input 2", "where the bands lie"},
    {"input 3", "where the bands lie"},
    {"input 4", "where the bands lie"},
};

constexpr OnnxOperator signal_rows[] = {
    {"BlackmanWindow",
     same_values,
     emit_window,
     {.settings = {0}, .emit_declared = declare_window}},
    {"DFT", same_values, emit_dft, {.settings = {1, 2}, .emit_declared = declare_dft}},
    {"HammingWindow", same_values, emit_window, {.settings = {0}, .emit_declared = declare_window}},
    {"HannWindow", same_values, emit_window, {.settings = {0}, .emit_declared = declare_window}},
    {"MelWeightMatrix",
     same_cost,
     emit_mel_weights,
     {.settings = {0, 1, 2, 3, 4},
      .emit_declared = declare_mel_weights,
      .no_effect = mel_no_effect}},
    {"STFT", same_values, emit_stft, {.settings = {1, 2, 3}}},
};

}  // namespace

extern constinit const OnnxOperators onnx_signal_operators = {"", signal_rows};

}  // namespace zoometer
