#include "op/signal.hpp"

#include <cmath>

#include "op/moving_op.hpp"

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand stft_inputs[] = {{"x", Role::data}, {"window", Role::data}};
constexpr std::string_view dft_constraints[] = {
    "x of rank 2 or more whose last dimension is 1 (real numbers) or 2 (complex ones)",
    "an axis before the last one", "a length of 1 to 2^31",
    "one side of the frequencies only of real numbers, or backwards of complex ones"};
constexpr std::string_view stft_constraints[] = {
    "x of rank 3 whose last dimension is 1 (real numbers) or 2 (complex ones)",
    "a frame of at least 1 that fits into the signal, and a step of at least 1",
    "a window of the frame's length", "one side of the frequencies only of real numbers"};
constexpr std::string_view complex_constraints[] = {
    "real numbers of 32 or 64 bits, and a last dimension of 2"};
constexpr std::string_view real_constraints[] = {"complex numbers"};
constexpr std::int64_t longest = std::int64_t{1} << 31;

bool is_complex_or_real(const Shape& x) { return x.dim(-1) == 1 || x.dim(-1) == 2; }

std::int64_t frequencies(std::int64_t length, bool onesided) {
  return onesided ? length / 2 + 1 : length;
}

/// 5 n log2 n of a radix-2 transform of complex numbers, of which real ones need half: the usual
/// account of fast Fourier transforms (Frigo and Johnson 2005, "The Design and Implementation of
/// FFTW3").
std::int64_t fft_flops(std::int64_t length, bool is_real) {
  const auto n = static_cast<double>(length);
  return std::llround((is_real ? 2.5 : 5.0) * n * std::log2(n));
}

/// The transform's length: as given, or what x has along the axis.
std::int64_t length_of(const DftAttrs& attrs, std::int64_t size) {
  if (attrs.length != 0) return attrs.length;
  return attrs.onesided && attrs.inverse ? 2 * (size - 1) : size;
}

void infer_dft(Inference& in) {
  const auto& attrs = in.attrs<DftAttrs>();
  Shape out = in.shape(0);
  in.require(out.rank() >= 2 && is_complex_or_real(out), 1);
  const std::int64_t axis = in.axis(attrs.dim, out.rank(), 2);
  in.require(axis + 1 < out.rank(), 2);
  const std::int64_t size = out.dim(axis);
  in.require(size <= longest, 3);
  const std::int64_t length = length_of(attrs, size);
  in.require(length >= 1 && length <= longest, 3);
  in.require(!attrs.onesided || (out.dim(-1) == 1) != attrs.inverse, 4);
  const bool to_real = attrs.onesided && attrs.inverse;
  out.set_dim(axis, frequencies(length, attrs.onesided && !to_real));
  out.set_dim(-1, to_real ? 1 : 2);
  in.output(out, in.dtype(0));
}

Cost cost_dft(const NodeView& node) {
  const auto& attrs = node.attrs<DftAttrs>();
  const Shape& x = node.in(0);
  const std::int64_t axis = attrs.dim < 0 ? attrs.dim + x.rank() : attrs.dim;
  const std::int64_t length = length_of(attrs, x.dim(axis));
  const Shape& out = node.out();
  if (out.dim(axis) == 0) return {};
  const std::int64_t transforms = node.out_numel() / (out.dim(-1) * out.dim(axis));
  const std::int64_t scaling = attrs.inverse ? node.out_numel() : 0;
  const bool is_real = x.dim(-1) == 1 || out.dim(-1) == 1;
  return {0, checked_add(checked_mul(transforms, fft_flops(length, is_real)), scaling)};
}

void infer_stft(Inference& in) {
  const auto& attrs = in.attrs<StftAttrs>();
  const Shape& x = in.shape(0);
  in.require(x.rank() == 3 && is_complex_or_real(x), 1);
  in.require(attrs.frame_length >= 1 && attrs.frame_length <= longest, 2);
  in.require(attrs.frame_length <= x.dim(1) && attrs.frame_step >= 1, 2);
  if (in.has(1)) in.require(in.shape(1) == Shape{attrs.frame_length}, 3);
  in.require(!attrs.onesided || x.dim(2) == 1, 4);
  const std::int64_t frames = (x.dim(1) - attrs.frame_length) / attrs.frame_step + 1;
  in.output({x.dim(0), frames, frequencies(attrs.frame_length, attrs.onesided), 2}, in.dtype(0));
}

