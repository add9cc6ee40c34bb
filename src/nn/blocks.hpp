#pragma once

#include "nn/form.hpp"
#include "nn/layers.hpp"

// torchvision's shared building blocks (torchvision.ops.misc).

namespace zoometer {

/// The padding that keeps the size at stride 1.
constexpr std::int64_t same_padding(std::int64_t kernel, std::int64_t dilation = 1) {
  return (kernel - 1) / 2 * dilation;
}

/// Convolution, normalisation, activation: torchvision's `Conv2dNormActivation` and its 3d sister,
/// children "0", "1", "2". A `void` in place of the normalisation or the activation leaves it out.
/// The padding keeps the size at stride 1 unless it is given.
struct ConvNormOptions {
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  std::optional<std::int64_t> padding = std::nullopt;
  bool bias = false;
  double eps = 1e-5;
};

template <class Act, class Norm = BatchNorm2d>
struct Conv2dNormActivation : SequentialOf<Conv2dNormActivation<Act, Norm>> {
  static constexpr auto kind = "Conv2dNormActivation";
  Conv2dNormActivation() = default;
  Conv2dNormActivation(const Slot& slot, std::int64_t in, std::int64_t out,
                       const ConvNormOptions& o = {})
      : SequentialOf<Conv2dNormActivation>(slot) {
    this->template add<Conv2d>(
        in, out,
        ConvOptions{.kernel = o.kernel,
                    .stride = o.stride,
                    .padding = o.padding.value_or(same_padding(o.kernel, o.dilation)),
                    .dilation = o.dilation,
                    .groups = o.groups,
                    .bias = o.bias});
    if constexpr (!std::is_void_v<Norm>) this->template add<Norm>(out, o.eps);
    if constexpr (!std::is_void_v<Act>) this->template add<Act>();
  }
};

/// Squeeze-and-excitation with 1 x 1 convolutions: scales every channel by a weight made of the
/// means of all channels.
template <class Act, class ScaleAct, class Form = FloatForm>
struct SqueezeExcitation : Module<SqueezeExcitation<Act, ScaleAct, Form>> {
  static constexpr auto kind =
      Form::quantizable ? "QuantizableSqueezeExcitation" : "SqueezeExcitation";
  using Module<SqueezeExcitation>::at;
  std::int64_t channels, squeezed;
  bool inplace = false;  ///< of the activation between the convolutions
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Conv2d fc1{at("fc1"), channels, squeezed};
  Conv2d fc2{at("fc2"), squeezed, channels};
  Act activation{at("activation"), inplace};
  ScaleAct scale_activation{at("scale_activation")};
  typename Form::Join skip_mul{at("skip_mul")};

  Tensor forward(Tensor x) const {
    const Tensor scale = scale_activation(fc2(activation(fc1(avgpool(x)))));
    return skip_mul.multiply(scale, x);
  }
};

/// The two linear layers of a transformer block, children "0" to "4". `Self` gives the kind.
template <class Self>
struct MLPOf : SequentialOf<Self> {
  MLPOf(const Slot& slot, std::int64_t in, std::int64_t hidden, std::int64_t out)
      : SequentialOf<Self>(slot) {
    this->template add<Linear>(in, hidden);
    this->template add<GELU>();
    this->template add<Dropout>();
    this->template add<Linear>(hidden, out);
    this->template add<Dropout>();
  }
};

struct MLP : MLPOf<MLP> {
  static constexpr auto kind = "MLP";
  using MLPOf::MLPOf;
};

/// Rounds to a multiple of `divisor`, never below 0.9 of the value (MobileNet's rule).
constexpr std::int64_t make_divisible(double value, std::int64_t divisor = 8) {
  const auto rounded =
      static_cast<std::int64_t>(value + static_cast<double>(divisor) / 2) / divisor * divisor;
  const std::int64_t result = rounded > divisor ? rounded : divisor;
  return static_cast<double>(result) < 0.9 * value ? result + divisor : result;
}

}  // namespace zoometer
