#include "export/onnx/export_rule.hpp"

#include <algorithm>
#include <unordered_map>

#include "export/onnx/quantize.hpp"
#include "op/detection.hpp"
#include "op/indexing.hpp"
#include "op/mobile.hpp"
#include "op/quantize.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

const OnnxExportRule* find_rule(const OpDef& op) {
  static const std::unordered_map<const OpDef*, const OnnxExportRule*> by_op = [] {
    std::unordered_map<const OpDef*, const OnnxExportRule*> table;
    for (const OnnxExportRules* group : onnx_export_rules()) {
      for (const OnnxExportRule& rule : group->rules) table.emplace(rule.op, &rule);
    }
    return table;
  }();
  const auto found = by_op.find(&op);
  return found == by_op.end() ? nullptr : found->second;
}

// -- which axis depends on data -----------------------------------------------------------------

std::int64_t product_before(const Shape& shape, std::int64_t axis) {
  std::int64_t result = 1;
  for (std::int64_t i = 0; i < axis; ++i) result *= shape.dim(i);
  return result;
}

/// The position of an axis after a reshape: the axis with as many elements
/// before it.
std::int64_t reshaped_axis(const Shape& from, std::int64_t axis, const Shape& to) {
  const std::int64_t before = product_before(from, axis);
  std::int64_t result = 0;
  while (result + 1 < to.rank() &&
         (product_before(to, result) < before || (to.dim(result) == 1 && from.dim(axis) != 1))) {
    ++result;
  }
  return result;
}

std::int64_t transposed_axis(const NodeView& node, std::int64_t axis) {
  const std::int64_t rank = node.in(0).rank();
  const auto positive = [rank](std::int64_t dim) { return dim < 0 ? dim + rank : dim; };
  if (&node.op() == &permute_op || &node.op() == &name_axes_op) {
    const Ints& dims = node.attrs<DimsAttrs>().dims;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (positive(dims[i]) == axis) return static_cast<std::int64_t>(i);
    }
  }
  const auto& attrs = node.attrs<TransposeAttrs>();
  if (axis == positive(attrs.dim0)) return positive(attrs.dim1);
  return axis == positive(attrs.dim1) ? positive(attrs.dim0) : axis;
}

/// The position of an axis after a reduction, or nothing if it was reduced.
std::optional<std::int64_t> axis_after_reduction(const NodeView& node, std::int64_t axis) {
  const auto& attrs = node.attrs<ReduceAttrs>();
  const std::int64_t rank = node.in(0).rank();
  if (attrs.dims.empty()) return std::nullopt;
  std::int64_t result = axis;
  for (const std::int64_t dim : attrs.dims) {
    const std::int64_t reduced = dim < 0 ? dim + rank : dim;
    if (reduced == axis) return std::nullopt;
    if (reduced < axis && !attrs.keepdim) --result;
  }
  return result;
}

bool looks_up_rows(const OpDef& op) { return &op == &index_op || &op == &embedding_op; }

/// Operators whose outputs begin with the axes of their inputs, whatever their ranks.
bool keeps_first_axes(const OpDef& op) {
  return &op == &roi_align_op || &op == &cat_op || &op == &gather_op || &op == &decode_boxes_op ||
         &op == &paste_masks_op || &op == &heatmaps_to_keypoints_op;
}

/// The axis of the outputs that gets its size from the axis of an input, if any.
std::optional<std::int64_t> carried_axis(const NodeView& node, std::size_t input,
                                         std::int64_t axis) {
  const OpDef& op = node.op();
  const std::int64_t rank = node.in(input).rank();
  const auto after = [](std::int64_t dim, std::int64_t length) {
    return dim < 0 ? dim + length : dim;
  };
  if (keeps_first_axes(op)) return axis;
  if (op.kind == OpKind::reduction) return axis_after_reduction(node, axis);
  if (&op == &reshape_op || &op == &flatten_op) return reshaped_axis(node.in(0), axis, node.out());
  if (&op == &permute_op || &op == &name_axes_op || &op == &transpose_op)
    return transposed_axis(node, axis);
  if (&op == &squeeze_op) {
    const bool is_shorter = node.out().rank() < rank;
    return is_shorter && after(node.attrs<AxisAttrs>().dim, rank) < axis ? axis - 1 : axis;
  }
  if (&op == &unsqueeze_op || &op == &stack_op) {
    return after(node.attrs<AxisAttrs>().dim, rank + 1) <= axis ? axis + 1 : axis;
  }
  if (&op == &select_op) {
    const std::int64_t selected = after(node.attrs<SelectAttrs>().dim, rank);
    if (selected == axis) return std::nullopt;
    return selected < axis ? axis - 1 : axis;
  }
  if (looks_up_rows(op)) return input == 1 ? axis : axis - 1 + node.in(1).rank();
  // Everything else matches dimensions from the last one, or keeps them.
  return axis - rank + node.out().rank();
}

