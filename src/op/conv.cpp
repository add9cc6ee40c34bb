#include "zoometer/op/conv.hpp"

#include <algorithm>

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand inputs[] = {{"x", Role::data}, {"weight", Role::weight}, {"bias", Role::bias}};
constexpr std::string_view constraints[] = {
    "x of rank (spatial dimensions + 2) and a weight of the same rank",
    "stride, padding and dilation for each spatial dimension, strides and dilations of at least 1",
    "groups of at least 1 that divide the channels of x and the output channels",
    "as many channels in x as the weight takes",
    "a bias of one element per output channel",
    "a kernel that fits into the padded input",
    "kernel sizes of at least 1",
};

constexpr std::int64_t any_rank = -1;

struct Sizes {
  std::int64_t spatial;
  std::int64_t in_channels;
  std::int64_t out_channels;
};

template <class Attrs>
void check_attrs(const Inference& in, const Attrs& attrs, std::size_t spatial) {
  const auto all_at_least = [&](const auto& list, std::int64_t least) {
    return list.size() == spatial &&
           std::all_of(list.begin(), list.end(), [&](std::int64_t v) { return v >= least; });
  };
  in.require(all_at_least(attrs.stride, 1), 2);
  in.require(all_at_least(attrs.dilation, 1), 2);
  in.require(attrs.padding.size() == spatial && attrs.padding_end.size() == spatial, 2);
}

template <class Attrs>
Sizes check(const Inference& in, std::int64_t spatial, bool transposed) {
  const auto& attrs = in.attrs<Attrs>();
  const Shape& x = in.shape(0);
  const Shape& weight = in.shape(1);
  in.require(x.rank() == spatial + 2 && weight.rank() == x.rank(), 1);
  check_attrs(in, attrs, static_cast<std::size_t>(spatial));
  in.require(attrs.groups >= 1, 3);

  const std::int64_t in_channels = x.dim(1);
  const std::int64_t out_channels =
      transposed ? checked_mul(weight.dim(1), attrs.groups) : weight.dim(0);
  in.require(in_channels % attrs.groups == 0 && out_channels % attrs.groups == 0, 3);
  const std::int64_t taken = transposed ? weight.dim(0) : checked_mul(weight.dim(1), attrs.groups);
  in.require(in_channels == taken, 4);
  if (in.has(2)) in.require(in.shape(2).rank() == 1 && in.shape(2).dim(0) == out_channels, 5);
  for (std::int64_t i = 0; i < spatial; ++i) in.require(weight.dim(i + 2) >= 1, 7);
  return {spatial, in_channels, out_channels};
}

/// Of as many spatial dimensions as the operator has, or as x has.
template <class Attrs, std::int64_t SpatialRank = any_rank>
void infer_conv(Inference& in) {
  const Shape& x = in.shape(0);
  const Shape& weight = in.shape(1);
  const std::int64_t spatial = SpatialRank == any_rank ? x.rank() - 2 : SpatialRank;
  const Sizes sizes = check<Attrs>(in, spatial, false);
  const auto& attrs = in.attrs<Attrs>();
  Shape out{x.dim(0), sizes.out_channels};
  for (std::size_t i = 0; i < static_cast<std::size_t>(spatial); ++i) {
    const std::int64_t extent = checked_add(checked_mul(attrs.dilation[i], weight[i + 2] - 1), 1);
    const std::int64_t padded =
        checked_add(x[i + 2], checked_add(attrs.padding[i], attrs.padding_end[i]));
    in.require(padded >= extent, 6);
    out.push_back((padded - extent) / attrs.stride[i] + 1);
  }
  in.output(out, in.dtype(0));
}

