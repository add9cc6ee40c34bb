#include "zoometer/op/resample.hpp"

#include "export/onnx/export_rule.hpp"

namespace zoometer {
namespace {

/// The batch and the channels stay, the other axes take the output's sizes.
void make_resize(OnnxStep& step, OnnxArguments arguments) {
  const auto open = step.builder().open_axis(step.node().input(0));
  std::string sizes = step.integers(step.node().out());
  if (open && *open > 1) step.fail("resizes an axis whose size depends on data");
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

void write_grid_sample(OnnxStep& step) {
  const auto& attrs = step.attrs<GridSampleAttrs>();
  step.make("GridSample", {step.in(0), step.in(1)},
            {{"mode", attrs.mode},
             {"padding_mode", attrs.padding_mode},
             {"align_corners", std::int64_t{attrs.align_corners}}});
}

constexpr OnnxExportRule resample_rules[] = {{&upsample_nearest1d_op, {}, write_nearest},
                                             {&upsample_nearest2d_op, {}, write_nearest},
                                             {&upsample_nearest3d_op, {}, write_nearest},
                                             {&upsample_linear1d_op, {}, write_linear_resize},
                                             {&upsample_bilinear2d_op, {}, write_linear_resize},
                                             {&upsample_trilinear3d_op, {}, write_linear_resize},
                                             {&upsample_bicubic2d_op, {}, write_cubic},
                                             {&grid_sample_op, {}, write_grid_sample}};

}  // namespace

extern constinit const OnnxExportRules resample_onnx_export_rules = {resample_rules};

}  // namespace zoometer
