#include "zoometer/op/resample.hpp"

#include <vector>

#include "export/onnx/export_rule.hpp"

namespace zoometer {
namespace {

/// The batch and the channels stay, the other axes take the output's sizes.
void make_resize(OnnxStep& step, OnnxArguments arguments) {
  const auto open = step.builder().open_axis(step.node().input(0));
  std::string sizes = step.integers(step.node().out());
  if (open && *open > 1) step.fail("resizes an axis whose size depends on data");
  // A factor is kept as it is: the quotient of the sizes differs where they were rounded down.
  if (const Reals& factors = step.attrs<UpsampleAttrs>().factors; !factors.empty()) {
    std::vector<double> scales{1, 1};
    scales.insert(scales.end(), factors.begin(), factors.end());
    const std::string all = step.reals(scales, Shape{static_cast<std::int64_t>(scales.size())});
    return step.make("Resize", {step.in(0), "", all}, arguments);
  }
  if (open) {
    const std::string leading = step.add(
        "Slice", {step.add("Shape", {step.in(0)}), step.integers({0}), step.integers({2})});
    const Shape& out = step.node().out();
    const std::string spatial = step.integers(std::span<const std::int64_t>(out).subspan(2));
    sizes = step.add("Concat", {leading, spatial}, {{"axis", std::int64_t{0}}});
  }
  step.make("Resize", {step.in(0), "", "", sizes}, arguments);
}

std::string_view coordinates(const OnnxStep& step) {
  return step.attrs<UpsampleAttrs>().align_corners ? "align_corners" : "half_pixel";
}

void write_nearest(OnnxStep& step) {
  if (step.attrs<UpsampleAttrs>().exact)
    return make_resize(step, {{"mode", std::string_view("nearest")},
                              {"coordinate_transformation_mode", std::string_view("half_pixel")},
                              {"nearest_mode", std::string_view("round_prefer_ceil")}});
  make_resize(step, {{"mode", std::string_view("nearest")},
                     {"coordinate_transformation_mode", std::string_view("asymmetric")},
                     {"nearest_mode", std::string_view("floor")}});
}

void write_linear_resize(OnnxStep& step) {
  make_resize(step, {{"mode", std::string_view("linear")},
                     {"coordinate_transformation_mode", coordinates(step)}});
}

void write_cubic(OnnxStep& step) {
  make_resize(step, {{"mode", std::string_view("cubic")},
                     {"coordinate_transformation_mode", coordinates(step)},
                     {"cubic_coeff_a", -0.75}});
}

void make_antialias(OnnxStep& step, std::string_view mode) {
  step.require_opset(newer_onnx_opset);
  make_resize(step, {{"mode", mode},
                     {"coordinate_transformation_mode", coordinates(step)},
                     {"cubic_coeff_a", -0.5},
                     {"exclude_outside", std::int64_t{1}},
                     {"antialias", std::int64_t{1}}});
}
void write_linear_antialias(OnnxStep& step) { make_antialias(step, "linear"); }
void write_cubic_antialias(OnnxStep& step) { make_antialias(step, "cubic"); }

void write_grid_sample(OnnxStep& step) {
  const auto& attrs = step.attrs<GridSampleAttrs>();
  step.make("GridSample", {step.in(0), step.in(1)},
            {{"mode", attrs.mode},
             {"padding_mode", attrs.padding_mode},
             {"align_corners", std::int64_t{attrs.align_corners}}});
}

constexpr OnnxExportRule resample_rules[] = {
    {&upsample_nearest1d_op, {}, write_nearest},
    {&upsample_nearest2d_op, {}, write_nearest},
    {&upsample_nearest3d_op, {}, write_nearest},
    {&upsample_linear1d_op, {}, write_linear_resize},
    {&upsample_bilinear2d_op, {}, write_linear_resize},
    {&upsample_trilinear3d_op, {}, write_linear_resize},
    {&upsample_bicubic2d_op, {}, write_cubic},
    {&upsample_bilinear2d_aa_op, {}, write_linear_antialias},
    {&upsample_bicubic2d_aa_op, {}, write_cubic_antialias},
    {&grid_sample_op, {}, write_grid_sample}};

}  // namespace

extern constinit const OnnxExportRules resample_onnx_export_rules = {resample_rules};

}  // namespace zoometer