template <class Attrs, std::int64_t SpatialRank = any_rank>
void infer_transposed(Inference& in) {
  const Shape& x = in.shape(0);
  const Shape& weight = in.shape(1);
  const std::int64_t spatial = SpatialRank == any_rank ? x.rank() - 2 : SpatialRank;
  const Sizes sizes = check<Attrs>(in, spatial, true);
  const auto& attrs = in.attrs<Attrs>();
  Shape out{x.dim(0), sizes.out_channels};
  for (std::size_t i = 0; i < static_cast<std::size_t>(spatial); ++i) {
    const std::int64_t extra = i < attrs.output_padding.size() ? attrs.output_padding[i] : 0;
    const std::int64_t grown = checked_mul(x[i + 2] - 1, attrs.stride[i]);
    const std::int64_t extent = checked_mul(attrs.dilation[i], weight[i + 2] - 1);
    const std::int64_t size = checked_add(checked_add(grown, extent),
                                          1 + extra - attrs.padding[i] - attrs.padding_end[i]);
    in.require(size >= 1, 6);
    out.push_back(size);
  }
  in.output(out, in.dtype(0));
}

std::int64_t kernel_elements(const Shape& weight) {
  std::int64_t elements = 1;
  for (std::int64_t i = 2; i < weight.rank(); ++i) elements = checked_mul(elements, weight.dim(i));
  return elements;
}

/// The columns of a kernel of one element without stride and padding are the input itself.
template <class Attrs>
bool takes_input_as_columns(const NodeView& node) {
  const auto& attrs = node.attrs<Attrs>();
  const auto all = [](const auto& list, std::int64_t value) {
    return std::all_of(list.begin(), list.end(), [&](std::int64_t v) { return v == value; });
  };
  return kernel_elements(node.in(1)) == 1 && all(attrs.stride, 1) && all(attrs.padding, 0) &&
         all(attrs.padding_end, 0);
}

/// The columns (im2col) of one group for the whole batch: what PyTorch takes without oneDNN or
/// cuDNN (aten/src/ATen/native/ConvolutionMM2d.cpp).
template <class Attrs>
std::int64_t columns_of(const NodeView& node) {
  if (takes_input_as_columns<Attrs>(node)) return 0;
  const Shape& weight = node.in(1);
  const std::int64_t channels = std::max<std::int64_t>(1, node.out().dim(1));
  return product(node.out_numel() / channels, weight.dim(1), kernel_elements(weight));
}

/// The columns of one group for one sample (aten/src/ATen/native/NaiveConvolutionTranspose2d.cpp).
std::int64_t transposed_columns_of(const NodeView& node) {
  const Shape& x = node.in(0);
  const Shape& weight = node.in(1);
  const std::int64_t planes = std::max<std::int64_t>(1, checked_mul(x.dim(0), x.dim(1)));
  return product(node.in_numel(0) / planes, weight.dim(1), kernel_elements(weight));
}

Cost cost_conv(const NodeView& node) {
  const Shape& weight = node.in(1);
  const std::int64_t per_output_element = weight.dim(1) * kernel_elements(weight);
  return {checked_mul(node.out_numel(), per_output_element), node.has(2) ? node.out_numel() : 0};
}

Cost cost_transposed(const NodeView& node) {
  const Shape& weight = node.in(1);
  const std::int64_t per_input_element = weight.dim(1) * kernel_elements(weight);
  return {checked_mul(node.in_numel(0), per_input_element), node.has(2) ? node.out_numel() : 0};
}

template <class Attrs = ConvAttrs>
constexpr OpDef conv(std::string_view name, std::string_view summary, void (*infer)(Inference&)) {
  return {.name = name,
          .summary = summary,
          .formula = "2 x MACs + 1 per output element for the bias; "
                     "MACs = output elements x (channels / groups) x kernel elements",
          .kind = OpKind::product,
          .inputs = inputs,
          .constraints = constraints,
          .attrs = AttrType::of<Attrs>(),
          .backward = keeps_factors(),
          .fusion = Fuse::leads,
          .memory = Memory{.workspace = columns_of<Attrs>},
          .arithmetic = additions,
          .infer = infer,
          .cost = cost_conv};
}

template <class Attrs = ConvAttrs>
constexpr OpDef transposed(std::string_view name, std::string_view summary,
                           void (*infer)(Inference&)) {
  return {.name = name,
          .summary = summary,
          .formula = "2 x MACs + 1 per output element for the bias; "
                     "MACs = input elements x (output channels / groups) x kernel elements",
          .kind = OpKind::product,
          .inputs = inputs,
          .constraints = constraints,
          .attrs = AttrType::of<Attrs>(),
          .backward = keeps_factors(),
          .fusion = Fuse::leads,
          .memory = Memory{.workspace = transposed_columns_of},
          .arithmetic = additions,
          .infer = infer,
          .cost = cost_transposed};
}

}  // namespace

