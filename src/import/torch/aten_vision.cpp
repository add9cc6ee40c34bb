#include "import/torch/aten_shared.hpp"
#include "import/torch/decompositions.hpp"
#include "op/deform_conv.hpp"
#include "op/detection.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer::aten {
namespace {

void nms(AtenCall& call) {
  NmsAttrs attrs;
  attrs.iou_threshold = call.number("iou_threshold");
  call.output(zoometer::nms(call.tensor("dets"), call.tensor("scores"), {}, attrs));
}

RoiAlignAttrs roi_align_attrs(AtenCall& call) {
  RoiAlignAttrs attrs;
  attrs.output_size = {call.integer("pooled_height"), call.integer("pooled_width")};
  attrs.sampling_ratio = call.integer("sampling_ratio");
  if (attrs.sampling_ratio < 1) call.refuse("samples whose number depends on the regions");
  attrs.scales = {call.number("spatial_scale")};
  return attrs;
}

void roi_align(AtenCall& call) {
  RoiAlignAttrs attrs = roi_align_attrs(call);
  attrs.aligned = call.boolean("aligned", false);
  const Tensor maps[] = {call.tensor("input")};
  call.output(zoometer::roi_align(call.tensor("rois"), maps, attrs));
}

/// Each bin of a region reads its own part of the channels: it costs as much as pooling one part.
void ps_roi_align(AtenCall& call) {
  RoiAlignAttrs attrs = roi_align_attrs(call);
  attrs.aligned = true;
  const Tensor x = call.tensor("input");
  const std::int64_t bins = checked_mul(attrs.output_size[0], attrs.output_size[1]);
  if (x.rank() != 4 || bins < 1 || x.dim(1) % bins != 0)
    call.refuse("channels that are not a multiple of the bins");
  const Tensor maps[] = {zoometer::slice(x, 1, 0, x.dim(1) / bins)};
  const Tensor result = zoometer::roi_align(call.tensor("rois"), maps, attrs);
  call.output(result);
  call.further_outputs(result);  // the channel of each bin
}

void affine_grid(AtenCall& call) {
  const Tensor theta = call.tensor(0);
  const auto size = call.integers("size");
  const std::int64_t dimensions = theta.rank() == 3 ? theta.dim(1) : 0;
  const bool fits = (dimensions == 2 || dimensions == 3) && theta.dim(2) == dimensions + 1 &&
                    static_cast<std::int64_t>(size.size()) == dimensions + 2;
  if (!fits) call.refuse("a map that is not of two or three axes, or does not fit the size");
  call.output(zoometer::affine_grid(theta, size));
}

void deform_conv2d(AtenCall& call) {
  ConvAttrs attrs;
  attrs.stride = {call.integer("stride_h"), call.integer("stride_w")};
  attrs.padding = attrs.padding_end = {call.integer("pad_h"), call.integer("pad_w")};
  attrs.dilation = {call.integer("dilation_h"), call.integer("dilation_w")};
  attrs.groups = call.integer("groups");
  const Tensor none{&call.graph(), no_id};
  const Tensor mask = call.boolean("use_mask", true) ? call.tensor("mask") : none;
  call.output(zoometer::deform_conv2d(call.tensor("input"), call.tensor("weight"),
                                      call.tensor("offset"), call.tensor("bias"), mask, attrs));
}

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect affine_grid_no_effect[] = {
    {"align_corners", "the places of the points cost the same"},
};

constexpr NoEffect deform_conv2d_no_effect[] = {
    {"mask", "used with use_mask=True alone"},
    {"offset_groups", "the shape of the offsets says how many there are"},
};

constexpr AtenOperator vision_rows[] = {
    {"torchvision::nms", nms, same_values},
    {"torchvision::roi_align", roi_align, same_values},
    {"torchvision::ps_roi_align", ps_roi_align, same_cost},
    {"affine_grid_generator", affine_grid, same_cost, affine_grid_no_effect},
    {"torchvision::deform_conv2d", deform_conv2d, same_values, deform_conv2d_no_effect},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_vision_operators = {aten_names<aten::vision_rows>};

}  // namespace zoometer
