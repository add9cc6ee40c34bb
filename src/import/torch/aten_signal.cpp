// Fourier transforms, windows and complex numbers, which src/op represents as pairs of real ones.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "import/torch/aten_shared.hpp"
#include "op/indexing.hpp"
#include "op/signal.hpp"
#include "op/special.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer::aten {
namespace {

constexpr double pi = std::numbers::pi;

bool is_complex(Tensor x) { return zoometer::is_complex(x.dtype()); }

/// Complex numbers as pairs in a last axis of 2, real ones with a last axis of 1.
Tensor pairs_of(Tensor x) {
  if (is_complex(x)) return zoometer::view_as_real(x);
  return zoometer::unsqueeze(is_floating(x.dtype()) ? x : zoometer::to(x, DType::float32), -1);
}

/// The axes of a transform, counted from the start, and its length along each (0: the axis' size).
struct Transform {
  Ints dims;
  Ints lengths;
};

bool ends_with(AtenCall& call, char last) { return call.name().ends_with(last); }

Transform transform_of(AtenCall& call, std::int64_t rank) {
  Transform transform;
  const auto sizes = call.integers(call.has("s") ? "s" : "n");
  transform.dims = Ints(call.integers("dim"));
  if (transform.dims.empty()) {
    // fft_fft works along one axis, fft_fft2 along two, fft_fftn along all or those with sizes.
    const std::int64_t all = sizes.empty() ? rank : static_cast<std::int64_t>(sizes.size());
    const std::int64_t count = ends_with(call, '2') ? 2 : ends_with(call, 'n') ? all : 1;
    for (std::int64_t i = count; i >= 1; --i) transform.dims.push_back(-i);
  }
  for (std::size_t i = 0; i < transform.dims.size(); ++i) {
    transform.dims[i] = axis_within(call, transform.dims[i], rank);
    transform.lengths.push_back(i < sizes.size() ? std::max<std::int64_t>(0, sizes[i]) : 0);
  }
  if (transform.dims.empty()) call.refuse("a transform along no axis");
  return transform;
}

/// Complex transforms along all axes of the list except the last `skipped`.
Tensor complex_transforms(Tensor pairs, const Transform& transform, std::size_t skipped,
                          bool inverse) {
  for (std::size_t i = 0; i + skipped < transform.dims.size(); ++i) {
    const DftAttrs attrs{transform.dims[i], transform.lengths[i], false, inverse};
    pairs = zoometer::dft(pairs, attrs);
  }
  return pairs;
}

/// The result of a forward transform of x, divided by the number of elements or its root if the
/// call asks for it. Inverse transforms include a division.
Tensor normalised(AtenCall& call, Tensor x, const Transform& transform, Tensor pairs) {
  const std::string_view norm = call.text("norm", "backward");
  const std::int64_t code = call.integer("normalization", 0);
  const bool by_root = norm == "ortho" || code == 1;
  if (!by_root && norm != "forward" && code != 2) return pairs;
  double elements = 1;
  for (std::size_t i = 0; i < transform.dims.size(); ++i) {
    const std::int64_t length = transform.lengths[i];
    elements *= static_cast<double>(length > 0 ? length : x.dim(transform.dims[i]));
  }
  return pairs * (1 / std::max(1.0, by_root ? std::sqrt(elements) : elements));
}

void fft_complex(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const bool inverse = call.name().starts_with("fft_i") || !call.boolean("forward", true);
  const Transform transform = transform_of(call, x.rank());
  const Tensor pairs = complex_transforms(pairs_of(x), transform, 0, inverse);
  call.output(zoometer::view_as_complex(inverse ? pairs : normalised(call, x, transform, pairs)));
}

void fft_of_real(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Transform transform = transform_of(call, x.rank());
  const DftAttrs last{transform.dims.back(), transform.lengths.back(),
                      call.boolean("onesided", true), false};
  const Tensor half = zoometer::dft(pairs_of(x), last);
  const Tensor pairs = complex_transforms(half, transform, 1, false);
  call.output(zoometer::view_as_complex(normalised(call, x, transform, pairs)));
}

void fft_to_real(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Transform transform = transform_of(call, x.rank());
  const Tensor half = complex_transforms(pairs_of(x), transform, 1, true);
  const std::int64_t length =
      call.has("last_dim_size") ? call.integer("last_dim_size") : transform.lengths.back();
  const DftAttrs last{transform.dims.back(), length, true, true};
  call.output(zoometer::squeeze(zoometer::dft(half, last), -1));
}

void fft_shift(AtenCall& call) {
  const Tensor x = call.tensor(0);
  Ints dims(call.integers("dim"));
  if (!call.has("dim")) {
    for (std::int64_t axis = 0; axis < x.rank(); ++axis) dims.push_back(axis);
  }
  Ints shifts;
  for (const std::int64_t dim : dims) {
    const std::int64_t length = x.dim(axis_within(call, dim, x.rank()));
    shifts.push_back(call.name() == "fft_fftshift" ? length / 2 : (length + 1) / 2);
  }
  call.output(zoometer::roll(x, shifts, dims));
}

void fft_frequencies(AtenCall& call) {
  const std::int64_t n = call.integer("n");
  const double distance = call.number("d", 1);
  if (n < 1 || distance == 0) call.refuse("fewer than one frequency");
  const std::int64_t count = call.name() == "fft_rfftfreq" ? n / 2 + 1 : n;
  const Tensor steps =
      zoometer::arange(call.graph(), 0, static_cast<double>(count), 1, DType::float32);
  call.output(steps * (1 / (static_cast<double>(n) * distance)));
}

// -- frames -------------------------------------------------------------------------------------

/// The frames that stft and istft ask for.
struct Frames {
  std::int64_t length = 0;
  std::int64_t step = 0;
  Tensor window;  ///< of the frames' length, or empty
};

Frames frames_of(AtenCall& call) {
  Frames frames;
  frames.length = call.integer("n_fft");
  frames.step = call.integer("hop_length", frames.length / 4);
  frames.window = call.optional_tensor("window");
  if (frames.length < 1 || frames.step < 1) call.refuse("a frame's length or step below 1");
  const std::int64_t width = call.integer("win_length", frames.length);
  if (!frames.window && width == frames.length) return frames;
  if (width < 1) call.refuse("a window without samples");
  if (!frames.window) frames.window = zoometer::full(call.graph(), {width}, 1, DType::float32);
  if (frames.window.rank() != 1 || frames.window.dim(0) > frames.length)
    call.refuse("a window that is longer than a frame");
  const std::int64_t missing = frames.length - frames.window.dim(0);
  if (missing > 0)
    frames.window = zoometer::pad_last(frames.window, {missing / 2, missing - missing / 2});
  return frames;
}

/// Mirrors half a frame at both ends of a signal (batch, length).
Tensor centred(AtenCall& call, Tensor x, std::int64_t length) {
  PadAttrs attrs;
  attrs.before = attrs.after = {0, length / 2};
  attrs.mode = "reflect";
  for (const std::string_view mode : {"constant", "replicate", "circular"}) {
    if (call.text("pad_mode", "reflect") == mode) attrs.mode = mode;
  }
  return zoometer::pad(x, attrs);
}

void stft(AtenCall& call) {
  Tensor x = call.tensor(0);
  if (x.rank() != 1 && x.rank() != 2) call.refuse("a signal of a rank other than 1 or 2");
  const bool single = x.rank() == 1;
  const bool complex = is_complex(x);
  const Frames frames = frames_of(call);
  if (single) x = zoometer::unsqueeze(x, 0);
  if (call.overload() == "center" && call.boolean("center", true))
    x = centred(call, x, frames.length);
  const StftAttrs attrs{frames.length, frames.step, call.boolean("onesided", !complex)};
  Tensor y = zoometer::transpose(zoometer::stft(pairs_of(x), frames.window, attrs), 1, 2);
  if (call.boolean("normalized", false))
    y = y * (1 / std::sqrt(static_cast<double>(frames.length)));
  if (single) y = zoometer::squeeze(y, 0);
  call.output(call.boolean("return_complex", complex) ? zoometer::view_as_complex(y) : y);
}

/// The sum of overlapping frames: (batch, frames, length) -> (batch, samples).
Tensor overlap_add(Tensor rows, std::int64_t samples) {
  Graph& graph = *rows.graph;
  const Tensor flat = zoometer::flatten(rows, 1, 2);
  const Tensor places = zoometer::full(graph, flat.shape(), 0, DType::int64);
  const Tensor silence = zoometer::full(graph, {flat.dim(0), samples}, 0, rows.dtype());
  return apply(scatter_op, ScatterAttrs{1, "sum"}, silence, places, flat);
}

void istft(AtenCall& call) {
  Tensor x = call.tensor(0);
  if (!is_complex(x) || (x.rank() != 2 && x.rank() != 3) || call.boolean("return_complex", false))
    call.refuse("frames that are not complex, or a complex signal");
  const bool single = x.rank() == 2;
  const Frames frames = frames_of(call);
  if (single) x = zoometer::unsqueeze(x, 0);
  const std::int64_t count = x.dim(2);
  if (count < 1) call.refuse("a signal without frames");
  const std::int64_t samples = checked_add(frames.length, checked_mul(frames.step, count - 1));
  const bool onesided = call.boolean("onesided", x.dim(1) != frames.length);
  const Tensor rows = zoometer::transpose(zoometer::view_as_real(x), 1, 2);
  const Tensor back = zoometer::dft(rows, {2, frames.length, onesided, true});
  Tensor pieces = zoometer::select(back, -1, 0);
  if (frames.window) pieces = pieces * frames.window;
  Tensor y = overlap_add(pieces, samples);
  if (frames.window) {
    const Ints sizes{1, count, frames.length};
    const Tensor squares = frames.window * frames.window;
    y = y / overlap_add(zoometer::expand(squares, sizes), samples);
  }
  const std::int64_t start = call.boolean("center", true) ? frames.length / 2 : 0;
  const std::int64_t end =
      call.has("length") ? checked_add(start, call.integer("length")) : samples - start;
  y = zoometer::slice(y, 1, start, std::min(end, samples));
  if (end > samples) y = zoometer::pad_last(y, {0, end - samples});
  call.output(single ? zoometer::squeeze(y, 0) : y);
}

// -- windows ------------------------------------------------------------------------------------

/// 0 to 1 over a window; a periodic one omits the last step.
Tensor phase(AtenCall& call) {
  const std::int64_t length = call.integer("window_length");
  if (length < 0) call.refuse("a window of a negative length");
  const std::int64_t steps = call.boolean("periodic", true) ? length : length - 1;
  const Tensor positions =
      zoometer::arange(call.graph(), 0, static_cast<double>(length), 1, DType::float32);
  return positions * (1 / static_cast<double>(std::max<std::int64_t>(1, steps)));
}

Tensor waves(Tensor phase, double number, double height) {
  return zoometer::unary(cos_op, phase * (2 * pi * number)) * height;
}

void hann_window(AtenCall& call) { call.output(waves(phase(call), 1, -0.5) + 0.5); }

void hamming_window(AtenCall& call) {
  const double height = -call.number("beta", 0.46);
  call.output(waves(phase(call), 1, height) + call.number("alpha", 0.54));
}

void blackman_window(AtenCall& call) {
  const Tensor t = phase(call);
  call.output(waves(t, 1, -0.5) + waves(t, 2, 0.08) + 0.42);
}

void bartlett_window(AtenCall& call) {
  const Tensor slope = zoometer::unary(abs_op, phase(call) * 2 - 1);
  call.output(zoometer::unary(neg_op, slope) + 1);
}

void kaiser_window(AtenCall& call) {
  const double beta = call.number("beta", 12);
  const Tensor ratio = phase(call) * 2 - 1;
  const Tensor root = zoometer::unary(sqrt_op, zoometer::unary(neg_op, ratio * ratio) + 1);
  const Tensor highest = zoometer::unary(i0_op, constant(call, beta));
  call.output(zoometer::unary(i0_op, root * beta) / highest);
}

// -- complex numbers ----------------------------------------------------------------------------

void view_as_real(AtenCall& call) { call.output(zoometer::view_as_real(call.tensor(0))); }

void view_as_complex(AtenCall& call) { call.output(zoometer::view_as_complex(call.tensor(0))); }

Tensor part_of(Tensor x, std::int64_t index) {
  return zoometer::select(zoometer::view_as_real(x), -1, index);
}

Tensor complex_of(Tensor real, Tensor imaginary) {
  return zoometer::view_as_complex(zoometer::stack({real, imaginary}, -1));
}

void real_part(AtenCall& call) {
  const Tensor x = call.tensor(0);
  call.output(is_complex(x) ? part_of(x, 0) : x);
}

void imaginary_part(AtenCall& call) {
  const Tensor x = call.tensor(0);
  if (!is_complex(x)) call.refuse("the imaginary part of a real tensor");
  call.output(part_of(x, 1));
}

void complex_from_parts(AtenCall& call) { call.output(complex_of(call.tensor(0), call.tensor(1))); }

void complex_from_polar(AtenCall& call) {
  const Tensor size = call.tensor(0);
  const Tensor angle = call.tensor(1);
  call.output(
      complex_of(size * zoometer::unary(cos_op, angle), size * zoometer::unary(sin_op, angle)));
}

void angle(AtenCall& call) {
  const Tensor x = call.tensor(0);
  if (is_complex(x)) return call.output(zoometer::binary(atan2_op, part_of(x, 1), part_of(x, 0)));
  const Tensor is_negative = zoometer::binary(lt_op, x, 0.0);
  call.output(zoometer::where(is_negative, constant(call, pi), constant(call, 0)));
}

void conjugate(AtenCall& call) {
  const Tensor x = call.tensor(0);
  call.output(is_complex(x) ? complex_of(part_of(x, 0), zoometer::unary(neg_op, part_of(x, 1)))
                            : x);
}

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect stft_no_effect[] = {
    {"pad_mode", "of the padding, which is left out where nothing is centred"},
};

constexpr NoEffect inverse_fft_no_effect[] = {
    {"norm=backward", "the default"},
    {"norm=ortho", "any factor costs the same"},
    {"normalization=2", "the default"},
    {"normalization=1", "any factor costs the same"},
};

constexpr NoEffect istft_no_effect[] = {
    {"normalized", "the transform is scaled either way"},
};

constexpr AtenOperator signal_rows[] = {
    {"_fft_c2c fft_fft fft_fft2 fft_fftn fft_ifft fft_ifft2 fft_ifftn", fft_complex, same_values,
     inverse_fft_no_effect},
    {"_fft_r2c fft_rfft fft_rfft2 fft_rfftn", fft_of_real, same_values},
    {"_fft_c2r fft_irfft fft_irfft2 fft_irfftn", fft_to_real, same_values, inverse_fft_no_effect},
    {"fft_fftshift fft_ifftshift", fft_shift, same_values},
    {"fft_fftfreq", fft_frequencies, same_cost},
    {"fft_rfftfreq", fft_frequencies, same_values},
    {"stft", stft, same_values, stft_no_effect},
    {"istft", istft, same_cost, istft_no_effect},
    {"hann_window", hann_window, same_values},
    {"hamming_window", hamming_window, same_values},
    {"blackman_window", blackman_window, same_values},
    {"bartlett_window", bartlett_window, same_values},
    {"kaiser_window", kaiser_window, same_values},
    {"view_as_real", view_as_real, same_values},
    {"view_as_complex", view_as_complex, same_values},
    {"real", real_part, same_values},
    {"imag", imaginary_part, same_values},
    {"complex", complex_from_parts, same_values},
    {"polar", complex_from_polar, same_values, {}, declaring::result},
    {"angle", angle, same_values},
    {"_conj_physical conj_physical", conjugate, same_values},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_signal_operators = {aten_names<aten::signal_rows>};

}  // namespace zoometer
