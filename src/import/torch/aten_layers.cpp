#include <algorithm>
#include <cmath>
#include <string>

#include "import/einsum.hpp"
#include "import/torch/aten_shared.hpp"
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

/// Sets the padding: one that keeps the length ("same"), or none ("valid").
void pad_by_word(AtenCall& call, Tensor weight, ConvAttrs& attrs) {
  const std::string_view word = call.text("padding", "");
  if (word != "same" && word != "valid") call.refuse("an unknown padding");
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
  const EinsumReading reading{call.text("equation", ""), call.integers("path"),
                              [&](bool holds, std::string_view expected) {
                                if (!holds) call.refuse(expected);
                              }};
  call.output(read_einsum(call.tensors("tensors"), reading));
}

void attention(AtenCall& call) {
  Tensor mask = call.optional_tensor("attn_mask");
  if (!mask) mask = call.optional_tensor("attn_bias");
  const AttentionAttrs attrs{call.boolean("is_causal", false), call.number("scale", 0)};
  call.boolean("enable_gqa", false);  // the heads' numbers say so
  output_and_more(call,
                  zoometer::scaled_dot_product_attention(call.tensor("query"), call.tensor("key"),
                                                         call.tensor("value"), mask, attrs));
}

// -- normalisation ------------------------------------------------------------------------------

/// Whether statistics are of the batch: an argument of most names.
bool normalises_in_training(AtenCall& call) {
  if (call.name() == "_native_batch_norm_legit_no_training") return false;
  const bool updates = call.name() == "_batch_norm_with_update" ||
                       call.name() == "_batch_norm_with_update_functional";
  return call.boolean("training", updates);
}

void batch_norm(AtenCall& call) {
  const double eps = call.number(call.has("epsilon") ? "epsilon" : "eps", 1e-5);
  const Tensor x = call.tensor(0);
  const Tensor weight = call.optional_tensor("weight");
  const Tensor bias = call.optional_tensor("bias");
  const Tensor mean = call.optional_tensor("running_mean");
  const Tensor variance = call.optional_tensor("running_var");
  if (!normalises_in_training(call))
    return output_and_more(call, zoometer::batch_norm(x, weight, bias, mean, variance, {eps}));
  const double momentum =
      call.number(call.has("momentum") ? "momentum" : "exponential_average_factor", 0.1);
  output_and_more(call,
                  zoometer::batch_norm_training(x, weight, bias, mean, variance, {eps, momentum}));
}

LayerNormAttrs layer_norm_attrs(AtenCall& call) {
  return {static_cast<std::int64_t>(call.integers("normalized_shape").size()),
          call.number("eps", 1e-5)};
}

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
  // With running statistics it is a batch norm.
  if (!call.boolean("use_input_stats", true)) return batch_norm(call);
  call.output(zoometer::instance_norm(call.tensor(0), call.optional_tensor("weight"),
                                      call.optional_tensor("bias"), attrs));
}

// -- pooling ------------------------------------------------------------------------------------

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

void max_pool(AtenCall& call) {
  output_and_more(call, zoometer::max_pool(call.tensor(0), pool_attrs(call)));
}

/// Another divisor than the size of the window is a factor of the mean that counts the padding.
void avg_pool(AtenCall& call) {
  PoolAttrs attrs = pool_attrs(call);
  const Tensor x = call.tensor(0);
  if (!call.has("divisor_override")) return call.output(zoometer::avg_pool(x, attrs));
  if (attrs.ceil_mode) call.refuse("a divisor of windows over the end");
  attrs.count_include_pad = true;
  std::int64_t window = 1;
  for (const std::int64_t size : attrs.kernel_size) window = checked_mul(window, size);
  const std::int64_t divisor = call.integer("divisor_override");
  if (divisor == 0) call.refuse("a divisor of 0");
  const double factor = static_cast<double>(window) / static_cast<double>(divisor);
  call.output(scaled(zoometer::avg_pool(x, attrs), factor));
}

void adaptive_avg_pool(AtenCall& call) {
  call.output(zoometer::adaptive_avg_pool(call.tensor(0), adaptive_attrs(call)));
}

