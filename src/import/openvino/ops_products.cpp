// Layers with multiply-accumulates, those over windows of images, and transforms.
#include <algorithm>
#include <cmath>

#include "import/einsum.hpp"
#include "import/openvino/call.hpp"
#include "op/deform_conv.hpp"
#include "op/detection.hpp"
#include "op/linalg.hpp"
#include "op/mobile.hpp"
#include "op/signal.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/op/resample.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

// -- convolutions -----------------------------------------------------------------------------

/// What windows over `spatial` axes have in common.
struct Windows {
  Spatial strides, begins, ends, dilations;
  bool is_same = false;  ///< padded to one window for each stride
  bool is_lower = false;
};

Spatial spatial_list(OpenvinoCall& call, std::string_view attribute, std::size_t spatial,
                     std::int64_t otherwise) {
  const Ints listed = call.list(attribute);
  call.require(listed.empty() || listed.size() == spatial, "a number for each spatial axis");
  Spatial result;
  for (std::size_t i = 0; i < spatial; ++i)
    result.push_back(i < listed.size() ? listed[i] : otherwise);
  call.require(std::ranges::all_of(result, is_modest), "numbers of 32 bits");
  return result;
}

Windows windows_of(OpenvinoCall& call, std::size_t spatial) {
  call.require(spatial >= 1 && spatial <= 3, "1 to 3 spatial axes");
  Windows windows;
  windows.strides = spatial_list(call, "strides", spatial, 1);
  windows.begins = spatial_list(call, "pads_begin", spatial, 0);
  windows.ends = spatial_list(call, "pads_end", spatial, 0);
  windows.dilations = spatial_list(call, "dilations", spatial, 1);
  const std::string_view padding = call.text("auto_pad", "explicit");
  windows.is_lower = padding == "same_lower";
  windows.is_same = windows.is_lower || padding == "same_upper";
  if (padding == "valid") windows.begins = windows.ends = Spatial::filled(spatial, 0);
  for (std::size_t i = 0; i < spatial; ++i) {
    call.require(windows.strides[i] >= 1 && windows.dilations[i] >= 1,
                 "strides and dilations of at least 1");
  }
  return windows;
}

/// From the first to the last element of a window.
std::int64_t extent_of(std::int64_t kernel, std::int64_t dilation) {
  return checked_add(checked_mul(dilation, std::max<std::int64_t>(kernel, 1) - 1), 1);
}

/// Padding for as many windows as `count`, of which each moves by `stride`.
void pad_for(Windows& windows, std::size_t i, std::int64_t size, std::int64_t extent,
             std::int64_t count) {
  const std::int64_t needed = checked_add(checked_mul(count - 1, windows.strides[i]), extent);
  const std::int64_t total = std::max<std::int64_t>(needed - size, 0);
  windows.begins[i] = windows.is_lower ? total - total / 2 : total / 2;
  windows.ends[i] = total - windows.begins[i];
}

void pad_to_same(Windows& windows, const Shape& x, const Shape& kernel) {
  for (std::size_t i = 0; windows.is_same && i < windows.strides.size(); ++i) {
    pad_for(windows, i, x[i + 2], extent_of(kernel[i], windows.dilations[i]),
            ceil_div(x[i + 2], windows.strides[i]));
  }
}

/// A weight (groups, out, in, kernel...) as (groups x out, in, kernel...), or of transposed ones
/// (groups, in, out, kernel...) as (groups x in, out, kernel...).
Tensor joined_groups(OpenvinoCall& call, Tensor weight) {
  const Shape& from = weight.shape();
  call.require(from.size() >= 4, "a weight with groups");
  Ints sizes{checked_mul(from[0], from[1])};
  for (std::size_t i = 2; i < from.size(); ++i) sizes.push_back(from[i]);
  return reshape(weight, sizes);
}

Shape kernel_of(const Shape& weight) {
  return Shape(std::span<const std::int64_t>(weight).subspan(2));
}

bool is_grouped(const OpenvinoCall& call) { return call.type().starts_with("Group"); }

