// Products of scaled, packed and sparse matrices, of PyTorch and of torchao.
#include <algorithm>
#include <bit>
#include <string>

#include "import/torch/aten_shared.hpp"
#include "op/indexing.hpp"
#include "op/quantize.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer::aten {
namespace {

Tensor with_bias(AtenCall& call, Tensor product) {
  const Tensor bias = call.optional_tensor("bias");
  return bias ? product + bias : product;
}

// -- scaled products ----------------------------------------------------------------------------

/// The kernel multiplies each sum by both scales before it stores it in the type of the result.
Tensor rescaled(AtenCall& call, Tensor product) {
  const auto type = call.declared(0);
  product.graph->set_dtype(product.id, type.dtype);
  return product;
}

void scaled_mm(AtenCall& call) {
  call.output(with_bias(call, rescaled(call, zoometer::matmul(call.tensor(0), call.tensor(1)))));
}

/// Rows, columns, or what is summed, in groups that end at `offs`.
Tensor grouped_product(AtenCall& call) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  const Tensor ends = call.optional_tensor("offs");
  if (!ends) return zoometer::bmm(a, b);
  if (a.rank() == 2 && b.rank() == 3) return zoometer::grouped_matmul(a, b, ends);
  if (a.rank() == 3 && b.rank() == 2) {
    const Tensor columns = zoometer::transpose(b, 0, 1);
    const Tensor matrices = zoometer::transpose(a, 1, 2);
    return zoometer::transpose(zoometer::grouped_matmul(columns, matrices, ends), 0, 1);
  }
  if (a.rank() != 2 || b.rank() != 2 || ends.rank() != 1) call.refuse("groups of other matrices");
  // One result for each group; together they sum over all columns of a once.
  const Tensor product = zoometer::unsqueeze(zoometer::matmul(a, b), 0);
  return zoometer::expand(product, {ends.dim(0), a.dim(0), b.dim(1)});
}

void grouped_mm(AtenCall& call) { call.output(with_bias(call, grouped_product(call))); }

void scaled_grouped_mm(AtenCall& call) {
  call.output(with_bias(call, rescaled(call, grouped_product(call))));
}

// -- packed weights -----------------------------------------------------------------------------

/// A packed weight as the integers of 4 bits that are in it: (out, in).
Tensor unpacked_type(Tensor weight, std::int64_t out, std::int64_t in) {
  Graph& graph = *weight.graph;
  const OutputType type{{out, in}, DType::uint4, false};
  const ValueId inputs[] = {weight.id};
  const auto* attrs = graph.keep(CastAttrs{DType::uint4});
  const NodeId node = graph.append_declared(bitcast_op, attrs, inputs, {&type, 1});
  return {&graph, graph.nodes()[node].first_output};
}

void packed_product(AtenCall& call, std::string_view scales, std::string_view zero_points) {
  const Tensor x = call.tensor(0);
  const Shape out = call.declared(0).shape;
  if (x.rank() < 1 || out.rank() < 1) call.refuse("a product of numbers");
  const Tensor none{&call.graph(), no_id};
  const auto given = [&](std::string_view name) {
    return name.empty() || !call.has_tensor(name) ? none : call.tensor(name);
  };
  const bool is_int8 = call.name() == "_weight_int8pack_mm";
  const Tensor stored =
      is_int8 ? call.tensor(1) : unpacked_type(call.tensor(1), out.dim(-1), x.dim(-1));
  const PackedWeight weight{stored, given(scales), given(zero_points), none, none};
  call.output(zoometer::matmul_n_bits(x, weight, {x.dim(-1), out.dim(-1)}));
}

void int8_product(AtenCall& call) { packed_product(call, "scales", {}); }

void int4_product(AtenCall& call) {
  packed_product(call, call.has("qScale") ? "qScale" : "qScaleAndZeros", "qZeros");
}

/// The scales are in the packed weight.
void dynamic_product(AtenCall& call) { packed_product(call, {}, {}); }

// -- sparse products ----------------------------------------------------------------------------

/// Of each four weights two are stored: half of a row of x is multiplied.
void semi_structured_linear(AtenCall& call) {
  const Tensor x = call.tensor("input");
  const Tensor weight = call.tensor("weight");
  if (weight.rank() != 2 || x.rank() < 1 || x.dim(-1) < weight.dim(1))
    call.refuse("a weight of other than half of the features");
  const Tensor half = zoometer::slice(x, -1, 0, weight.dim(1));
  call.output(zoometer::linear(half, weight, call.optional_tensor("bias")));
}

