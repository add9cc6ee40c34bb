#include "op/indexing.hpp"

#include <vector>

#include "export/onnx/export_rule.hpp"

namespace zoometer {
namespace {

void write_split(OnnxStep& step) {
  const auto& attrs = step.attrs<SplitAttrs>();
  if (step.node().output_count() == 1) return step.make("Identity", {step.in(0)});
  step.make("Split", {step.in(0), step.integers(attrs.sizes.items)},
            {{"axis", step.axis(attrs.dim)}});
}

void write_unbind(OnnxStep& step) {
  const std::int64_t axis = step.axis(step.attrs<AxisAttrs>().dim);
  for (std::size_t i = 0; i < step.node().output_count(); ++i) {
    const std::string index = step.integer(static_cast<std::int64_t>(i));
    step.make_output(i, "Gather", {step.in(0), index}, {{"axis", axis}});
  }
}

void write_triangle(OnnxStep& step, std::int64_t upper) {
  const std::string diagonal = step.integer(step.attrs<TriangleAttrs>().diagonal);
  step.make("Trilu", {step.in(0), diagonal}, {{"upper", upper}});
}
void write_tril(OnnxStep& step) { write_triangle(step, 0); }
void write_triu(OnnxStep& step) { write_triangle(step, 1); }

/// Each slice gets an axis of its own, which is repeated and joined again.
void write_repeat_interleave(OnnxStep& step) {
  const auto& attrs = step.attrs<ChunkAttrs>();
  const std::int64_t axis = step.axis(attrs.dim);
  Ints times = Ints::filled(step.shape(0).size() + 1, 1);
  times[static_cast<std::size_t>(axis + 1)] = attrs.chunks;
  const std::string apart = step.unsqueeze(step.in(0), axis + 1);
  const std::string repeated = step.add("Tile", {apart, step.integers(times)});
  step.make("Reshape", {repeated, step.integers(step.node().out())});
}

/// Index tensors for one axis, or for the first ones.
void write_advanced_index(OnnxStep& step) {
  const Ints& dims = step.attrs<DimsAttrs>().dims;
  if (dims.size() == 1)
    return step.make("Gather", {step.in(0), step.in(1)}, {{"axis", step.axis(dims[0])}});
  if (step.node().input_count() != dims.size() + 1)
    step.fail("lacks an index tensor for some axis");
  Shape common;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (step.axis(dims[i]) != static_cast<std::int64_t>(i))
      step.fail("has index tensors that are not for the first axes");
    Shape next;
    broadcast(common, step.shape(i + 1), next);
    common = next;
  }
  std::vector<std::string> indices;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::string index = step.cast(step.in(i + 1), step.dtype(i + 1), DType::int64);
    const std::string expanded = step.add("Expand", {index, step.integers(common)});
    indices.push_back(step.unsqueeze(expanded, common.rank()));
  }
  const std::string joined = step.add("Concat", indices, {{"axis", common.rank()}});
  step.make("GatherND", {step.in(0), joined});
}

void write_masked_select(OnnxStep& step) {
  if (step.shape(0) != step.shape(1)) step.fail("has a mask that is broadcast");
  const std::string flat = step.reshape(step.in(0), {-1});
  step.make("Compress", {flat, step.reshape(step.in(1), {-1})}, {{"axis", std::int64_t{0}}});
}

void write_nonzero(OnnxStep& step) {
  step.make("Transpose", {step.add("NonZero", {step.in(0)})}, {{"perm", Ints{1, 0}}});
}

void write_copy(OnnxStep& step) {
  const std::string source = step.cast(step.in(1), step.dtype(1), step.dtype(0));
  step.make("Expand", {source, step.integers(step.node().out())});
}

void write_scatter(OnnxStep& step) {
  const auto& attrs = step.attrs<ScatterAttrs>();
  const bool adds = attrs.reduce == "sum";
  const bool multiplies = attrs.reduce == "prod";
  if (!attrs.reduce.empty() && !adds && !multiplies)
    step.fail("has the reduction " + std::string(attrs.reduce));
  if (step.node().input_count() < 3 || step.shape(1) != step.shape(2))
    step.fail("has a source of another shape than its indices");
  step.make("ScatterElements", {step.in(0), step.in(1), step.in(2)},
            {{"axis", step.axis(attrs.dim)},
             {"reduction", std::string_view(adds         ? "add"
                                            : multiplies ? "mul"
                                                         : "none")}});
}

void write_masked_fill(OnnxStep& step) {
  const std::string value = step.has(2)
                                ? step.cast(step.in(2), step.dtype(2), step.dtype())
                                : step.number(step.attrs<ScalarAttrs>().scalar, step.dtype());
  step.make("Where", {step.in(1), value, step.in(0)});
}

void write_random(OnnxStep& step) {
  const auto& attrs = step.attrs<RandomAttrs>();
  if (attrs.distribution != "uniform" && attrs.distribution != "normal")
    step.fail("has the distribution " + std::string(attrs.distribution));
  step.make(attrs.distribution == "normal" ? "RandomNormal" : "RandomUniform", OnnxNames{},
            {{"shape", attrs.sizes}, {"dtype", attrs.dtype}});
}

/// The opset that is written has no operator for it.
void write_tensor_scatter(OnnxStep& step) {
  if (step.has(2)) step.fail("at places of data has no ONNX equivalent");
  const std::int64_t axis = step.axis(step.attrs<AxisAttrs>().dim);
  const std::int64_t end = step.shape(0).dim(axis);
  const std::string rest = step.slice(step.in(0), axis, step.shape(1).dim(axis), end);
  step.make("Concat", {step.in(1), rest}, {{"axis", axis}});
}

constexpr OnnxExportRule indexing_rules[] = {{&split_op, {}, write_split},
                                             {&unbind_op, {}, write_unbind},
                                             {&tril_op, {}, write_tril},
                                             {&triu_op, {}, write_triu},
                                             {&repeat_interleave_op, {}, write_repeat_interleave},
                                             {&advanced_index_op, {}, write_advanced_index},
                                             {&masked_select_op, {}, write_masked_select},
                                             {&nonzero_op, {}, write_nonzero},
                                             {&copy_op, {}, write_copy},
                                             {&scatter_op, {}, write_scatter},
                                             {&masked_fill_op, {}, write_masked_fill},
                                             {&tensor_scatter_op, {}, write_tensor_scatter},
                                             {&random_op, {}, write_random}};

}  // namespace

extern constinit const OnnxExportRules indexing_onnx_export_rules = {indexing_rules};

}  // namespace zoometer
