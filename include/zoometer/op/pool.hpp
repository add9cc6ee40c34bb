#pragma once

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Attributes of a pooling over 1 to 3 spatial dimensions, in elements.
struct PoolAttrs {
  Spatial kernel_size;            ///< elements of a window
  Spatial stride;                 ///< from window to window
  Spatial padding;                ///< before the first element
  Spatial padding_end;            ///< after the last one; PyTorch pads both sides alike
  Spatial dilation;               ///< from element to element of a window
  bool ceil_mode = false;         ///< whether a last window may hang over the end
  bool count_include_pad = true;  ///< whether a mean counts the padding; average only

  static constexpr std::tuple fields{field("kernel_size", &PoolAttrs::kernel_size),
                                     field("stride", &PoolAttrs::stride),
                                     field("padding", &PoolAttrs::padding),
                                     field("padding_end", &PoolAttrs::padding_end),
                                     field("dilation", &PoolAttrs::dilation),
                                     field("ceil_mode", &PoolAttrs::ceil_mode),
                                     field("count_include_pad", &PoolAttrs::count_include_pad)};
};

/// Of the adaptive ones: as many windows as the result has elements.
struct AdaptivePoolAttrs {
  Spatial output_size;  ///< 0 keeps the input's size
  static constexpr std::tuple fields{field("output_size", &AdaptivePoolAttrs::output_size)};
};

/// @{
/// torch.nn.functional.max_pool1d and its variants for two and three dimensions.
extern const OpDef max_pool1d_op, max_pool2d_op, max_pool3d_op;
/// @}
/// @{
/// torch.nn.functional.avg_pool1d and its variants for two and three dimensions.
extern const OpDef avg_pool1d_op, avg_pool2d_op, avg_pool3d_op;
/// @}
/// @{
/// torch.nn.functional.adaptive_avg_pool1d and its variants for two and three dimensions.
extern const OpDef adaptive_avg_pool1d_op, adaptive_avg_pool2d_op, adaptive_avg_pool3d_op;
/// @}
/// @{
/// torch.nn.functional.adaptive_max_pool1d and its variants for two and three dimensions.
extern const OpDef adaptive_max_pool1d_op, adaptive_max_pool2d_op, adaptive_max_pool3d_op;
/// @}

/// The greatest element of each window. x (N, C, spatial...); the number of spatial dimensions is
/// that of kernel_size.
Tensor max_pool(Tensor x, const PoolAttrs& attrs);
/// The mean of each window.
Tensor avg_pool(Tensor x, const PoolAttrs& attrs);
/// The mean of each window.
Tensor adaptive_avg_pool(Tensor x, const AdaptivePoolAttrs& attrs);
/// The greatest element of each window.
Tensor adaptive_max_pool(Tensor x, const AdaptivePoolAttrs& attrs);

}  // namespace zoometer
