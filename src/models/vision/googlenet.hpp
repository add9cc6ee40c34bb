#pragma once

#include <optional>

#include "models/vision/basic_conv.hpp"

// GoogLeNet's modules, shared with its quantizable twin (nn/form.hpp).

namespace zoometer::googlenet {

/// Channels of an inception module: the input's, and those that each branch narrows to and returns.
struct Widths {
  std::int64_t in, ones, reduce3, threes, reduce5, fives, pooled;
};

/// Four branches side by side: (N, in, H, W) -> (N, ones + threes + fives + pooled, H, W).
template <class Form>
struct Inception : Module<Inception<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableInception" : "Inception";
  using Module<Inception>::at;
  using Conv = BasicConv2d<Form>;
  Widths w;
  Conv branch1{at("branch1"), w.in, w.ones};
  Sequential branch2 = narrow_first(at("branch2"), w.reduce3, w.threes);
  Sequential branch3 = narrow_first(at("branch3"), w.reduce5, w.fives);
  Sequential branch4 = pool_first(at("branch4"));
  typename Form::Join join{at("cat")};

  /// The paper's 5 x 5 convolution is a 3 x 3 one in the published weights.
  Sequential narrow_first(const Slot& slot, std::int64_t narrow, std::int64_t out) const {
    Sequential branch{slot};
    branch.add<Conv>(w.in, narrow);
    branch.add<Conv>(narrow, out, Window{.kernel = 3, .padding = 1});
    return branch;
  }

  Sequential pool_first(const Slot& slot) const {
    Sequential branch{slot};
    branch.add<MaxPool2d>(PoolOptions{.kernel = 3, .stride = 1, .padding = 1, .ceil_mode = true});
    branch.add<Conv>(w.in, w.pooled);
    return branch;
  }

  Tensor forward(Tensor x) const {
    const Tensor first = branch1(x);
    const Tensor second = branch2(x);
    const Tensor third = branch3(x);
    return join.concatenate({first, second, third, branch4(x)});
  }
};

/// The head that training reads half way; evaluation owns it without a call.
template <class Form>
struct InceptionAux : Module<InceptionAux<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableInceptionAux" : "InceptionAux";
  using Module<InceptionAux>::at;
  std::int64_t in;
  BasicConv2d<Form> conv{at("conv"), in, 128};
  Linear fc1{at("fc1"), 2048, 1024};
  Linear fc2{at("fc2"), 1024, 1000};
  Dropout dropout{at("dropout")};
  typename Form::FunctionalReLU relu{at("relu")};
};

/// (N, 3, H, W) -> (N, 1000).
template <class Form = FloatForm>
struct GoogLeNet : Module<GoogLeNet<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableGoogLeNet" : "GoogLeNet";
  static constexpr PoolOptions halve{.kernel = 3, .stride = 2, .ceil_mode = true};
  using Module<GoogLeNet>::at;
  using Conv = BasicConv2d<Form>;
  using Block = Inception<Form>;
  using Head = InceptionAux<Form>;
  InceptionOptions options;
  Conv conv1{at("conv1"), 3, 64, {.kernel = 7, .stride = 2, .padding = 3}};
  MaxPool2d maxpool1{at("maxpool1"), halve};
  Conv conv2{at("conv2"), 64, 64};
  Conv conv3{at("conv3"), 64, 192, {.kernel = 3, .padding = 1}};
  MaxPool2d maxpool2{at("maxpool2"), halve};
  Block inception3a{at("inception3a"), {192, 64, 96, 128, 16, 32, 32}};
  Block inception3b{at("inception3b"), {256, 128, 128, 192, 32, 96, 64}};
  MaxPool2d maxpool3{at("maxpool3"), halve};
  Block inception4a{at("inception4a"), {480, 192, 96, 208, 16, 48, 64}};
  Block inception4b{at("inception4b"), {512, 160, 112, 224, 24, 64, 64}};
  Block inception4c{at("inception4c"), {512, 128, 128, 256, 24, 64, 64}};
  Block inception4d{at("inception4d"), {512, 112, 144, 288, 32, 64, 64}};
  Block inception4e{at("inception4e"), {528, 256, 160, 320, 32, 128, 128}};
  MaxPool2d maxpool4{at("maxpool4"), {.kernel = 2, .stride = 2, .ceil_mode = true}};
  Block inception5a{at("inception5a"), {832, 256, 160, 320, 32, 128, 128}};
  Block inception5b{at("inception5b"), {832, 384, 192, 384, 48, 128, 128}};
  std::optional<Head> aux1 = auxiliary_head(at("aux1"), 512);
  std::optional<Head> aux2 = auxiliary_head(at("aux2"), 528);
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Dropout dropout{at("dropout")};
  Linear fc{at("fc"), 1024, 1000};
  typename Form::QuantStub quant{at("quant")};
  typename Form::DeQuantStub dequant{at("dequant")};

  std::optional<Head> auxiliary_head(const Slot& slot, std::int64_t in) const {
    if (!options.auxiliary) return std::nullopt;
    return Head{slot, in};
  }

  Tensor forward(Tensor x) const {
    if (options.standardises_input) x = standardise_input(x);
    x = maxpool1(conv1(quant(x)));
    x = maxpool2(conv3(conv2(x)));
    x = maxpool3(inception3b(inception3a(x)));
    x = inception4c(inception4b(inception4a(x)));
    x = maxpool4(inception4e(inception4d(x)));
    x = avgpool(inception5b(inception5a(x)));
    return dequant(fc(dropout(flatten(x, 1))));
  }
};

}  // namespace zoometer::googlenet
