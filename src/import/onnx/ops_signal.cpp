// Fourier transforms.
#include "import/onnx/ops.hpp"
#include "op/signal.hpp"

namespace zoometer {
namespace {

void emit_dft(OnnxContext& context) {
  const Tensor x = context.in(0);
  DftAttrs attrs;
  // From opset 20 on the axis is an input.
  if (context.opset() < 20) {
    attrs.dim = context.integer("axis", 1);
  } else {
    attrs.dim = context.has(2) ? context.integer(2) : -2;
  }
  if (context.has(1)) attrs.length = context.integer(1);
  context.require(!context.has(1) || attrs.length >= 1, "a length of at least 1");
  attrs.onesided = context.integer("onesided", 0) != 0;
  attrs.inverse = context.integer("inverse", 0) != 0;
  context.out(dft(x, attrs));
}

/// The frame's length is an input, or the window's.
void emit_stft(OnnxContext& context) {
  Tensor x = context.in(0);
  StftAttrs attrs;
  attrs.frame_step = context.integer(1);
  const Tensor window = context.optional_in(2);
  context.require(window || context.has(3), "a window or a frame's length");
  attrs.frame_length = context.has(3) ? context.integer(3) : window.dim(0);
  attrs.onesided = context.integer("onesided", 1) != 0 && x.dim(-1) == 1;
  context.out(stft(x, window, attrs));
}

constexpr OnnxOperator rows[] = {
    {"DFT", emit_dft},
    {"STFT", emit_stft},
};

}  // namespace

extern constinit const OnnxOperators onnx_signal_operators = {"", rows};

}  // namespace zoometer