bool emit_convolution(OpenvinoCall& call) {
  const Tensor x = call.in(0);
  Tensor weight = call.in(1, true);
  const std::int64_t groups = is_grouped(call) && weight.rank() > 0 ? weight.dim(0) : 1;
  if (is_grouped(call)) weight = joined_groups(call, weight);
  call.require(x.rank() >= 3 && x.rank() == weight.rank(), "an image or a volume");
  Windows windows = windows_of(call, x.shape().size() - 2);
  pad_to_same(windows, x.shape(), kernel_of(weight.shape()));
  const ConvAttrs attrs{windows.strides, windows.begins, windows.ends, windows.dilations, {},
                        groups};
  return call.out(convolution(x, weight, {&call.graph(), no_id}, attrs));
}

bool emit_transposed(OpenvinoCall& call) {
  const Tensor x = call.in(0);
  Tensor weight = call.in(1, true);
  const std::int64_t groups = is_grouped(call) && weight.rank() > 0 ? weight.dim(0) : 1;
  if (is_grouped(call)) weight = joined_groups(call, weight);
  call.require(x.rank() >= 3 && x.rank() == weight.rank(), "an image or a volume");
  const std::size_t spatial = x.shape().size() - 2;
  Windows windows = windows_of(call, spatial);
  ConvAttrs attrs{windows.strides,
                  windows.begins,
                  windows.ends,
                  windows.dilations,
                  spatial_list(call, "output_padding", spatial, 0),
                  groups};
  const auto given = call.integers(2);
  call.require(!given || given->size() == spatial, "a size for each spatial axis");
  for (std::size_t i = 0; i < spatial; ++i) {
    const std::int64_t extent = extent_of(weight.shape()[i + 2], windows.dilations[i]);
    const std::int64_t full =
        checked_add(checked_mul(x.shape()[i + 2] - 1, windows.strides[i]), extent);
    std::int64_t wanted = 0;
    if (given) {
      wanted = (*given)[i];
    } else if (call.has(2)) {
      const Shape& declared = call.output().shape;
      call.require(declared.size() == spatial + 2 && call.reader().states_sizes(),
                   "the sizes of the result");
      wanted = declared[i + 2];
    } else {
      continue;
    }
    const std::int64_t cut = std::max<std::int64_t>(full - wanted, 0);
    attrs.padding[i] = cut / 2;
    attrs.padding_end[i] = cut - cut / 2;
    attrs.output_padding[i] = std::max<std::int64_t>(wanted - full, 0);
  }
  return call.out(conv_transpose(x, weight, {&call.graph(), no_id}, attrs));
}

bool emit_deformable(OpenvinoCall& call) {
  call.option("deformable_group", 1);
  const std::int64_t groups = call.option("group", 1);
  const Tensor x = call.in(0);
  const Tensor offsets = call.in(1);
  const Tensor weight = call.in(2, true);
  call.require(x.rank() == 4 && weight.rank() == 4, "an image");
  Windows windows = windows_of(call, 2);
  pad_to_same(windows, x.shape(), kernel_of(weight.shape()));
  const ConvAttrs attrs{windows.strides, windows.begins, windows.ends, windows.dilations, {},
                        groups};
  const Tensor none{&call.graph(), no_id};
  return call.out(deform_conv2d(x, weight, offsets, none, call.optional_in(3), attrs));
}

// -- matrices ---------------------------------------------------------------------------------

/// A product reads its operand as it lies, transposed or not.
Tensor matrix_of(OpenvinoCall& call, std::size_t index, std::string_view attribute) {
  const bool is_transposed = call.flag(attribute, false);
  const Tensor x = call.in(index, call.source(index).type == "Const");
  if (!is_transposed || x.rank() < 2) return x;
  Ints dims;
  for (std::int64_t i = 0; i < x.rank(); ++i) dims.push_back(i);
  std::swap(dims[dims.size() - 2], dims[dims.size() - 1]);
  return name_axes(x, dims);
}