Tensor semi_structured_product(AtenCall& call) {
  const Tensor stored = call.tensor("mat1");
  const Tensor b = call.tensor("mat2");
  if (stored.rank() != 2 || b.rank() != 2 || b.dim(0) < stored.dim(1))
    call.refuse("a matrix of other than half of the rows");
  return zoometer::matmul(stored, zoometer::slice(b, 0, 0, stored.dim(1)));
}

void semi_structured_mm(AtenCall& call) { call.output(semi_structured_product(call)); }

void semi_structured_addmm(AtenCall& call) {
  call.output(biased(call, semi_structured_product(call)));
}

void sparse_mm(AtenCall& call) { call.output(zoometer::matmul(call.tensor(0), call.tensor(1))); }

void sparse_addmm(AtenCall& call) {
  call.output(biased(call, zoometer::matmul(call.tensor("mat1"), call.tensor("mat2"))));
}

// -- rounding -----------------------------------------------------------------------------------

/// What integers from `least` to `most` are stored as: "int8", "uint4".
RoundedType rounded_type(AtenCall& call) {
  const std::int64_t least = call.integer("quant_min");
  const std::int64_t most = call.integer("quant_max");
  constexpr std::int64_t widest = std::int64_t{1} << 32;
  if (least > most || least < -widest || most > widest) call.refuse("a range without integers");
  // From -7 to 7 the type is that of -8 to 7.
  const auto range =
      static_cast<std::uint64_t>(least < 0 ? 2 * std::max(-least, most + 1) - 1 : most);
  const auto bits = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::bit_width(range)));
  const std::string name = (least < 0 ? "int" : "uint") + std::to_string(bits);
  return {call.graph().arena().copy(name), bits, least, most};
}

/// A scale or zero point, a number or a tensor.
Tensor scalar(AtenCall& call, std::string_view name) {
  return call.has_tensor(name) ? call.tensor(name) : constant(call, call.number(name));
}

/// One for each index of the axis, as a tensor that broadcasts to x.
Tensor along_axis(AtenCall& call, Tensor scale, std::int64_t rank) {
  Ints sizes = Ints::filled(static_cast<std::size_t>(rank), 1);
  sizes[static_cast<std::size_t>(axis_of(call, "axis", rank))] = -1;
  return zoometer::reshape(scale, sizes);
}

void fake_quantize(AtenCall& call) {
  Tensor scale = scalar(call, "scale");
  Tensor zero_point = scalar(call, "zero_point");
  const Tensor x = call.tensor(0);
  if (call.has("axis")) {
    scale = along_axis(call, scale, x.rank());
    zero_point = along_axis(call, zero_point, x.rank());
  }
  output_and_more(call, zoometer::fake_quantize(x, scale, zero_point, rounded_type(call)));
}

// -- integers of pt2e ---------------------------------------------------------------------------

DType integer_type(AtenCall& call) {
  const DType dtype = call.dtype("dtype").value_or(DType::unknown);
  if (dtype == DType::unknown || is_floating(dtype))
    call.refuse("quantisation to a type that is not an integer");
  return dtype;
}

/// Other programs clamp to all integers of the type.
void note_range(AtenCall& call, Tensor integers) {
  const std::int64_t bits = bits_of(integers.dtype());
  const bool is_signed = name_of(integers.dtype()).starts_with("int");
  const std::int64_t values = std::int64_t{1} << std::min<std::int64_t>(bits, 62);
  const std::int64_t least = is_signed ? -values / 2 : 0;
  const bool is_known = !call.has_tensor("quant_min") && !call.has_tensor("quant_max");
  const bool is_whole = is_known && bits < 32 && call.integer("quant_min", least) <= least &&
                        call.integer("quant_max", least + values - 1) >= least + values - 1;
  const NodeId node = call.graph().value(integers.id).producer;
  if (!is_whole) call.graph().mark_stand_in(node, "a quantisation to a part of its integers");
}

void quantize_per_tensor(AtenCall& call) {
  const Tensor integers = zoometer::quantize_per_tensor(
      call.tensor(0), scalar(call, "scale"), scalar(call, "zero_point"), {integer_type(call)});
  note_range(call, integers);
  call.output(integers);
}

void quantize_per_channel(AtenCall& call) {
  const QuantizePerChannelAttrs attrs{call.integer("axis"), integer_type(call)};
  const Tensor integers = zoometer::quantize_per_channel(call.tensor(0), call.tensor("scales"),
                                                         call.tensor("zero_points"), attrs);
  note_range(call, integers);
  call.output(integers);
}

