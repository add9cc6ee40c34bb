#include "zoometer/op/conv.hpp"

#include "export/onnx/export_rule.hpp"
#include "export/onnx/quantize.hpp"

namespace zoometer {
namespace {

/// ONNX's order: all begins, then all ends.
template <class List>
Ints both_ends(const List& before, const List& after) {
  Ints pads{std::span<const std::int64_t>(before)};
  for (const std::int64_t pad : after) pads.push_back(pad);
  return pads;
}

Ints ints(std::span<const std::int64_t> values) { return Ints(values); }

Ints kernel_of(const OnnxStep& step) {
  return Ints(std::span<const std::int64_t>(step.shape(1)).subspan(2));
}

template <class Attrs = ConvAttrs>
void write_convolution(OnnxStep& step) {
  const bool is_integer = is_quantised(step.dtype());
  if (!is_integer && !is_floating(step.dtype())) step.fail("on integers has no ONNX equivalent");
  const auto& attrs = step.attrs<Attrs>();
  step.make(is_integer ? "QLinearConv" : "Conv",
            is_integer ? integer_convolution_inputs(step) : step.inputs(),
            {{"kernel_shape", kernel_of(step)},
             {"strides", ints(attrs.stride)},
             {"pads", both_ends(attrs.padding, attrs.padding_end)},
             {"dilations", ints(attrs.dilation)},
             {"group", attrs.groups}});
}

template <class Attrs = ConvAttrs>
void write_transposed(OnnxStep& step) {
  if (!is_floating(step.dtype())) step.fail("on integers has no ONNX equivalent");
  const auto& attrs = step.attrs<Attrs>();
  step.make("ConvTranspose", step.inputs(),
            {{"kernel_shape", kernel_of(step)},
             {"strides", ints(attrs.stride)},
             {"pads", both_ends(attrs.padding, attrs.padding_end)},
             {"dilations", ints(attrs.dilation)},
             {"output_padding", ints(attrs.output_padding)},
             {"group", attrs.groups}});
}

constexpr OnnxExportRule conv_rules[] = {
    {&conv1d_op, {}, write_convolution<>, on_integers},
    {&conv2d_op, {}, write_convolution<>, on_integers},
    {&conv3d_op, {}, write_convolution<>, on_integers},
    {&conv_transpose1d_op, {}, write_transposed<>},
    {&conv_transpose2d_op, {}, write_transposed<>},
    {&conv_transpose3d_op, {}, write_transposed<>},
    {&conv_nd_op, {}, write_convolution<ConvNdAttrs>},
    {&conv_transpose_nd_op, {}, write_transposed<ConvNdAttrs>}};

}  // namespace

extern constinit const OnnxExportRules conv_onnx_export_rules = {conv_rules};

}  // namespace zoometer