bool emit_matmul(OpenvinoCall& call) {
  const Tensor a = matrix_of(call, 0, "transpose_a");
  return call.out(matmul(a, matrix_of(call, 1, "transpose_b")));
}

bool emit_einsum(OpenvinoCall& call) {
  const std::string equation = xml_text(call.text("equation"), call.layer().at);
  const EinsumReading reading{
      equation, {}, [&](bool holds, std::string_view what) { call.require(holds, what); }};
  return call.out(read_einsum(call.all_inputs(), reading));
}

/// Operands: query, key, value, a mask of more than one element, a scale.
bool emit_attention(OpenvinoCall& call) {
  const bool is_causal = call.flag("causal", false);
  const Tensor query = call.in(0);
  const Tensor key = call.in(1);
  const Tensor value = call.in(2);
  const bool has_mask = !is_causal && call.has(3) && numel(call.shape(3)) != 1;
  const Tensor mask = has_mask ? call.in(3) : Tensor{&call.graph(), no_id};
  return call.out(scaled_dot_product_attention(query, key, value, mask, {is_causal}));
}

bool emit_inverse(OpenvinoCall& call) { return call.out(unary(inverse_op, call.in(0))); }

// -- windows ----------------------------------------------------------------------------------

PoolAttrs pool_attrs(OpenvinoCall& call, Tensor x) {
  call.require(x.rank() >= 3, "an image or a volume");
  const std::size_t spatial = x.shape().size() - 2;
  Windows windows = windows_of(call, spatial);
  PoolAttrs attrs;
  attrs.kernel_size = spatial_list(call, "kernel", spatial, 1);
  const std::string_view rounding = call.text("rounding_type", "floor");
  Shape kernel;
  for (const std::int64_t size : attrs.kernel_size) {
    call.require(size >= 1, "windows of at least 1");
    kernel.push_back(size);
  }
  pad_to_same(windows, x.shape(), kernel);
  attrs.ceil_mode = rounding == "ceil_torch";
  for (std::size_t i = 0; rounding == "ceil" && !windows.is_same && i < spatial; ++i) {
    // The last window may begin behind the end: as many elements more are padded.
    const std::int64_t extent = extent_of(kernel[i], windows.dilations[i]);
    const std::int64_t padded =
        checked_add(x.shape()[i + 2], checked_add(windows.begins[i], windows.ends[i]));
    const std::int64_t over = (padded - extent) % windows.strides[i];
    if (padded > extent && over != 0) windows.ends[i] += windows.strides[i] - over;
  }
  attrs.stride = windows.strides;
  attrs.padding = windows.begins;
  attrs.padding_end = windows.ends;
  attrs.dilation = windows.dilations;
  return attrs;
}

bool emit_max_pool(OpenvinoCall& call) {
  const Tensor x = call.in(0);
  call.out(max_pool(x, pool_attrs(call, x)));
  return call.out_declared(1);
}

bool emit_average_pool(OpenvinoCall& call) {
  const Tensor x = call.in(0);
  PoolAttrs attrs = pool_attrs(call, x);
  attrs.count_include_pad = !call.flag("exclude-pad", false);
  return call.out(avg_pool(x, attrs));
}

bool emit_adaptive_pool(OpenvinoCall& call) {
  const Tensor x = call.in(0);
  call.require(x.rank() >= 3 && x.rank() <= 5, "an image or a volume");
  const std::size_t spatial = x.shape().size() - 2;
  const auto sizes = call.integers(1);
  const Shape& declared = call.output().shape;
  const bool is_stated = call.output().unknown == 0 && declared.size() == spatial + 2;
  if (!sizes && !is_stated) return false;
  call.require(!sizes || sizes->size() == spatial, "a size for each spatial axis");
  AdaptivePoolAttrs attrs;
  for (std::size_t i = 0; i < spatial; ++i)
    attrs.output_size.push_back(sizes ? (*sizes)[i] : declared[i + 2]);
  const bool is_mean = call.type() == "AdaptiveAvgPool";
  call.out(is_mean ? adaptive_avg_pool(x, attrs) : adaptive_max_pool(x, attrs));
  return call.out_declared(1);
}