void output_real(AtenCall& call, Tensor x, Tensor scale, Tensor zero_point) {
  const OutputType type{x.shape(), call.declared(0).dtype, false};
  const ValueId inputs[] = {x.id, scale.id, zero_point.id};
  Graph& graph = call.graph();
  const NodeId node = graph.append_declared(dequantize_op, nullptr, inputs, {&type, 1});
  call.output({&graph, graph.nodes()[node].first_output});
}

void dequantize_per_tensor(AtenCall& call) {
  output_real(call, call.tensor(0), scalar(call, "scale"), scalar(call, "zero_point"));
}

void dequantize_per_channel(AtenCall& call) {
  const Tensor x = call.tensor(0);
  Tensor zero_points = call.optional_tensor("zero_points");
  if (zero_points) zero_points = along_axis(call, zero_points, x.rank());
  output_real(call, x, along_axis(call, call.tensor("scales"), x.rank()), zero_points);
}

/// With a scale for each row, or for each block of one.
void dequantize_blocks(AtenCall& call) {
  output_real(call, call.tensor(0), call.tensor("scales"), call.optional_tensor("zero_points"));
}

// -- tensors of torchao -------------------------------------------------------------------------

/// A weight of torchao consists of several tensors. Its numbers take the place of the weight that
/// the program declares; scales and zero points are tensors beside it.
void inner_tensor(AtenCall& call) {
  Graph& graph = call.graph();
  const Tensor outer = call.tensor(0);
  if (!graph.value(outer.id).has(Value::is_parameter)) call.refuse("a part of a computed tensor");
  const std::string_view part = call.text("attr", "");
  const OutputType type = call.declared(0);
  const bool is_scale =
      part.find("scale") != std::string_view::npos || part.find("zero") != std::string_view::npos;
  const bool is_same = type.shape == outer.shape() && type.dtype == outer.dtype();
  if (!is_scale && is_same) return call.output(outer);  // what has these parts itself
  if (!is_scale && bits_of(outer.dtype()) > 8 && bits_of(type.dtype) <= 8) {
    graph.set_shape(outer.id, type.shape);
    graph.set_dtype(outer.id, type.dtype);
    return call.output(outer);
  }
  const Parameter whole = graph.parameters()[graph.value(outer.id).producer];
  const std::string name = std::string(whole.name) + "." + std::string(part);
  constexpr std::size_t farthest = 4096;  // parameters between two uses of one weight
  const auto all = graph.parameters();
  for (const Parameter& other : all.last(std::min(all.size(), farthest))) {
    if (other.module == whole.module && other.name == name)
      return call.output({&graph, other.value});
  }
  const ParameterKind kind = is_scale ? ParameterKind::quantisation : whole.kind;
  call.output({&graph, graph.add_parameter(whole.module, graph.arena().copy(name), type.shape,
                                           type.dtype, kind)});
}

/// The extremes of each block give its scale and zero point.
void choose_parameters(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor least = reduce(amin_op, x, {});
  const Tensor most = reduce(amax_op, x, {});
  for (std::size_t i = 0; i < 2; ++i) {
    const OutputType type = call.declared(i);
    const Tensor all = zoometer::expand(i == 0 ? most : least, Ints(type.shape));
    call.output(type.dtype == all.dtype() ? all : zoometer::to(all, type.dtype));
  }
}

void quantize_affine(AtenCall& call) {
  const OutputType type = call.declared(0);
  const Tensor x = call.tensor(0);
  if (is_floating(type.dtype) || type.dtype == DType::unknown)
    return call.output(zoometer::to(x, type.dtype));
  call.output(
      zoometer::quantize_per_tensor(x, constant(call, 1), {&call.graph(), no_id}, {type.dtype}));
}

void dequantize_affine(AtenCall& call) {
  const Tensor x = call.tensor(0);
  if (is_floating(x.dtype())) return call.output(zoometer::to(x, call.declared(0).dtype));
  output_real(call, x, call.tensor("scale"), call.optional_tensor("zero_point"));
}

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect scaled_no_effect[] = {
    {"scale_a", "each sum is scaled before it is stored", true},
    {"scale_b", "each sum is scaled before it is stored", true},
    {"scale_result", "each sum is scaled before it is stored", true},
    {"recipe_a", "where the scales are", true},
    {"recipe_b", "where the scales are", true},
    {"swizzle_a", "an order in memory"},
    {"swizzle_b", "an order in memory"},
    {"contraction_dim", "the axes of matrices"},
    {"use_fast_accum", "a choice of kernel"},
};

