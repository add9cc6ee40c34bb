#pragma once

#include <string_view>

#include "zoometer/op/op.hpp"

namespace zoometer {

/// Of the upsampling operators.
struct UpsampleAttrs {
  Spatial output_size;         ///< the result's spatial sizes
  bool align_corners = false;  ///< the corners' centres stay in place, else the corners do
  /// The step between samples is one over these; empty: the quotient of the sizes.
  Reals factors = {};
  bool exact = false;  ///< nearest to the centre of each element, else to its corner
  static constexpr std::tuple fields{field("output_size", &UpsampleAttrs::output_size),
                                     field("align_corners", &UpsampleAttrs::align_corners),
                                     field("factors", &UpsampleAttrs::factors),
                                     field("exact", &UpsampleAttrs::exact)};
};

/// Of grid_sample.
struct GridSampleAttrs {
  std::string_view mode = "bilinear";       ///< or "nearest", "bicubic"
  std::string_view padding_mode = "zeros";  ///< or "border", "reflection"
  bool align_corners = false;               ///< -1 and 1 are the corners' centres, else the corners
  static constexpr std::tuple fields{field("mode", &GridSampleAttrs::mode),
                                     field("padding_mode", &GridSampleAttrs::padding_mode),
                                     field("align_corners", &GridSampleAttrs::align_corners)};
};

/// @{
/// torch.nn.functional.interpolate, mode "nearest".
extern const OpDef upsample_nearest1d_op, upsample_nearest2d_op, upsample_nearest3d_op;
/// @}
/// @{
/// torch.nn.functional.interpolate, modes "linear", "bilinear", "trilinear".
extern const OpDef upsample_linear1d_op, upsample_bilinear2d_op, upsample_trilinear3d_op;
/// @}
/// @{
/// torch.nn.functional.interpolate, mode "bicubic", and torch.nn.functional.grid_sample.
extern const OpDef upsample_bicubic2d_op, grid_sample_op;
/// @}

/// @{
/// torch.nn.functional.interpolate, modes "bilinear" and "bicubic", with antialias.
extern const OpDef upsample_bilinear2d_aa_op, upsample_bicubic2d_aa_op;
/// @}

/// Any of these operators. Throws Error{shape} where the number of sizes does not fit.
Tensor upsample(const OpDef& op, Tensor x, const UpsampleAttrs& attrs);
/// The nearest element. x (N, C, spatial...) -> (N, C, size...), for 1 to 3 spatial dimensions.
/// Smaller sizes are allowed, too. Throws Error{shape} where the number of sizes does not fit.
Tensor upsample_nearest(Tensor x, const Spatial& size);
/// The same with all settings.
Tensor resize_nearest(Tensor x, const UpsampleAttrs& attrs);
/// The mean of the nearest 2, 4 or 8, weighted by distance.
Tensor upsample_linear(Tensor x, const Spatial& size, bool align_corners = false);
/// The same with all settings.
Tensor resize_linear(Tensor x, const UpsampleAttrs& attrs);
/// By cubic polynomials through the nearest 16. x (N, C, H, W).
Tensor upsample_bicubic(Tensor x, const Spatial& size, bool align_corners = false);

/// x (N, C, spatial...) at the positions of grid (N, size..., d), which holds d coordinates in -1
/// to 1, the last axis first, for d of 1 to 3 spatial dimensions -> (N, C, size...).
Tensor grid_sample(Tensor x, Tensor grid, const GridSampleAttrs& attrs = {});

}  // namespace zoometer