// -- resampling -------------------------------------------------------------------------------

/// The sizes that an Interpolate asks for, by sizes or by scales; the axes are all, an attribute or
/// an input. Nothing where they are not known.
std::optional<Shape> resized_shape(OpenvinoCall& call, const Shape& x) {
  const bool is_first = call.has_option("axes") && call.input_count() == 2;
  const bool has_two = call.has(2) && !is_floating(call.dtype(1)) && is_floating(call.dtype(2));
  const std::size_t axes_at = has_two ? 3 : 2;
  const bool by_scales = call.text("shape_calculation_mode", "sizes") == "scales";
  const std::size_t factors_at = by_scales && has_two ? 2 : 1;
  Ints axes;
  if (is_first) {
    for (const std::int64_t each : call.list("axes")) axes.push_back(call.axis(each, x.rank()));
  } else if (call.has(axes_at)) {
    const std::optional<Ints> listed = call.axes(axes_at, x.rank());
    if (!listed) return std::nullopt;
    axes = *listed;
  } else {
    for (std::int64_t i = 0; i < x.rank(); ++i) axes.push_back(i);
  }
  const OpenvinoKnown* wanted = call.known(factors_at);
  if (wanted == nullptr) return std::nullopt;
  call.require(wanted->elements.size() == axes.size(), "a number for each axis");
  Shape shape = x;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    // As the runtime rounds: 10 x 2.3 is 23 in float32 and less in double.
    const float size = by_scales ? std::floor(static_cast<float>(x.dim(axes[i])) *
                                              static_cast<float>(wanted->elements[i]))
                                 : 0;
    const double own = by_scales ? static_cast<double>(size) : wanted->elements[i];
    call.require(own >= 0 && own < 0x1p40, "sizes that are not enormous");
    shape.set_dim(axes[i], static_cast<std::int64_t>(own));
  }
  return shape;
}

const OpDef* resampling(std::string_view mode, std::size_t spatial, bool filters) {
  const bool is_cubic = mode.find("cubic") != std::string_view::npos;
  if (is_cubic) {
    const bool is_filtered = filters || mode == "bicubic_pillow";
    return spatial != 2  ? nullptr
           : is_filtered ? &upsample_bicubic2d_aa_op
                         : &upsample_bicubic2d_op;
  }
  if (mode == "nearest") {
    return spatial == 1   ? &upsample_nearest1d_op
           : spatial == 2 ? &upsample_nearest2d_op
                          : &upsample_nearest3d_op;
  }
  const bool is_filtered = filters || mode == "bilinear_pillow";
  return spatial == 1   ? &upsample_linear1d_op
         : spatial == 3 ? &upsample_trilinear3d_op
         : is_filtered  ? &upsample_bilinear2d_aa_op
                        : &upsample_bilinear2d_op;
}

bool emit_interpolate(OpenvinoCall& call) {
  const std::string_view mode = call.text("mode", "nearest");
  const bool filters = call.flag("antialias", false) && mode != "nearest";
  const bool corners = call.text("coordinate_transformation_mode") == "align_corners" ||
                       call.flag("align_corners", false);
  for (const std::string_view pads : {"pads_begin", "pads_end"}) {
    const Ints listed = call.list(pads);
    call.require(std::ranges::all_of(listed, [](std::int64_t pad) { return pad == 0; }),
                 "no padding");
  }
  const Tensor x = call.in(0);
  std::optional<Shape> shape = resized_shape(call, x.shape());
  if (!shape && call.output().unknown == 0 && call.reader().states_sizes())
    shape = call.output().shape;
  if (!shape) return false;
  call.require(x.rank() >= 3 && x.rank() <= 5 && shape->rank() == x.rank(), "an image or a volume");
  const bool keeps_outer = shape->dim(0) == x.dim(0) && shape->dim(1) == x.dim(1);
  const bool is_last = x.rank() == 4 && shape->dim(0) == x.dim(0) && shape->dim(3) == x.dim(3);
  call.require(keeps_outer || is_last, "axes of an image or a volume");
  const OpDef* op = resampling(mode, x.shape().size() - 2, filters);
  call.require(op != nullptr, "an image for a cubic mode");
  UpsampleAttrs attrs;
  attrs.align_corners = corners;
  if (keeps_outer) {
    attrs.output_size = Spatial(std::span<const std::int64_t>(*shape).subspan(2));
    return call.out(upsample(*op, x, attrs));
  }
  attrs.output_size = {shape->dim(1), shape->dim(2)};
  return call.out(name_axes(upsample(*op, name_axes(x, {0, 3, 1, 2}), attrs), {0, 2, 3, 1}));
}

