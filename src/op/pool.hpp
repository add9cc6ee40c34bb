#pragma once

#include "op/op.hpp"

namespace zoometer {

struct PoolAttrs {
  Spatial kernel_size;
  Spatial stride;
  Spatial padding;
  Spatial padding_end;
  Spatial dilation;
  bool ceil_mode = false;
  bool count_include_pad = true;  ///< average only

  static constexpr std::tuple fields{field("kernel_size", &PoolAttrs::kernel_size),
                                     field("stride", &PoolAttrs::stride),
                                     field("padding", &PoolAttrs::padding),
                                     field("padding_end", &PoolAttrs::padding_end),
                                     field("dilation", &PoolAttrs::dilation),
                                     field("ceil_mode", &PoolAttrs::ceil_mode),
                                     field("count_include_pad", &PoolAttrs::count_include_pad)};
};

struct AdaptivePoolAttrs {
  Spatial output_size;  ///< 0 keeps the input's size
  static constexpr std::tuple fields{field("output_size", &AdaptivePoolAttrs::output_size)};
};

extern const OpDef max_pool1d_op, max_pool2d_op, max_pool3d_op;
extern const OpDef avg_pool1d_op, avg_pool2d_op, avg_pool3d_op;
extern const OpDef adaptive_avg_pool1d_op, adaptive_avg_pool2d_op, adaptive_avg_pool3d_op;
extern const OpDef adaptive_max_pool1d_op, adaptive_max_pool2d_op, adaptive_max_pool3d_op;

/// x (N, C, spatial...); the number of spatial dimensions is that of kernel_size.
Tensor max_pool(Tensor x, const PoolAttrs& attrs);
Tensor avg_pool(Tensor x, const PoolAttrs& attrs);
Tensor adaptive_avg_pool(Tensor x, const AdaptivePoolAttrs& attrs);
Tensor adaptive_max_pool(Tensor x, const AdaptivePoolAttrs& attrs);

}  // namespace zoometer