constinit const OpDef conv1d_op =
    conv("conv1d", "Convolution over one spatial dimension.", infer_conv<ConvAttrs, 1>);
constinit const OpDef conv2d_op =
    conv("conv2d", "Convolution over two spatial dimensions.", infer_conv<ConvAttrs, 2>);
constinit const OpDef conv3d_op =
    conv("conv3d", "Convolution over three spatial dimensions.", infer_conv<ConvAttrs, 3>);
constinit const OpDef conv_transpose1d_op =
    transposed("conv_transpose1d", "Transposed convolution over one dimension.",
               infer_transposed<ConvAttrs, 1>);
constinit const OpDef conv_transpose2d_op =
    transposed("conv_transpose2d", "Transposed convolution over two dimensions.",
               infer_transposed<ConvAttrs, 2>);
constinit const OpDef conv_transpose3d_op =
    transposed("conv_transpose3d", "Transposed convolution over three dimensions.",
               infer_transposed<ConvAttrs, 3>);
constinit const OpDef conv_nd_op = conv<ConvNdAttrs>(
    "conv_nd", "Convolution over any number of spatial dimensions.", infer_conv<ConvNdAttrs>);
constinit const OpDef conv_transpose_nd_op = transposed<ConvNdAttrs>(
    "conv_transpose_nd", "Transposed convolution over any number of spatial dimensions.",
    infer_transposed<ConvNdAttrs>);

namespace {

constexpr const OpDef* ops[] = {&conv1d_op,           &conv2d_op,           &conv3d_op,
                                &conv_transpose1d_op, &conv_transpose2d_op, &conv_transpose3d_op,
                                &conv_nd_op,          &conv_transpose_nd_op};

template <class Attrs>
Tensor apply_to(const OpDef& op, Tensor x, Tensor weight, Tensor bias, const Attrs& attrs) {
  return bias ? apply(op, attrs, x, weight, bias) : apply(op, attrs, x, weight);
}

Tensor apply_by_rank(std::span<const OpDef* const> by_rank, Tensor x, Tensor weight, Tensor bias,
                     const ConvAttrs& attrs) {
  const std::int64_t spatial = std::clamp<std::int64_t>(weight.rank() - 2, 1, 3);
  return apply_to(*by_rank[static_cast<std::size_t>(spatial - 1)], x, weight, bias, attrs);
}

}  // namespace

extern constinit const OpGroup conv_ops = {"convolution", "Convolutions, plain and transposed.",
                                           ops};

bool is_transposed_convolution(const OpDef& op) noexcept {
  return &op == &conv_transpose2d_op || &op == &conv_transpose1d_op ||
         &op == &conv_transpose3d_op || &op == &conv_transpose_nd_op;
}

bool is_convolution(const OpDef& op) noexcept {
  return &op == &conv2d_op || &op == &conv3d_op || &op == &conv1d_op || &op == &conv_nd_op ||
         is_transposed_convolution(op);
}

Tensor convolution(Tensor x, Tensor weight, Tensor bias, const ConvAttrs& attrs) {
  return apply_by_rank(std::span(ops).first(3), x, weight, bias, attrs);
}

Tensor convolution(Tensor x, Tensor weight, Tensor bias, const ConvNdAttrs& attrs) {
  return apply_to(conv_nd_op, x, weight, bias, attrs);
}

Tensor conv_transpose(Tensor x, Tensor weight, Tensor bias, const ConvAttrs& attrs) {
  return apply_by_rank(std::span(ops).subspan(3, 3), x, weight, bias, attrs);
}

Tensor conv_transpose(Tensor x, Tensor weight, Tensor bias, const ConvNdAttrs& attrs) {
  return apply_to(conv_transpose_nd_op, x, weight, bias, attrs);
}

}  // namespace zoometer
