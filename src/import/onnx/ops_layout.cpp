// Convolutions and pools in the layouts that ONNX Runtime's optimiser changes them to: channels
// last, or in blocks of channels (NCHWc). Their tensors get the shape that they have in the
// standard layout, without the channels that fill up the last block.
#include <algorithm>

#include "import/onnx/context.hpp"
#include "import/onnx/layers.hpp"
#include "import/onnx/reader.hpp"
#include "util/seeded_hash.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/resample.hpp"

namespace zoometer {

Tensor channels_first(Tensor x) {
  if (x.rank() < 3) return x;
  Ints order{0, x.rank() - 1};
  for (std::int64_t i = 1; i + 1 < x.rank(); ++i) order.push_back(i);
  return permute(x, order);
}

Tensor channels_last(Tensor x) {
  if (x.rank() < 3) return x;
  Ints order{0};
  for (std::int64_t i = 2; i < x.rank(); ++i) order.push_back(i);
  order.push_back(1);
  return permute(x, order);
}

Tensor onnx_convolution_channels_last(OnnxContext& context, std::size_t weight, std::size_t bias) {
  const Tensor x = channels_first(context.in(0));
  Tensor kernel = context.in(weight);
  context.require(x.rank() >= 3 && kernel.rank() == x.rank(),
                  "a weight of the input's rank, which is 3 or more");
  const std::int64_t groups = context.integer("group", 1);
  const auto takes = [&](std::int64_t dim) {
    return checked_mul(kernel.dim(dim), groups) == x.dim(1);
  };
  if (!takes(1) && takes(-1)) kernel = channels_first(kernel);  // (out, kernel..., C / groups)
  const Tensor result = onnx_convolution(context, {x, kernel, context.optional_in(bias), groups});
  return result ? channels_last(result) : result;
}

namespace {

OnnxOutcome out_if_known(OnnxContext& context, Tensor result) {
  return result ? context.out(result) : OnnxOutcome::depends_on_data;
}

// -- channels last --------------------------------------------------------------------------------

OnnxOutcome emit_conv_last(OnnxContext& context) {
  return out_if_known(context, onnx_convolution_channels_last(context, 1, 2));
}

OnnxOutcome emit_fused_conv_last(OnnxContext& context) {
  const Tensor result = onnx_convolution_channels_last(context, 1, 2);
  if (!result) return OnnxOutcome::depends_on_data;
  return out_if_known(context,
                      onnx_activated(context, context.has(3) ? result + context.in(3) : result));
}

template <Tensor (*Pool)(OnnxContext&, Tensor)>
OnnxOutcome emit_pool_last(OnnxContext& context) {
  const Tensor result = Pool(context, channels_first(context.in(0)));
  return result ? context.out(channels_last(result)) : OnnxOutcome::depends_on_data;
}

template <Tensor (*Pool)(Tensor)>
OnnxOutcome emit_global_pool_last(OnnxContext& context) {
  context.require(context.rank(0) >= 3, "an input of rank 3 or more");
  return context.out(channels_last(Pool(channels_first(context.in(0)))));
}

// -- blocks of channels ---------------------------------------------------------------------------

/// Whether an operator's inputs in blocks have the channels of its output.
bool keeps_channels(const OnnxNode& node) {
  return node.op_type != "Conv" && node.op_type != "Concat" && node.op_type != "ReorderInput";
}

/// By name, how many channels of a value `ReorderOutput` keeps; the others fill up a block. What is
/// computed from it channel by channel has as many.
const NameMap<std::int64_t>& channels_in_blocks(OnnxContext& context) {
  OnnxFrame& frame = context.frame();
  if (frame.channels_in_blocks) return *frame.channels_in_blocks;
  auto& channels = frame.channels_in_blocks.emplace();
  OnnxNode node;
  for (std::size_t i = frame.nodes.size(); i-- > 0;) {
    context.reader().records().node(frame.nodes[i], node);
    std::int64_t count = 0;
    if (node.op_type == "ReorderOutput") {
      for (const OnnxAttribute& attribute : node.attributes) {
        if (attribute.name == "channels") count = attribute.integer;
      }
    } else if (!node.outputs.empty()) {
      const auto found = channels.find(node.outputs[0]);
      if (found != channels.end()) count = found->second;
    }
    if (count <= 0) continue;
    if (keeps_channels(node)) {
      for (const std::string_view input : node.inputs) channels.emplace(input, count);
    } else if (node.op_type == "Conv" && node.inputs.size() > 3) {
      channels.emplace(node.inputs[3], count);  // the sum that the convolution adds
    }
  }
  return channels;
}

/// The first `shape` elements of a stored weight: the others are of channels that fill up a block.
Tensor without_padding(OnnxContext& context, std::size_t input, const Shape& shape) {
  Tensor x = context.in_unpacked(input, shape, context.dtype(input));
  for (std::int64_t i = 0; i < std::min<std::int64_t>(2, x.rank()); ++i) {
    if (x.dim(i) > shape.dim(i)) x = slice(x, i, 0, shape.dim(i));
  }
  return x;
}

/// The weight's shape without the channels that fill up blocks, and the groups.
struct BlockedWeight {
  Shape shape;
  std::int64_t groups = 1;
};

BlockedWeight blocked_weight(OnnxContext& context, std::int64_t channels) {
  BlockedWeight result{context.shape(1), context.integer("group", 1)};
  Shape& shape = result.shape;
  context.require(shape.rank() >= 3 && result.groups >= 1 && channels >= 1,
                  "a weight of rank 3 or more, groups and channels");
  std::int64_t outputs = shape.dim(0);
  const auto& known = channels_in_blocks(context);
  const auto kept = context.wants(0) ? known.find(context.node().outputs[0]) : known.end();
  if (kept != known.end()) outputs = std::min(outputs, kept->second);
  if (result.groups == 1) {
    shape.set_dim(1, std::min(shape.dim(1), channels));
  } else if (shape.dim(1) == 1 && channels < result.groups) {  // depthwise
    outputs = std::min(outputs, checked_mul(channels, shape.dim(0) / result.groups));
    result.groups = channels;
  }
  shape.set_dim(0, outputs);
  return result;
}

OnnxOutcome emit_blocked_conv(OnnxContext& context) {
  const Tensor x = context.in(0);
  context.require(x.rank() >= 3, "an input of rank 3 or more");
  const BlockedWeight plan = blocked_weight(context, x.dim(1));
  const Tensor weight = without_padding(context, 1, plan.shape);
  const Tensor none{&context.graph(), no_id};
  const Tensor bias = context.has(2) ? without_padding(context, 2, Shape{plan.shape.dim(0)}) : none;
  Tensor result = onnx_convolution(context, {x, weight, bias, plan.groups});
  if (!result) return OnnxOutcome::depends_on_data;
  if (context.has(3)) result = result + context.in(3);
  return out_if_known(context, onnx_activated(context, result));
}

template <Tensor (*Pool)(OnnxContext&, Tensor)>
OnnxOutcome emit_blocked_pool(OnnxContext& context) {
  return out_if_known(context, Pool(context, context.in(0)));
}

template <Tensor (*Pool)(Tensor)>
OnnxOutcome emit_blocked_global_pool(OnnxContext& context) {
  context.require(context.rank(0) >= 2, "an input of rank 2 or more");
  return context.out(Pool(context.in(0)));
}

OnnxOutcome emit_blocked_upsample(OnnxContext& context) {
  const Tensor x = context.in(0);
  const auto scales = context.integers("scales");
  context.require(x.rank() >= 3 && x.rank() <= 5 && scales &&
                      static_cast<std::int64_t>(scales->size()) == x.rank(),
                  "a scale per dimension");
  Spatial size;
  for (std::int64_t i = 2; i < x.rank(); ++i) {
    const std::int64_t scale = (*scales)[static_cast<std::size_t>(i)];
    context.require(scale >= 1, "scales of at least 1");
    size.push_back(checked_mul(x.dim(i), scale));
  }
  if (context.text("mode", "nearest") == "nearest") return context.out(upsample_nearest(x, size));
  const bool corners =
      context.text("coordinate_transformation_mode", "asymmetric") == "align_corners";
  return context.out(upsample_linear(x, size, corners));
}

OnnxOutcome emit_reorder_input(OnnxContext& context) {
  const Tensor x = context.in(0);
  return context.out(clone(context.integer("channels_last", 0) != 0 ? channels_first(x) : x));
}

OnnxOutcome emit_reorder_output(OnnxContext& context) {
  Tensor x = context.in(0);
  const std::int64_t channels = context.integer("channels", 0);
  context.require(x.rank() >= 3 && channels >= 1, "an input of rank 3 or more, and channels");
  if (x.dim(1) > channels) x = slice(x, 1, 0, channels);
  return context.out(clone(context.integer("channels_last", 0) != 0 ? channels_last(x) : x));
}

using enum Meaning;

constexpr NoEffect blocked_pool_no_effect[] = {
    {"storage_order", "of the indices, which it does not have"}};

constexpr OnnxOperator blocked_rows[] = {
    {"AveragePool", same_values, emit_blocked_pool<onnx_average_pool>},
    {"Conv", same_values, emit_blocked_conv, {.weights = {1, 2}}},
    {"GlobalAveragePool", same_values, emit_blocked_global_pool<onnx_global_average>},
    {"GlobalMaxPool", same_values, emit_blocked_global_pool<onnx_global_maximum>},
    {"MaxPool",
     same_values,
     emit_blocked_pool<onnx_max_pool>,
     {.no_effect = blocked_pool_no_effect}},
    {"ReorderInput", same_values, emit_reorder_input},
    {"ReorderOutput", same_values, emit_reorder_output},
    {"Upsample", same_cost, emit_blocked_upsample},
};

constexpr OnnxOperator nhwc_rows[] = {
    {"NhwcConv", same_values, emit_conv_last, {.weights = {1, 2}}},
    {"NhwcFusedConv", same_values, emit_fused_conv_last, {.weights = {1, 2}}},
    {"NhwcMaxPool", same_values, emit_pool_last<onnx_max_pool>},
};

constexpr OnnxOperator internal_nhwc_rows[] = {
    {"AveragePool", same_values, emit_pool_last<onnx_average_pool>},
    {"Conv", same_values, emit_conv_last, {.weights = {1, 2}}},
    {"GlobalAveragePool", same_values, emit_global_pool_last<onnx_global_average>},
    {"GlobalMaxPool", same_values, emit_global_pool_last<onnx_global_maximum>},
    {"MaxPool", same_values, emit_pool_last<onnx_max_pool>, {.no_effect = blocked_pool_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_blocked_operators = {"com.microsoft.nchwc", blocked_rows};
extern constinit const OnnxOperators onnx_nhwc_operators = {"com.microsoft", nhwc_rows};
extern constinit const OnnxOperators onnx_internal_nhwc_operators = {"com.ms.internal.nhwc",
                                                                     internal_nhwc_rows};
extern constinit const OnnxOperators onnx_qonnx_layout_operators = {"qonnx.custom_op.channels_last",
                                                                    internal_nhwc_rows};

}  // namespace zoometer
