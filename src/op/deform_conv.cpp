#include "op/deform_conv.hpp"

#include <algorithm>

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand inputs[] = {{"x", Role::data},
                              {"weight", Role::weight},
                              {"offset", Role::data},
                              {"bias", Role::bias},
                              {"mask", Role::mask}};
constexpr std::string_view constraints[] = {
    "x, weight and offset of rank 4",
    "stride, padding and dilation for two spatial dimensions, strides and dilations of at least 1",
    "groups of at least 1 that divide the channels of x and the output channels",
    "as many channels in x as the weight takes",
    "a bias of one element per output channel",
    "a kernel of at least 1 x 1 that fits into the padded input",
    "two offsets per tap, position and group of channels, the groups dividing the channels of x",
    "a mask with half as many channels as the offset, and its other sizes"};

void check_windows(const Inference& in, const ConvAttrs& attrs) {
  const auto all_at_least_one = [](const Spatial& list) {
    return list.size() == 2 && std::ranges::all_of(list, [](std::int64_t v) { return v >= 1; });
  };
  in.require(all_at_least_one(attrs.stride) && all_at_least_one(attrs.dilation), 2);
  in.require(attrs.padding.size() == 2 && attrs.padding_end.size() == 2, 2);
}

void check_channels(const Inference& in, const ConvAttrs& attrs) {
  const std::int64_t channels = in.shape(0).dim(1);
  const std::int64_t out_channels = in.shape(1).dim(0);
  in.require(attrs.groups >= 1 && channels % attrs.groups == 0, 3);
  in.require(out_channels % attrs.groups == 0, 3);
  in.require(channels == checked_mul(in.shape(1).dim(1), attrs.groups), 4);
  if (in.has(3)) in.require(in.shape(3) == Shape{out_channels}, 5);
}

void infer_deform_conv(Inference& in) {
  const auto& attrs = in.attrs<ConvAttrs>();
  const Shape& x = in.shape(0);
  const Shape& weight = in.shape(1);
  const Shape& offset = in.shape(2);
  in.require(x.rank() == 4 && weight.rank() == 4 && offset.rank() == 4, 1);
  check_windows(in, attrs);
  check_channels(in, attrs);
  Shape out{x.dim(0), weight.dim(0)};
  for (std::size_t i = 0; i < 2; ++i) {
    in.require(weight[i + 2] >= 1, 6);
    const std::int64_t extent = checked_add(checked_mul(attrs.dilation[i], weight[i + 2] - 1), 1);
    const std::int64_t padded =
        checked_add(x[i + 2], checked_add(attrs.padding[i], attrs.padding_end[i]));
    in.require(padded >= extent, 6);
    out.push_back((padded - extent) / attrs.stride[i] + 1);
  }
  const std::int64_t per_group = checked_mul(2, checked_mul(weight.dim(2), weight.dim(3)));
  const std::int64_t groups = offset.dim(1) / per_group;
  in.require(groups >= 1 && offset == Shape{x.dim(0), groups * per_group, out[2], out[3]}, 7);
  in.require(x.dim(1) % groups == 0, 7);
  if (in.has(4)) in.require(in.shape(4) == Shape{x.dim(0), offset.dim(1) / 2, out[2], out[3]}, 8);
  in.output(out, in.dtype(0));
}

// As grid_sample: a sample is four products and three sums, its position and weights 16.
Cost cost_deform_conv(const NodeView& node) {
  const Shape& weight = node.in(1);
  const std::int64_t taps = weight.dim(2) * weight.dim(3);
  const std::int64_t positions = node.in_numel(2) / 2;  // of every group
  const Shape& out = node.out();
  const std::int64_t samples =
      checked_mul(checked_mul(out.dim(0) * out.dim(2) * out.dim(3), taps), node.in(0).dim(1));
  std::int64_t other =
      checked_add(checked_mul(node.has(4) ? 8 : 7, samples), checked_mul(16, positions));
  if (node.has(3)) other = checked_add(other, node.out_numel());
  return {checked_mul(node.out_numel(), weight.dim(1) * taps), other};
}

}  // namespace

constinit const OpDef deform_conv2d_op = {
    .name = "deform_conv2d",
    .summary = "Convolution of samples at learnt offsets from the kernel's taps.",
    .formula = "2 x MACs + 7 per sample and channel (four products, three sums; 1 more for a mask) "
               "+ 16 per position that is sampled (itself and four weights) + 1 per output element "
               "for the bias; MACs = output elements x (channels / groups) x kernel elements",
    .kind = OpKind::product,
    .inputs = inputs,
    .constraints = constraints,
    .attrs = AttrType::of<ConvAttrs>(),
    .backward = keeps_factors().also(first | third | fifth),
    .fusion = Fuse::leads,
    .memory = new_memory,
    .arithmetic = additions,
    .infer = infer_deform_conv,
    .cost = cost_deform_conv};

namespace {

constexpr const OpDef* ops[] = {&deform_conv2d_op};

}  // namespace

extern constinit const OpGroup deform_conv_ops = {
    "deformable convolution", "A convolution with learnt offsets of its taps.", ops};

Tensor deform_conv2d(Tensor x, Tensor weight, Tensor offset, Tensor bias, Tensor mask,
                     const ConvAttrs& attrs) {
  return apply(deform_conv2d_op, attrs, x, weight, offset, bias, mask);
}

}  // namespace zoometer