std::optional<std::int64_t> open_axis_of(const OnnxBuilder& builder, const NodeView& node) {
  if (node.op().kind == OpKind::selection) return 0;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    if (!node.has(i)) continue;
    if (const auto axis = builder.open_axis(node.input(i))) {
      // The size of a table does not decide how much is looked up in it.
      if (i == 0 && (&node.op() == &gather_op || (looks_up_rows(node.op()) && *axis == 0)))
        continue;
      return carried_axis(node, i, *axis);
    }
  }
  return std::nullopt;
}

bool has_quantised(const OnnxStep& step) {
  for (std::size_t i = 0; i < step.node().input_count(); ++i) {
    if (step.has(i) && is_quantised(step.dtype(i))) return true;
  }
  for (std::size_t i = 0; i < step.node().output_count(); ++i) {
    if (is_quantised(step.out_dtype(i))) return true;
  }
  return false;
}

/// Operators whose result has another type than their operand for other reasons than promotion.
bool changes_type(const OpDef& op) {
  return &op == &to_op || &op == &argmax_op || &op == &argmin_op || &op == &dequantize_op;
}

/// The type to which PyTorch converts the only operand first: of integers for a root, of truth
/// values for a sum.
std::optional<DType> promoted_type(const OnnxStep& step) {
  const OpDef& op = step.node().op();
  const bool is_one = step.node().input_count() == 1 && step.node().output_count() == 1;
  const bool converts = op.kind == OpKind::pointwise || op.kind == OpKind::reduction ||
                        op.kind == OpKind::softmax || op.kind == OpKind::scan;
  const DType wanted = step.out_dtype();
  if (!is_one || !converts || changes_type(op) || wanted == DType::boolean ||
      wanted == DType::unknown || wanted == step.dtype())
    return std::nullopt;
  return wanted;
}

void write_promoted(OnnxStep& step, const OnnxExportRule& rule, DType dtype) {
  OnnxStep promoted(step.builder(), step.node(), {step.cast(step.in(0), step.dtype(), dtype)});
  promoted.set_operand_type(dtype);
  write_by_rule(promoted, rule);
  step.make("Identity", {promoted.result()});
}

void write_node(OnnxStep& step, NodeId id) {
  if (const std::string_view what = step.builder().graph().stand_in(id); !what.empty())
    step.fail("stands in for " + std::string(what) + " at the same cost");
  const OnnxExportRule* rule = find_rule(step.node().op());
  if (rule == nullptr) step.fail("has no ONNX equivalent");
  if (has_quantised(step)) return write_quantised(step, *rule);
  if (const std::optional<DType> dtype = promoted_type(step))
    return write_promoted(step, *rule, *dtype);
  write_by_rule(step, *rule);
}

}  // namespace

void write_by_rule(OnnxStep& step, const OnnxExportRule& rule) {
  if (rule.write != nullptr) return rule.write(step);
  step.make(rule.same_as, step.inputs());
}

void write_onnx_node(OnnxBuilder& builder, NodeId id) {
  builder.enter(id);
  OnnxStep step(builder, builder.graph().view(id));
  const std::size_t size = builder.nodes().size();
  try {
    write_node(step, id);
  } catch (const OnnxMissing& missing) {
    builder.rewind(size);
    builder.count_own(operator_name(step.node()) + " " + missing.reason);
    step.make_own();
  }
  if (const auto axis = open_axis_of(builder, step.node())) {
    for (std::size_t i = 0; i < step.node().output_count(); ++i) {
      const ValueId output = step.node().output(i);
      if (*axis >= 0 && *axis < builder.graph().shape(output).rank())
        builder.set_open_axis(output, *axis);
    }
  }
}

}  // namespace zoometer
