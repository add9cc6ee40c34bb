#include <algorithm>
#include <cmath>
#include <string>

#include "import/torch/aten_handlers.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/op/resample.hpp"

namespace zoometer::aten {
namespace {

/// One number per spatial dimension: as given, or one for all, or `missing` for all.
Spatial spatial(AtenCall& call, std::string_view name, std::size_t rank, std::int64_t missing) {
  const auto given = call.integers(name);
  if (given.empty()) return Spatial::filled(rank, missing);
  if (given.size() == 1) return Spatial::filled(rank, given[0]);
  return Spatial(given);
}

std::size_t spatial_rank(AtenCall& call, Tensor weight) {
  if (weight.rank() < 3 || weight.rank() > 5)
    call.refuse("a convolution over other than 1 to 3 dimensions");
  return static_cast<std::size_t>(weight.rank() - 2);
}

/// The window's spatial rank, from an operator's name: "max_pool2d" -> 2.
std::size_t rank_in_name(std::string_view name) {
  const std::size_t digit = name.find_first_of("123");
  return digit == std::string_view::npos ? 2 : static_cast<std::size_t>(name[digit] - '0');
}

/// Paddings that keep the length ("same") or none ("valid").
void pad_by_word(AtenCall& call, Tensor weight, ConvAttrs& attrs) {
  const std::string_view word = call.text("padding", "");
  if (word != "same" && word != "valid") call.refuse("a padding of another name");
  for (std::size_t i = 0; i < attrs.padding.size(); ++i) {
    const std::int64_t kernel = weight.dim(static_cast<std::int64_t>(i) + 2);
    const std::int64_t total =
        word == "same" ? checked_mul(attrs.dilation[i], std::max<std::int64_t>(kernel - 1, 0)) : 0;
    attrs.padding[i] = total / 2;
    attrs.padding_end[i] = total - total / 2;
  }
}

struct ConvInputs {
  Tensor x;
  Tensor weight;
  Tensor bias;
};

/// Applies a convolution to a batch, or to one sample without a batch dimension.
void convolve(AtenCall& call, const ConvInputs& inputs, const ConvAttrs& attrs, bool transposed) {
  const auto apply_to = [&](Tensor x) {
    return transposed ? zoometer::conv_transpose(x, inputs.weight, inputs.bias, attrs)
                      : zoometer::convolution(x, inputs.weight, inputs.bias, attrs);
  };
  const bool single = inputs.x.rank() + 1 == inputs.weight.rank();
  call.output(single ? zoometer::squeeze(apply_to(zoometer::unsqueeze(inputs.x, 0)), 0)
                     : apply_to(inputs.x));
}

ConvAttrs conv_attrs(AtenCall& call, std::size_t rank) {
  ConvAttrs attrs;
  attrs.stride = spatial(call, "stride", rank, 1);
  attrs.dilation = spatial(call, "dilation", rank, 1);
  attrs.padding = Spatial::filled(rank, 0);
  const Argument* padding = call.find("padding");
  if (padding != nullptr && padding->kind != Argument::Kind::text)
    attrs.padding = spatial(call, "padding", rank, 0);
  attrs.padding_end = attrs.padding;
  attrs.groups = call.integer("groups", 1);
  return attrs;
}

ConvInputs conv_inputs(AtenCall& call) {
  return {call.tensor(0), call.tensor("weight"), call.optional_tensor("bias")};
}

}  // namespace

void output_and_more(AtenCall& call, Tensor result) {
  call.output(result);
  call.outputs_beside(result);
}

// -- convolutions -------------------------------------------------------------------------------

void convolution(AtenCall& call) {
  const ConvInputs inputs = conv_inputs(call);
  const std::size_t rank = spatial_rank(call, inputs.weight);
  ConvAttrs attrs = conv_attrs(call, rank);
  const bool transposed = call.boolean("transposed", false);
  if (transposed) attrs.output_padding = spatial(call, "output_padding", rank, 0);
  convolve(call, inputs, attrs, transposed);
}

void conv(AtenCall& call) {
  const ConvInputs inputs = conv_inputs(call);
  ConvAttrs attrs = conv_attrs(call, spatial_rank(call, inputs.weight));
  const Argument* padding = call.find("padding");
  if (padding != nullptr && padding->kind == Argument::Kind::text)
    pad_by_word(call, inputs.weight, attrs);
  convolve(call, inputs, attrs, false);
}

void conv_transpose(AtenCall& call) {
  const ConvInputs inputs = conv_inputs(call);
  const std::size_t rank = spatial_rank(call, inputs.weight);
  ConvAttrs attrs = conv_attrs(call, rank);
  attrs.output_padding = spatial(call, "output_padding", rank, 0);
  convolve(call, inputs, attrs, true);
}

// -- products -----------------------------------------------------------------------------------

void linear(AtenCall& call) {
  call.output(
      zoometer::linear(call.tensor(0), call.tensor("weight"), call.optional_tensor("bias")));
}

Tensor biased(AtenCall& call, Tensor product) {
  const double beta = call.number("beta", 1);
  const Tensor result = scaled(product, call.number("alpha", 1));
  return beta == 0 ? result : scaled(call.tensor(0), beta) + result;
}

Tensor outer_product(Tensor a, Tensor b) {
  return zoometer::unsqueeze(a, 1) * zoometer::unsqueeze(b, 0);
}

void addmm(AtenCall& call) {
  const Tensor a = call.tensor("mat1");
  const Tensor b = call.tensor("mat2");
  const bool plain = call.number("beta", 1) == 1 && call.number("alpha", 1) == 1;
  call.output(plain ? zoometer::addmm(call.tensor(0), a, b) : biased(call, zoometer::matmul(a, b)));
}

void matmul(AtenCall& call) { call.output(zoometer::matmul(call.tensor(0), call.tensor(1))); }

void bmm(AtenCall& call) { call.output(zoometer::bmm(call.tensor(0), call.tensor(1))); }

void baddbmm(AtenCall& call) {
  call.output(biased(call, zoometer::bmm(call.tensor("batch1"), call.tensor("batch2"))));
}

void addmv(AtenCall& call) {
  call.output(biased(call, zoometer::matmul(call.tensor("mat"), call.tensor("vec"))));
}

void outer(AtenCall& call) { call.output(outer_product(call.tensor(0), call.tensor(1))); }

void einsum(AtenCall& call) {
  const std::vector<Tensor> tensors = call.tensors("tensors");
  if (tensors.empty() || tensors.size() > 2) call.refuse("an einsum of more than two tensors");
  const std::string_view equation = call.graph().arena().copy(call.text("equation", ""));
  call.output(zoometer::einsum(equation, tensors[0], tensors.size() > 1 ? tensors[1] : Tensor()));
}

void attention(AtenCall& call) {
  Tensor mask = call.optional_tensor("attn_mask");
  if (!mask) mask = call.optional_tensor("attn_bias");
  const AttentionAttrs attrs{call.boolean("is_causal", false), call.number("scale", 0)};
  output_and_more(call,
                  zoometer::scaled_dot_product_attention(call.tensor("query"), call.tensor("key"),
                                                         call.tensor("value"), mask, attrs));
}

// -- normalisation ------------------------------------------------------------------------------

void batch_norm(AtenCall& call) {
  const BatchNormAttrs attrs{call.number(call.has("epsilon") ? "epsilon" : "eps", 1e-5)};
  output_and_more(call, zoometer::batch_norm(call.tensor(0), call.optional_tensor("weight"),
                                             call.optional_tensor("bias"),
                                             call.optional_tensor("running_mean"),
                                             call.optional_tensor("running_var"), attrs));
}

namespace {

LayerNormAttrs layer_norm_attrs(AtenCall& call) {
  return {static_cast<std::int64_t>(call.integers("normalized_shape").size()),
          call.number("eps", 1e-5)};
}

}  // namespace

void layer_norm(AtenCall& call) {
  output_and_more(call, zoometer::layer_norm(call.tensor(0), call.optional_tensor("weight"),
                                             call.optional_tensor("bias"), layer_norm_attrs(call)));
}

void rms_norm(AtenCall& call) {
  output_and_more(call, zoometer::rms_norm(call.tensor(0), call.optional_tensor("weight"),
                                           layer_norm_attrs(call)));
}

void group_norm(AtenCall& call) {
  const GroupNormAttrs attrs{call.integer("num_groups"), call.number("eps", 1e-5)};
  call.output(zoometer::group_norm(call.tensor(0), call.optional_tensor("weight"),
                                   call.optional_tensor("bias"), attrs));
}

void native_group_norm(AtenCall& call) {
  const GroupNormAttrs attrs{call.integer("group"), call.number("eps", 1e-5)};
  output_and_more(call, zoometer::group_norm(call.tensor(0), call.optional_tensor("weight"),
                                             call.optional_tensor("bias"), attrs));
}

void instance_norm(AtenCall& call) {
  const BatchNormAttrs attrs{call.number("eps", 1e-5)};
  call.output(zoometer::instance_norm(call.tensor(0), call.optional_tensor("weight"),
                                      call.optional_tensor("bias"), attrs));
}

// -- pooling ------------------------------------------------------------------------------------

namespace {

PoolAttrs pool_attrs(AtenCall& call) {
  const std::size_t rank = rank_in_name(call.name());
  PoolAttrs attrs;
  attrs.kernel_size = spatial(call, "kernel_size", rank, 1);
  attrs.stride =
      call.integers("stride").empty() ? attrs.kernel_size : spatial(call, "stride", rank, 1);
  attrs.padding = spatial(call, "padding", rank, 0);
  attrs.padding_end = attrs.padding;
  attrs.dilation = spatial(call, "dilation", rank, 1);
  attrs.ceil_mode = call.boolean("ceil_mode", false);
  attrs.count_include_pad = call.boolean("count_include_pad", true);
  return attrs;
}

AdaptivePoolAttrs adaptive_attrs(AtenCall& call) {
  return {spatial(call, "output_size", rank_in_name(call.name()), 1)};
}

}  // namespace

void max_pool(AtenCall& call) {
  output_and_more(call, zoometer::max_pool(call.tensor(0), pool_attrs(call)));
}

void avg_pool(AtenCall& call) { call.output(zoometer::avg_pool(call.tensor(0), pool_attrs(call))); }

void adaptive_avg_pool(AtenCall& call) {
  call.output(zoometer::adaptive_avg_pool(call.tensor(0), adaptive_attrs(call)));
}

void adaptive_max_pool(AtenCall& call) {
  output_and_more(call, zoometer::adaptive_max_pool(call.tensor(0), adaptive_attrs(call)));
}

// -- resampling ---------------------------------------------------------------------------------

namespace {

/// The sizes given, or the input's by factors, rounded down.
Spatial output_size(AtenCall& call, Tensor x) {
  if (call.has("output_size")) return Spatial(call.integers("output_size"));
  const Argument* factors = call.find("scale_factors");
  const std::size_t rank = x.rank() < 3 ? 0 : static_cast<std::size_t>(x.rank() - 2);
  if (factors == nullptr || factors->kind != Argument::Kind::numbers ||
      factors->numbers.size() != rank) {
    call.refuse("a new size that is neither given nor a factor");
  }
  Spatial sizes;
  for (std::size_t i = 0; i < rank; ++i) {
    const double size = std::floor(static_cast<double>(x.shape()[i + 2]) * factors->numbers[i]);
    if (!(size >= 0 && size < 0x1p53)) call.refuse("a size out of range");
    sizes.push_back(static_cast<std::int64_t>(size));
  }
  return sizes;
}

}  // namespace

void upsample_nearest(AtenCall& call) {
  const Tensor x = call.tensor(0);
  call.output(zoometer::upsample_nearest(x, output_size(call, x)));
}

void upsample_linear(AtenCall& call) {
  const Tensor x = call.tensor(0);
  call.output(
      zoometer::upsample_linear(x, output_size(call, x), call.boolean("align_corners", false)));
}

void upsample_bicubic(AtenCall& call) {
  const Tensor x = call.tensor(0);
  call.output(
      zoometer::upsample_bicubic(x, output_size(call, x), call.boolean("align_corners", false)));
}

void grid_sampler(AtenCall& call) {
  constexpr std::string_view modes[] = {"bilinear", "nearest", "bicubic"};
  constexpr std::string_view paddings[] = {"zeros", "border", "reflection"};
  const std::int64_t mode = call.integer("interpolation_mode", 0);
  const std::int64_t padding = call.integer("padding_mode", 0);
  if (mode < 0 || mode > 2 || padding < 0 || padding > 2) call.refuse("a mode of another number");
  GridSampleAttrs attrs;
  attrs.mode = modes[mode];
  attrs.padding_mode = paddings[padding];
  attrs.align_corners = call.boolean("align_corners", false);
  call.output(zoometer::grid_sample(call.tensor(0), call.tensor(1), attrs));
}

}  // namespace zoometer::aten