constexpr NoEffect packed_no_effect[] = {
    {"qGroupSize", "the scales say how many groups there are"},
    {"block_size", "every element is scaled"},
    {"in_features", "a size of the input"},
    {"out_features", "a size of the result"},
};

constexpr NoEffect sparse_no_effect[] = {
    {"meta", "the places of the stored elements"},
    {"mat1_meta", "the places of the stored elements"},
};

constexpr NoEffect fake_quantize_no_effect[] = {
    {"fake_quant_enabled", "a switch of training", true},
};

constexpr NoEffect affine_no_effect[] = {
    {"mapping_type", "how the range is placed"},
    {"block_size", "every element is read"},
    {"quant_min", "any range costs the same"},
    {"quant_max", "any range costs the same"},
    {"eps", "the least scale"},
    {"preserve_zero", "where zero is"},
    {"zero_point_domain", "where zero is"},
    {"keepdim", "the program declares the shape"},
    {"scale", "every element is scaled"},
    {"zero_point", "every element is shifted"},
    {"group_size", "the shape of the scales says it"},
};

constexpr NoEffect dequantize_no_effect[] = {
    {"quant_min", "the integers are in the range"},
    {"quant_max", "the integers are in the range"},
};

constexpr AtenOperator quantised_rows[] = {
    {"_scaled_mm _scaled_mm_v2", scaled_mm, same_cost, scaled_no_effect},
    {"_scaled_grouped_mm _scaled_grouped_mm_v2", scaled_grouped_mm, same_cost, scaled_no_effect},
    {"_grouped_mm transformers::grouped_mm_fallback", grouped_mm, same_cost},
    {"_weight_int8pack_mm", int8_product, same_cost, packed_no_effect},
    {"_weight_int4pack_mm _weight_int4pack_mm_for_cpu _weight_int4pack_mm_with_scales_and_zeros",
     int4_product, same_cost, packed_no_effect},
    {"_dyn_quant_matmul_4bit", dynamic_product, same_cost, packed_no_effect},
    {"_sparse_semi_structured_linear", semi_structured_linear, same_cost, sparse_no_effect},
    {"_sparse_semi_structured_mm", semi_structured_mm, same_cost, sparse_no_effect},
    {"_sparse_semi_structured_addmm", semi_structured_addmm, same_cost, sparse_no_effect},
    {"_sparse_mm", sparse_mm, same_values},
    {"_sparse_addmm", sparse_addmm, same_values},
    {"_fake_quantize_per_tensor_affine_cachemask_tensor_qparams fake_quantize_per_channel_affine "
     "fake_quantize_per_channel_affine_cachemask fake_quantize_per_tensor_affine "
     "fake_quantize_per_tensor_affine_cachemask",
     fake_quantize, same_values, fake_quantize_no_effect},
    {"export::access_subclass_inner_tensor", inner_tensor, same_values},
    {"torchao::choose_qparams_affine quantized_decomposed::choose_qparams "
     "quantized_decomposed::choose_qparams_symmetric "
     "quantized_decomposed::choose_qparams_per_token "
     "quantized_decomposed::choose_qparams_per_token_asymmetric "
     "quantized_decomposed::_choose_qparams_per_token_asymmetric_impl",
     choose_parameters, same_cost, affine_no_effect},
    {"torchao::quantize_affine quantized_decomposed::quantize_per_token "
     "quantized_decomposed::quantize_per_channel_group",
     quantize_affine, same_cost, affine_no_effect},
    {"torchao::dequantize_affine", dequantize_affine, same_cost, affine_no_effect},
    {"quantized_decomposed::quantize_per_tensor", quantize_per_tensor, same_values},
    {"quantized_decomposed::quantize_per_channel", quantize_per_channel, same_values},
    {"quantized_decomposed::dequantize_per_tensor", dequantize_per_tensor, same_values,
     dequantize_no_effect},
    {"quantized_decomposed::dequantize_per_channel", dequantize_per_channel, same_values,
     dequantize_no_effect},
    {"quantized_decomposed::dequantize_per_token "
     "quantized_decomposed::dequantize_per_channel_group",
     dequantize_blocks, same_cost, affine_no_effect},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_quantised_operators = {aten_names<aten::quantised_rows>};

}  // namespace zoometer
