#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Attributes of a convolution over 1 to 3 spatial dimensions.
struct ConvAttrs {
  Spatial stride;           ///< from window to window
  Spatial padding;          ///< before the first element
  Spatial padding_end;      ///< after the last one; PyTorch pads both sides alike
  Spatial dilation;         ///< from tap to tap of the kernel
  Spatial output_padding;   ///< what the result gets at its end; transposed only
  std::int64_t groups = 1;  ///< parts of the channels that do not mix

  static constexpr std::tuple fields{field("stride", &ConvAttrs::stride),
                                     field("padding", &ConvAttrs::padding),
                                     field("padding_end", &ConvAttrs::padding_end),
                                     field("dilation", &ConvAttrs::dilation),
                                     field("output_padding", &ConvAttrs::output_padding),
                                     field("groups", &ConvAttrs::groups)};
};

/// Attributes of a convolution over any number of spatial dimensions.
struct ConvNdAttrs {
  Ints stride;              ///< from window to window
  Ints padding;             ///< before the first element
  Ints padding_end;         ///< after the last one
  Ints dilation;            ///< from tap to tap of the kernel
  Ints output_padding;      ///< what the result gets at its end; transposed only
  std::int64_t groups = 1;  ///< parts of the channels that do not mix

  static constexpr std::tuple fields{field("stride", &ConvNdAttrs::stride),
                                     field("padding", &ConvNdAttrs::padding),
                                     field("padding_end", &ConvNdAttrs::padding_end),
                                     field("dilation", &ConvNdAttrs::dilation),
                                     field("output_padding", &ConvNdAttrs::output_padding),
                                     field("groups", &ConvNdAttrs::groups)};
};

/// @{
/// torch.nn.functional.conv1d, conv2d and conv3d.
extern const OpDef conv1d_op, conv2d_op, conv3d_op;
/// @}
/// @{
/// torch.nn.functional.conv_transpose1d, conv_transpose2d and conv_transpose3d.
extern const OpDef conv_transpose1d_op, conv_transpose2d_op, conv_transpose3d_op;
/// @}

/// @{
/// ONNX's Conv and ConvTranspose over 4 spatial dimensions or more, which PyTorch does not have.
extern const OpDef conv_nd_op, conv_transpose_nd_op;
/// @}

/// Whether the operator is one of the eight above.
bool is_convolution(const OpDef& op) noexcept;
/// Whether it is one of the four that are transposed.
bool is_transposed_convolution(const OpDef& op) noexcept;

/// x (N, C, spatial...), weight (out, C / groups, kernel...), bias (out,) or empty -> (N, out,
/// ...).
Tensor convolution(Tensor x, Tensor weight, Tensor bias, const ConvAttrs& attrs);
/// The same for any number of spatial dimensions.
Tensor convolution(Tensor x, Tensor weight, Tensor bias, const ConvNdAttrs& attrs);

/// x (N, C, spatial...), weight (C, out / groups, kernel...) -> (N, out, ...).
Tensor conv_transpose(Tensor x, Tensor weight, Tensor bias, const ConvAttrs& attrs);
/// The same for any number of spatial dimensions.
Tensor conv_transpose(Tensor x, Tensor weight, Tensor bias, const ConvNdAttrs& attrs);

}  // namespace zoometer