Cost cost_stft(const NodeView& node) {
  const auto& attrs = node.attrs<StftAttrs>();
  const std::int64_t components = node.in(0).dim(2);
  const std::int64_t windowing = node.has(1) ? attrs.frame_length * components : 0;
  const std::int64_t frames = checked_mul(node.out().dim(0), node.out().dim(1));
  return {0, checked_mul(frames, windowing + fft_flops(attrs.frame_length, components == 1))};
}

void infer_view_as_complex(Inference& in) {
  Shape out = in.shape(0);
  const DType dtype = in.dtype(0);
  in.require(out.rank() >= 1 && out.dim(-1) == 2, 1);
  in.require(dtype == DType::float32 || dtype == DType::float64, 1);
  out.erase(out.size() - 1);
  in.output(out, dtype == DType::float64 ? DType::complex128 : DType::complex64);
}

void infer_view_as_real(Inference& in) {
  const DType dtype = in.dtype(0);
  in.require(is_complex(dtype), 1);
  Shape out = in.shape(0);
  out.push_back(2);
  in.output(out, dtype == DType::complex128 ? DType::float64 : DType::float32);
}

bool is_of_reals(const NodeView& node) { return node.in(0).dim(-1) == 1; }

std::int64_t frames_bytes(const NodeView& node) {
  const auto& attrs = node.attrs<StftAttrs>();
  const std::int64_t frames = checked_mul(node.out().dim(0), node.out().dim(1));
  return checked_mul(checked_mul(frames, attrs.frame_length),
                     bytes_of(node.in(0).dim(2), node.graph().value(node.input(0)).dtype));
}

constexpr Condition of_reals{"where its numbers are real", is_of_reals};
constexpr Extra windowed_frames{"every frame times the window", frames_bytes};

}  // namespace

constinit const OpDef dft_op = {
    .name = "dft",
    .summary = "The discrete Fourier transform over one axis, forwards or backwards.",
    .formula = "5 n log2 n for each transform of n complex numbers, half of it for real ones, as a "
               "radix-2 fast Fourier transform takes; 1 more per output element backwards",
    .kind = OpKind::transform,
    .inputs = input_x,
    .constraints = dft_constraints,
    .attrs = AttrType::of<DftAttrs>(),
    .backward = keeps(first).only(of_reals),
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_dft,
    .cost = cost_dft};
constinit const OpDef stft_op = {
    .name = "stft",
    .summary = "The discrete Fourier transform of each frame of a signal.",
    .formula =
        "for each frame of n numbers, 5 n log2 n (half of it for real ones), and 1 per number "
        "for the window",
    .kind = OpKind::transform,
    .inputs = stft_inputs,
    .constraints = stft_constraints,
    .attrs = AttrType::of<StftAttrs>(),
    .backward = keeps(second).with(windowed_frames),
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_stft,
    .cost = cost_stft};

constinit const OpDef view_as_complex_op =
    moving::move<NoAttrs>("view_as_complex", "Pairs of real numbers as complex ones.",
                          infer_view_as_complex, complex_constraints, moving::aliases);
constinit const OpDef view_as_real_op =
    moving::move<NoAttrs>("view_as_real", "Complex numbers as pairs of real ones.",
                          infer_view_as_real, real_constraints, moving::aliases);

namespace {

constexpr const OpDef* ops[] = {&dft_op, &stft_op, &view_as_complex_op, &view_as_real_op};

}  // namespace

extern constinit const OpGroup signal_ops = {"signals", "Fourier transforms.", ops};

Tensor dft(Tensor x, const DftAttrs& attrs) { return apply(dft_op, attrs, x); }

Tensor stft(Tensor x, Tensor window, const StftAttrs& attrs) {
  return apply(stft_op, attrs, x, window);
}

Tensor view_as_complex(Tensor x) { return apply(view_as_complex_op, NoAttrs{}, x); }

Tensor view_as_real(Tensor x) { return apply(view_as_real_op, NoAttrs{}, x); }

}  // namespace zoometer