bool emit_grid_sample(OpenvinoCall& call) {
  GridSampleAttrs attrs;
  attrs.align_corners = call.flag("align_corners", false);
  const std::string_view mode = call.text("mode", "bilinear");
  attrs.mode = mode == "nearest" ? "nearest" : mode == "bicubic" ? "bicubic" : "bilinear";
  const std::string_view padding = call.text("padding_mode", "zeros");
  attrs.padding_mode = padding == "border"       ? "border"
                       : padding == "reflection" ? "reflection"
                                                 : "zeros";
  const Tensor x = call.in(0);
  return call.out(grid_sample(x, call.in(1), attrs));
}

// -- regions ----------------------------------------------------------------------------------

/// The first number of an input, if it is known.
double number_or(OpenvinoCall& call, std::size_t index, double otherwise) {
  const OpenvinoKnown* known = call.known(index);
  return known == nullptr || known->elements.empty() ? otherwise : known->elements[0];
}

/// Boxes (batch, n, 4) and scores (batch, classes, n); what is left, its scores, and how many.
bool emit_nms(OpenvinoCall& call) {
  ClassNmsAttrs attrs;
  attrs.most_per_class = call.has(2) ? call.integer(2).value_or(-1) : 0;
  attrs.iou_threshold = number_or(call, 3, 0);
  attrs.score_threshold = number_or(call, 4, 0);
  const Tensor boxes = call.in(0);
  const Tensor found = apply(class_nms_op, attrs, boxes, call.in(1));
  const Shape sizes = found.shape();
  call.graph().mark_bounded(found.id);
  call.out(found);
  call.out_moved(sizes, 1, true);
  return call.out_moved({1}, 2);
}

/// Regions (n, 4) of images (n,) of a map.
bool emit_roi_align(OpenvinoCall& call) {
  const Tensor map = call.in(0);
  const Tensor boxes = call.in(1);
  call.require(boxes.rank() == 2 && boxes.dim(1) == 4 && call.shape(2).rank() == 1,
               "boxes (n, 4) and their images (n,)");
  const Tensor images = to(unsqueeze(call.in(2), 1), boxes.dtype());
  RoiAlignAttrs attrs;
  attrs.output_size = {call.option("pooled_h", 1), call.option("pooled_w", 1)};
  attrs.sampling_ratio = call.option("sampling_ratio", 0);
  if (attrs.sampling_ratio <= 0) {
    attrs.sampling_ratio = 2;
    call.reader().note(
        "a ROIAlign whose samples depend on the regions is counted with 2 x 2 per bin");
  }
  attrs.scales = {call.real("spatial_scale", 1)};
  attrs.aligned = call.text("aligned_mode", "asymmetric") != "asymmetric";
  const Tensor maps[] = {map};
  return call.out(roi_align(cat({images, boxes}, 1), maps, attrs));
}

bool emit_roi_pooling(OpenvinoCall& call) {
  Ints sizes = call.list("output_size");
  if (sizes.empty()) sizes = {call.option("pooled_h", 1), call.option("pooled_w", 1)};
  call.require(sizes.size() == 2, "a height and a width");
  const RoiPoolAttrs attrs{{sizes[0], sizes[1]}};
  return call.out(apply(roi_pool_op, attrs, call.in(0), call.in(1)));
}