void adaptive_max_pool(AtenCall& call) {
  output_and_more(call, zoometer::adaptive_max_pool(call.tensor(0), adaptive_attrs(call)));
}

// -- resampling ---------------------------------------------------------------------------------

/// The given output size, or the input's size times factors, rounded down.
Spatial output_size(AtenCall& call, Tensor x) {
  if (call.has("output_size")) return Spatial(call.integers("output_size"));
  const Argument* factors = call.find("scale_factors");
  const std::size_t rank = x.rank() < 3 ? 0 : static_cast<std::size_t>(x.rank() - 2);
  if (factors == nullptr || factors->kind != Argument::Kind::numbers ||
      factors->numbers.size() != rank) {
    call.refuse("an output size that is neither given nor a factor");
  }
  Spatial sizes;
  for (std::size_t i = 0; i < rank; ++i) {
    const double size = std::floor(static_cast<double>(x.shape()[i + 2]) * factors->numbers[i]);
    if (!(size >= 0 && size < 0x1p53)) call.refuse("a size out of range");
    sizes.push_back(static_cast<std::int64_t>(size));
  }
  return sizes;
}

/// The factors that a call gives for all axes: PyTorch keeps 1 / factor as the step.
Reals scale_factors(AtenCall& call) {
  Reals factors;
  const Argument* all = call.find("scale_factors");
  if (all != nullptr && all->kind == Argument::Kind::numbers) {
    for (const double factor : all->numbers) factors.push_back(factor);
    return factors;
  }
  for (const std::string_view name : {"scales_d", "scales_h", "scales_w", "scales"}) {
    if (is_number(call.find(name))) factors.push_back(call.number(name));
  }
  return factors;
}

UpsampleAttrs upsample_attrs(AtenCall& call) {
  UpsampleAttrs attrs{.output_size = output_size(call, call.tensor(0)),
                      .align_corners = call.boolean("align_corners", false),
                      .factors = scale_factors(call)};
  // With aligned corners, and where only some axes have factors, the sizes say all.
  if (attrs.align_corners || attrs.factors.size() != attrs.output_size.size()) attrs.factors = {};
  return attrs;
}

void upsample_nearest(AtenCall& call) {
  UpsampleAttrs attrs = upsample_attrs(call);
  attrs.exact = call.name().find("_exact") != std::string_view::npos;
  // PyTorch takes the sizes where a size stays or doubles, whatever the factor is.
  for (std::size_t i = 0; !attrs.exact && i < attrs.factors.size(); ++i) {
    const std::int64_t from = call.tensor(0).dim(static_cast<std::int64_t>(i) + 2);
    const std::int64_t to = attrs.output_size[i];
    if (to == from) attrs.factors[i] = 1;
    if (to == 2 * from) attrs.factors[i] = 2;
  }
  call.output(zoometer::resize_nearest(call.tensor(0), attrs));
}

void upsample_linear(AtenCall& call) {
  call.output(zoometer::resize_linear(call.tensor(0), upsample_attrs(call)));
}

template <const OpDef& op>
void upsample_plane(AtenCall& call) {
  call.output(zoometer::upsample(op, call.tensor(0), upsample_attrs(call)));
}

void grid_sampler(AtenCall& call) {
  constexpr std::string_view modes[] = {"bilinear", "nearest", "bicubic"};
  constexpr std::string_view paddings[] = {"zeros", "border", "reflection"};
  const std::int64_t mode = call.integer("interpolation_mode", 0);
  const std::int64_t padding = call.integer("padding_mode", 0);
  if (mode < 0 || mode > 2 || padding < 0 || padding > 2) call.refuse("an unknown mode");
  GridSampleAttrs attrs;
  attrs.mode = modes[mode];
  attrs.padding_mode = paddings[padding];
  attrs.align_corners = call.boolean("align_corners", false);
  call.output(zoometer::grid_sample(call.tensor(0), call.tensor(1), attrs));
}

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect convolution_no_effect[] = {
    {"output_padding", "of transposed convolutions alone"},
    {"benchmark", "a choice of kernel"},
    {"deterministic", "a choice of kernel"},
    {"cudnn_enabled", "a choice of kernel"},
    {"allow_tf32", "a choice of kernel"},
};

