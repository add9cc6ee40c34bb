#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "analysis/convention.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/norm.hpp"
#include "zoometer/op/pool.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// 5 per element with a learnt scale, else 4.
std::int64_t normalisation_cost(const NodeView& node) {
  return checked_mul(node.has(1) ? 5 : 4, node.in_numel(0));
}

/// 2 per element with a learnt scale, else 1: scaling, and the mean folded into the shift. PyTorch
/// lowers an instance norm to it.
std::int64_t batch_norm_cost(const NodeView& node) {
  if (module_class(node).starts_with("InstanceNorm")) return normalisation_cost(node);
  return checked_mul(node.has(1) ? 2 : 1, node.in_numel(0));
}

std::int64_t one_per_output(const NodeView& node) { return node.out_numel(); }

std::int64_t four_per_output(const NodeView& node) { return checked_mul(4, node.out_numel()); }

/// The equation with its labels renamed to a, b, c ... in the order of their first use.
std::string renamed(std::string_view equation) {
  std::string order;
  std::string result;
  for (const char c : equation) {
    if (c == ' ') continue;
    if (c == ',' || c == '-' || c == '>') {
      result += c;
      continue;
    }
    if (order.find(c) == std::string::npos) order += c;
    result += static_cast<char>('a' + order.find(c));
  }
  return result;
}

/// Whether the products are summed up over a label that the output lacks.
bool sums_up(std::string_view equation) {
  const std::size_t arrow = equation.find("->");
  const std::string_view output = equation.substr(arrow + 2);
  return equation.substr(0, arrow).find_first_not_of(std::string(output) + ", ") !=
         std::string_view::npos;
}

/// As text with four significant digits and back.
double four_digits(double value) {
  std::array<char, 32> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific, 3)
          .ptr;
  double rounded = 0;
  std::from_chars(text.data(), end, rounded);
  return rounded;
}

/// Half of what numpy.einsum_path prints, which is rounded to four digits and has 1 added for the
/// whole contraction; two frequent equations are counted exactly.
std::int64_t einsum_cost(const NodeView& node) {
  const std::string_view equation = node.attrs<EinsumAttrs>().equation;
  const Cost cost = node.op().cost(node);
  const std::int64_t products = cost.macs + cost.other;
  const std::string name = renamed(equation);
  if (name == "abc,abd->acd" || name == "abc,adc->adb") return products;
  const double printed =
      four_digits(static_cast<double>(products) * (sums_up(equation) ? 2 : 1) + 1);
  return static_cast<std::int64_t>(std::floor(printed / 2));
}

/// Products, and 2 per element of a norm that was folded in.
std::int64_t product_cost(const NodeView& node) {
  return checked_add(macs_of(node), checked_mul(2, folded_norm_elements(node)));
}

/// PyTorch computes the pooling to one element per channel as a mean, and that of one dimension,
/// which fvcore does not count, with the operator for two.
std::int64_t adaptive_pool_cost(const NodeView& node) {
  const std::string_view module = module_class(node);
  const bool is_counted =
      &node.op() == &mean_op ? module == "AdaptiveAvgPool2d" : module != "AdaptiveAvgPool1d";
  return is_counted ? node.in_numel(0) : 0;
}

/// A MultiheadAttention module is two products before torch 2; since then one operator, which
/// fvcore has no handle for. It counts as before, so that a model has one figure.
std::int64_t attention_cost(const NodeView& node) {
  return module_class(node) == "MultiheadAttention" ? macs_of(node) : 0;
}

struct Rule {
  const OpDef* op;
  std::int64_t (*cost)(const NodeView&);
};

constexpr Rule rules[] = {
    {&batch_norm_op, batch_norm_cost},
    {&batch_norm_training_op, normalisation_cost},
    {&layer_norm_op, normalisation_cost},
    {&group_norm_op, normalisation_cost},
    {&instance_norm_op, normalisation_cost},
    {&adaptive_avg_pool2d_op, adaptive_pool_cost},
    {&mean_op, adaptive_pool_cost},
    {&upsample_nearest2d_op, one_per_output},
    {&upsample_bilinear2d_op, four_per_output},
    {&grid_sample_op, four_per_output},
    {&einsum_op, einsum_cost},
    {&scaled_dot_product_attention_op, attention_cost},
    {&linear_op, product_cost},
    {&addmm_op, product_cost},
    {&matmul_op, product_cost},
    {&bmm_op, product_cost},
    {&conv1d_op, product_cost},
    {&conv2d_op, product_cost},
    {&conv3d_op, product_cost},
    {&conv_transpose1d_op, product_cost},
    {&conv_transpose2d_op, product_cost},
    {&conv_transpose3d_op, product_cost},
};

/// ATen's other names of what fvcore counts.
constexpr std::string_view counted_spellings[] = {
    "mm", "convolution", "_convolution", "linalg_matmul", folded_norm_spelling,
};

/// Modules that PyTorch lowers to products, and that fvcore sees as one operator without a handle.
constexpr std::string_view uncounted_modules[] = {"LSTM", "GRU", "RNN", "Bilinear"};

/// Whether fvcore has a handle for the operator as the source wrote it: it has none for baddbmm and
/// mv, nor for convolutions with a padding by name. It sees a Linear module as one call.
bool has_handle(const NodeView& node) {
  const std::string_view module = module_class(node);
  if (std::ranges::find(uncounted_modules, module) != std::end(uncounted_modules)) return false;
  const std::string_view spelling = spelling_of(node);
  return spelling.empty() || module == "Linear" ||
         std::ranges::find(counted_spellings, spelling) != std::end(counted_spellings);
}

std::int64_t flops(const NodeView& node) {
  for (const Rule& rule : rules) {
    if (rule.op == &node.op()) return has_handle(node) ? rule.cost(node) : 0;
  }
  return 0;
}

}  // namespace

extern constinit const Convention fvcore_convention = {
    "fvcore",
    "FLOPs",
    "1 per multiply-accumulate of convolutions, linear layers and matrix products; batch norm 2 "
    "per element, other norms 5, adaptive average pooling 1, bilinear upsampling and grid sampling "
    "4; einsum rounded to four digits; every other operator is left out, among them baddbmm, mv, "
    "recurrent layers, fused attention and convolutions with a padding by name.",
    "fvcore.nn.FlopCountAnalysis",
    1,
    flops};

}  // namespace zoometer