// -- transforms -------------------------------------------------------------------------------

/// The transform along each of the axes, of as many elements as the third input says.
bool emit_dft(OpenvinoCall& call) {
  const bool is_real = call.type() == "RDFT";          // real numbers to complex ones
  const bool is_real_result = call.type() == "IRDFT";  // and the other way
  Tensor x = call.in(0);
  if (is_real) x = unsqueeze(x, x.rank());
  const std::optional<Ints> axes = call.axes(1, x.rank() - 1);
  const auto lengths = call.integers(2);
  if (!axes || axes->empty() || (call.has(2) && !lengths)) return false;
  call.require(!lengths || lengths->size() == axes->size(), "a length for each axis");
  for (std::size_t step = 0; step < axes->size(); ++step) {
    const std::size_t i = is_real ? axes->size() - 1 - step : step;  // the last axis has a half
    const bool is_half = i + 1 == axes->size() && (is_real || is_real_result);
    DftAttrs attrs;
    attrs.dim = (*axes)[i];
    attrs.length = lengths && (*lengths)[i] > 0 ? (*lengths)[i] : 0;
    attrs.inverse = call.type().starts_with('I');
    attrs.onesided = is_half;
    if (is_real_result && is_half && attrs.length == 0)
      attrs.length = checked_mul(2, x.dim(attrs.dim) - 1);
    x = dft(x, attrs);
  }
  return call.out(is_real_result ? squeeze(x, -1) : x);
}

/// (batch, length) -> (batch, frequencies, frames, 2), or frames first.
bool emit_stft(OpenvinoCall& call) {
  const bool is_transposed = call.flag("transpose_frames", false);
  Tensor x = call.in(0);
  const auto length = call.integer(2);
  const auto step = call.integer(3);
  if (!length || !step) return false;
  const bool has_batch = x.rank() == 2;
  if (!has_batch) x = unsqueeze(x, 0);
  StftAttrs attrs;
  attrs.frame_length = *length;
  attrs.frame_step = *step;
  Tensor result = stft(unsqueeze(x, 2), call.in(1), attrs);
  if (is_transposed) result = permute(result, {0, 2, 1, 3});
  return call.out(has_batch ? result : squeeze(result, 0));
}

constexpr OpenvinoOperator product_rows[] = {
    {"AdaptiveAvgPool", emit_adaptive_pool},
    {"AdaptiveMaxPool", emit_adaptive_pool, "index_element_type"},
    {"AvgPool", emit_average_pool},
    {"BinaryConvolution", emit_convolution, "mode pad_value output_padding"},
    {"Convolution", emit_convolution, "output_padding"},
    {"ConvolutionBackpropData", emit_transposed},
    {"DFT", emit_dft},
    {"DeformableConvolution", emit_deformable, "bilinear_interpolation_pad"},
    {"Einsum", emit_einsum},
    {"GridSample", emit_grid_sample},
    {"GroupConvolution", emit_convolution, "output_padding"},
    {"GroupConvolutionBackpropData", emit_transposed},
    {"IDFT", emit_dft},
    {"IRDFT", emit_dft},
    {"Interpolate", emit_interpolate, "nearest_mode cube_coeff"},
    {"Inverse", emit_inverse, "adjoint"},
    {"MatMul", emit_matmul},
    {"MaxPool", emit_max_pool, "index_element_type axis"},
    {"NonMaxSuppression", emit_nms, "box_encoding sort_result_descending output_type"},
    {"RDFT", emit_dft},
    {"ROIAlign", emit_roi_align, "mode"},
    {"ROIPooling", emit_roi_pooling, "method spatial_scale output_roi pooled_h pooled_w"},
    {"STFT", emit_stft},
    {"ScaledDotProductAttention", emit_attention},
};

}  // namespace

extern constinit const OpenvinoOperators openvino_product_operators = {product_rows};

}  // namespace zoometer
