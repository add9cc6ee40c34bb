#pragma once

#include "zoometer/nn/form.hpp"
#include "zoometer/nn/layers.hpp"

// torchvision's shared building blocks (torchvision.ops.misc).

namespace zoometer {

/// The padding that keeps the size at stride 1.
constexpr std::int64_t same_padding(std::int64_t kernel, std::int64_t dilation = 1) {
  return (kernel - 1) / 2 * dilation;
}

/// The arguments of Conv2dNormActivation after the channels, in elements.
struct ConvNormOptions {
  std::int64_t kernel = 3;    ///< `kernel_size`
  std::int64_t stride = 1;    ///< from window to window
  std::int64_t dilation = 1;  ///< from tap to tap of the kernel
  std::int64_t groups = 1;    ///< parts of the channels that do not mix
  std::optional<std::int64_t> padding =
      std::nullopt;   ///< zeros at each end; `same_padding` if not given
  bool bias = false;  ///< of the convolution
  double eps = 1e-5;  ///< of the normalisation
};

/// Convolution, normalisation, activation: torchvision.ops.Conv2dNormActivation, children "0", "1",
/// "2". `void` as the normalisation or the activation omits it.
template <class Act, class Norm = BatchNorm2d>
struct Conv2dNormActivation : SequentialOf<Conv2dNormActivation<Act, Norm>> {
  static constexpr auto kind = "Conv2dNormActivation";
  /// A block that is left out.
  Conv2dNormActivation() = default;
  /// Declares the layers, from `in` to `out` channels: (N, in, H, W) -> (N, out, H', W').
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

/// torchvision.ops.SqueezeExcitation: scales every channel by a weight made of the means of all
/// channels (Hu et al., Squeeze-and-Excitation Networks, 2018), with 1 x 1 convolutions.
template <class Act, class ScaleAct, class Form = FloatForm>
struct SqueezeExcitation : Module<SqueezeExcitation<Act, ScaleAct, Form>> {
  static constexpr auto kind =
      Form::quantizable ? "QuantizableSqueezeExcitation" : "SqueezeExcitation";
  using Module<SqueezeExcitation>::at;
  std::int64_t channels;                              ///< of the input and the output
  std::int64_t squeezed;                              ///< between the convolutions
  bool inplace = false;                               ///< of the activation there
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};        ///< the means
  Conv2d fc1{at("fc1"), channels, squeezed};          ///< squeezes
  Conv2d fc2{at("fc2"), squeezed, channels};          ///< excites
  Act activation{at("activation"), inplace};          ///< between the two
  ScaleAct scale_activation{at("scale_activation")};  ///< makes weights of what they compute
  typename Form::Join skip_mul{at("skip_mul")};       ///< the twin's product of weights and x

  /// x (N, channels, H, W) -> the same.
  Tensor forward(Tensor x) const {
    const Tensor scale = scale_activation(fc2(activation(fc1(avgpool(x)))));
    return skip_mul.multiply(scale, x);
  }
};

/// torchvision.ops.MLP with the two linear layers of a transformer block, children "0" to "4".
/// `Self` gives the kind.
template <class Self>
struct MLPOf : SequentialOf<Self> {
  /// Declares the layers: (..., in) -> (..., hidden) -> (..., out).
  MLPOf(const Slot& slot, std::int64_t in, std::int64_t hidden, std::int64_t out)
      : SequentialOf<Self>(slot) {
    this->template add<Linear>(in, hidden);
    this->template add<GELU>();
    this->template add<Dropout>();
    this->template add<Linear>(hidden, out);
    this->template add<Dropout>();
  }
};

/// torchvision.ops.MLP with two linear layers.
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
