#include "op/classical.hpp"

#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand tree_inputs[] = {
    {"x", Role::data}, {"thresholds", Role::weight}, {"leaves", Role::weight}};
constexpr Operand vector_inputs[] = {
    {"x", Role::data}, {"vectors", Role::weight}, {"coefficients", Role::weight}};
constexpr std::string_view row_constraints[] = {"x of rank 1 or 2"};
constexpr std::string_view vector_constraints[] = {"x of rank 1 or 2",
                                                   "vectors of as many features as x has"};
constexpr std::string_view label_constraints[] = {"scores of rank 2"};

constexpr Backward vector_backward{.keeps = all_operands, .factors = first | second};

/// A vector is one row.
std::int64_t rows_of(const Shape& x) { return x.rank() == 2 ? x.dim(0) : 1; }

void infer_trees(Inference& in) {
  const auto& attrs = in.attrs<TreeEnsembleAttrs>();
  in.require(in.shape(0).rank() == 1 || in.shape(0).rank() == 2, 1);
  in.output({rows_of(in.shape(0)), attrs.outputs}, attrs.dtype);
}

Cost cost_trees(const NodeView& node) {
  const auto& attrs = node.attrs<TreeEnsembleAttrs>();
  const std::int64_t each = checked_add(attrs.depth, attrs.trees);
  return {0, checked_mul(rows_of(node.in(0)), each)};
}

void infer_vectors(Inference& in) {
  const Shape& x = in.shape(0);
  in.require(x.rank() == 1 || x.rank() == 2, 1);
  in.require(in.shape(1).rank() == 2 && in.shape(1).dim(1) == x.dim(-1), 2);
  in.output({rows_of(x), in.attrs<SupportVectorsAttrs>().outputs}, DType::float32);
}

Cost cost_vectors(const NodeView& node) {
  const auto& attrs = node.attrs<SupportVectorsAttrs>();
  const std::int64_t rows = rows_of(node.in(0));
  const std::int64_t pairs = checked_mul(rows, node.in(1).dim(0));
  const std::int64_t macs =
      checked_add(checked_mul(pairs, node.in(1).dim(1)), checked_mul(rows, node.in_numel(2)));
  return {macs, checked_mul(pairs, attrs.operations)};
}

void infer_transform(Inference& in) {
  in.output(in.shape(0), in.attrs<FeatureTransformAttrs>().dtype);
}

Cost cost_transform(const NodeView& node) {
  return {0, checked_mul(node.attrs<FeatureTransformAttrs>().operations, node.out_numel())};
}

void infer_label(Inference& in) {
  in.require(in.shape(0).rank() == 2, 1);
  in.output({in.shape(0).dim(0)}, in.attrs<ClassLabelAttrs>().dtype);
}

Cost cost_label(const NodeView& node) { return {0, node.in_numel(0)}; }

}  // namespace

constinit const OpDef tree_ensemble_op = {
    .name = "tree_ensemble",
    .summary = "Decision trees, whose leaves are added up.",
    .formula =
        "at most, for each row: 1 per comparison on the longest path of each tree, and 1 per "
        "tree",
    .kind = OpKind::reduction,
    .inputs = tree_inputs,
    .constraints = row_constraints,
    .attrs = AttrType::of<TreeEnsembleAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .cost_is_bound = true,
    .infer = infer_trees,
    .cost = cost_trees};

constinit const OpDef support_vectors_op = {
    .name = "support_vectors",
    .summary = "A kernel of each row with each support vector, and sums of them.",
    .formula = "1 MAC for each row, vector and feature, 1 for each row and coefficient, and the "
               "kernel's operations for each row and vector",
    .kind = OpKind::product,
    .inputs = vector_inputs,
    .constraints = vector_constraints,
    .attrs = AttrType::of<SupportVectorsAttrs>(),
    .backward = vector_backward,
    .fusion = Fuse::leads,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_vectors,
    .cost = cost_vectors};

constinit const OpDef feature_transform_op = {
    .name = "feature_transform",
    .summary = "Scales, normalises, replaces or encodes features.",
    .formula = "operations per element, as the attribute says",
    .kind = OpKind::pointwise,
    .inputs = input_x,
    .constraints = no_constraints,
    .attrs = AttrType::of<FeatureTransformAttrs>(),
    .backward = keeps_nothing,
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = real_arithmetic,
    .infer = infer_transform,
    .cost = cost_transform};

constinit const OpDef class_label_op = {.name = "class_label",
                                        .summary = "The label of the highest score of each row.",
                                        .formula = "1 per score",
                                        .kind = OpKind::reduction,
                                        .inputs = input_x,
                                        .constraints = label_constraints,
                                        .attrs = AttrType::of<ClassLabelAttrs>(),
                                        .backward = keeps_nothing,
                                        .fusion = Fuse::alone,
                                        .memory = new_memory,
                                        .arithmetic = real_arithmetic,
                                        .infer = infer_label,
                                        .cost = cost_label};

namespace {

constexpr const OpDef* ops[] = {&tree_ensemble_op, &support_vectors_op, &feature_transform_op,
                                &class_label_op};

}  // namespace

extern constinit const OpGroup classical_ops = {
    "classical machine learning", "Trees, support vectors and the features before them.", ops};

}  // namespace zoometer
