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
  return {call.graph().arena().copy(name), bits};
}

void fake_quantize(AtenCall& call) {
  const auto scalar = [&](std::string_view name) {
    return call.has_tensor(name) ? call.tensor(name) : constant(call, call.number(name));
  };
  Tensor scale = scalar("scale");
  Tensor zero_point = scalar("zero_point");
  const Tensor x = call.tensor(0);
  if (call.has("axis")) {
    Ints sizes = Ints::filled(x.shape().size(), 1);
    sizes[static_cast<std::size_t>(axis_of(call, "axis", x.rank()))] = -1;
    scale = zoometer::reshape(scale, sizes);
    zero_point = zoometer::reshape(zero_point, sizes);
  }
  output_and_more(call, zoometer::fake_quantize(x, scale, zero_point, rounded_type(call)));
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
  const OutputType type = call.declared(0);
  const Tensor x = call.tensor(0);
  const Tensor real =
      is_floating(x.dtype()) ? zoometer::to(x, type.dtype) : zoometer::dequantize(x);
  call.graph().set_dtype(real.id, type.dtype);
  call.output(real);
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
    {"torchao::choose_qparams_affine", choose_parameters, same_cost, affine_no_effect},
    {"torchao::quantize_affine", quantize_affine, same_cost, affine_no_effect},
    {"torchao::dequantize_affine", dequantize_affine, same_cost, affine_no_effect},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_quantised_operators = {aten_names<aten::quantised_rows>};

}  // namespace zoometer
