#include "analysis/workspace.hpp"

#include <algorithm>

#include "zoometer/ir/graph.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

std::int64_t kernel_elements(const Shape& weight) {
  std::int64_t elements = 1;
  for (std::int64_t i = 2; i < weight.rank(); ++i) elements = checked_mul(elements, weight.dim(i));
  return elements;
}

bool takes_input_as_columns(const NodeView& node) {
  const auto& attrs = node.attrs<ConvAttrs>();
  const auto all = [](const Spatial& list, std::int64_t value) {
    return std::all_of(list.begin(), list.end(), [&](std::int64_t v) { return v == value; });
  };
  return kernel_elements(node.in(1)) == 1 && all(attrs.stride, 1) && all(attrs.padding, 0) &&
         all(attrs.padding_end, 0);
}

std::int64_t columns_of(const NodeView& node) {
  const Shape& weight = node.in(1);
  const std::int64_t channels = std::max<std::int64_t>(1, node.out().dim(1));
  return product(node.out_numel() / channels, weight.dim(1), kernel_elements(weight));
}

std::int64_t transposed_columns_of(const NodeView& node) {
  const Shape& x = node.in(0);
  const Shape& weight = node.in(1);
  const std::int64_t planes = std::max<std::int64_t>(1, checked_mul(x.dim(0), x.dim(1)));
  return product(node.in_numel(0) / planes, weight.dim(1), kernel_elements(weight));
}

std::int64_t scores_of(const NodeView& node) {
  const std::int64_t features = std::max<std::int64_t>(1, node.in(0).dim(-1));
  return checked_mul(node.in_numel(0) / features, node.in(1).dim(-2));
}

std::int64_t workspace_elements(const NodeView& node) {
  if (&node.op() == &scaled_dot_product_attention_op) return scores_of(node);
  if (!is_convolution(node.op())) return 0;
  if (is_transposed_convolution(node.op())) return transposed_columns_of(node);
  return takes_input_as_columns(node) ? 0 : columns_of(node);
}

}  // namespace

std::int64_t workspace_bytes(const NodeView& node) {
  const std::int64_t elements = workspace_elements(node);
  return elements == 0 ? 0 : bytes_of(elements, node.graph().dtype(node.input(0)));
}

}  // namespace zoometer
