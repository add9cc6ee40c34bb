#pragma once

#include <array>

#include "zoometer/nn/blocks.hpp"

// What GoogLeNet and Inception v3 share, plain and quantizable (nn/form.hpp).

namespace zoometer {

/// Where the two variants of a network differ.
struct InceptionOptions {
  bool standardises_input = false;  ///< the published weights expect another standardisation
  bool auxiliary = true;            ///< owns the heads that only training calls
};

struct Window {
  PerAxis kernel = 1;
  PerAxis stride = 1;
  PerAxis padding = 0;
};

/// Convolution, normalisation, ReLU: (N, in, H, W) -> (N, out, H', W').
template <class Form>
struct BasicConv2d : Module<BasicConv2d<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableBasicConv2d" : "BasicConv2d";
  using Module<BasicConv2d>::at;
  BasicConv2d(const Slot& slot, std::int64_t in, std::int64_t out, const Window& window = {})
      : Module<BasicConv2d>(slot),
        conv(at("conv"), in, out,
             {.kernel = window.kernel,
              .stride = window.stride,
              .padding = window.padding,
              .bias = false}),
        bn(at("bn"), out, 1e-3),
        relu(at("relu")) {}
  Conv2d conv;
  BatchNorm2d bn;
  typename Form::FunctionalReLU relu;

  Tensor forward(Tensor x) const { return relu(bn(conv(x))); }
};

/// From ImageNet's standardisation, channel by channel, to the one with mean and deviation 0.5.
inline Tensor standardise_input(Tensor x) {
  struct Channel {
    double mean, deviation;
  };
  constexpr std::array<Channel, 3> imagenet{{{0.485, 0.229}, {0.456, 0.224}, {0.406, 0.225}}};
  std::array<Tensor, 3> channels;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const Tensor channel = unsqueeze(select(x, 1, static_cast<std::int64_t>(i)), 1);
    channels[i] = channel * (imagenet[i].deviation / 0.5) + (imagenet[i].mean - 0.5) / 0.5;
  }
  return cat(channels, 1);
}

}  // namespace zoometer
