// Fourier transforms.
#include "import/onnx/context.hpp"
#include "op/signal.hpp"

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

/// The frame's length is an input, or the window's.
OnnxOutcome emit_stft(OnnxContext& context) {
  Tensor x = context.in(0);
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

using enum Meaning;

constexpr OnnxOperator signal_rows[] = {
    {"DFT", same_values, emit_dft},
    {"STFT", same_values, emit_stft},
};

}  // namespace

extern constinit const OnnxOperators onnx_signal_operators = {"", signal_rows};

}  // namespace zoometer