constexpr NoEffect attention_no_effect[] = {
    {"dropout_p=0", "the default"},
    {"dropout_mask", "used by dropout alone"},
    {"compute_log_sumexp", "unused results are not counted"},
    {"compute_logsumexp", "unused results are not counted"},
    {"need_attn_weights", "unused results are not counted"},
    {"return_debug_mask", "unused results are not counted"},
};

constexpr NoEffect batch_norm_no_effect[] = {
    {"momentum", "of the running statistics, which training updates"},
    {"exponential_average_factor", "of the running statistics, which training updates"},
    {"cudnn_enabled", "a choice of kernel"},
};

constexpr NoEffect layer_norm_no_effect[] = {
    {"cudnn_enable", "a choice of kernel"},
};

constexpr NoEffect group_norm_no_effect[] = {
    {"cudnn_enabled", "a choice of kernel"},
};

constexpr NoEffect native_group_norm_no_effect[] = {
    {"N", "a size of the input"},
    {"C", "a size of the input"},
    {"HxW", "a size of the input"},
};

constexpr NoEffect instance_norm_no_effect[] = {
    {"momentum", "of the running statistics, which training updates"},
    {"cudnn_enabled", "a choice of kernel"},
};

constexpr AtenOperator layers_rows[] = {
    {"_convolution convolution", convolution, same_values, convolution_no_effect},
    {"conv1d conv2d conv3d", conv, same_values},
    {"conv_transpose1d conv_transpose2d conv_transpose3d", conv_transpose, same_values},
    {"linear", linear, same_values},
    {"addmm", addmm, same_values},
    {"_int_mm dot linalg_matmul matmul mm mv vdot", matmul, same_values},
    {"bmm", bmm, same_values},
    {"baddbmm", baddbmm, same_values},
    {"addmv", addmv, same_values},
    {"ger outer", outer, same_values},
    {"einsum", einsum, same_values},
    {"_scaled_dot_product_attention_math _scaled_dot_product_cudnn_attention "
     "_scaled_dot_product_efficient_attention _scaled_dot_product_flash_attention "
     "_scaled_dot_product_flash_attention_for_cpu "
     "_scaled_dot_product_fused_attention_overrideable scaled_dot_product_attention",
     attention, same_values, attention_no_effect},
    {"_batch_norm_no_update _batch_norm_with_update "
     "_batch_norm_with_update_functional _native_batch_norm_legit "
     "_native_batch_norm_legit_functional _native_batch_norm_legit_no_training "
     "batch_norm cudnn_batch_norm miopen_batch_norm native_batch_norm",
     batch_norm, same_values, batch_norm_no_effect},
    {"layer_norm native_layer_norm", layer_norm, same_values, layer_norm_no_effect},
    {"_fused_rms_norm rms_norm", rms_norm, same_values},
    {"group_norm", group_norm, same_values, group_norm_no_effect},
    {"native_group_norm", native_group_norm, same_values, native_group_norm_no_effect},
    {"instance_norm", instance_norm, same_values, instance_norm_no_effect},
    {"max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices "
     "max_pool3d max_pool3d_with_indices",
     max_pool, same_values},
    {"avg_pool1d avg_pool2d avg_pool3d", avg_pool, same_values},
    {"_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool1d "
     "adaptive_avg_pool2d adaptive_avg_pool3d",
     adaptive_avg_pool, same_values},
    {"adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d", adaptive_max_pool, same_values},
    {"_upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d",
     upsample_nearest, same_values},
    {"upsample_nearest1d upsample_nearest2d upsample_nearest3d", upsample_nearest, same_values},
    {"_upsample_bilinear2d_aa", upsample_plane<upsample_bilinear2d_aa_op>, same_values},
    {"upsample_bilinear2d upsample_linear1d upsample_trilinear3d", upsample_linear, same_values},
    {"_upsample_bicubic2d_aa", upsample_plane<upsample_bicubic2d_aa_op>, same_values},
    {"upsample_bicubic2d", upsample_plane<upsample_bicubic2d_op>, same_values},
    {"grid_sampler grid_sampler_2d", grid_sampler, same_values},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_layer_operators = {aten_names<aten::layers_rows>};

}  // namespace zoometer
