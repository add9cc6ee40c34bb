#pragma once

#include <optional>

#include "models/vision/basic_conv.hpp"

// Inception v3's modules, shared with its quantizable twin (nn/form.hpp). Members are named as in
// the state dict; "dbl" marks a branch of two successive windows.

namespace zoometer::inception_v3 {

inline Tensor average3x3(Tensor x) {
  return avg_pool(x, pool_attrs({.kernel = 3, .stride = 1, .padding = 1}, 2));
}
inline Tensor halve(Tensor x) { return max_pool(x, pool_attrs({.kernel = 3, .stride = 2}, 2)); }

inline constexpr Window window3x3{.kernel = 3, .padding = 1};
inline constexpr Window window5x5{.kernel = 5, .padding = 2};
inline constexpr Window stride3x3{.kernel = 3, .stride = 2};
inline constexpr Window row3{.kernel = {1, 3}, .padding = {0, 1}};
inline constexpr Window column3{.kernel = {3, 1}, .padding = {1, 0}};
inline constexpr Window row7{.kernel = {1, 7}, .padding = {0, 3}};
inline constexpr Window column7{.kernel = {7, 1}, .padding = {3, 0}};

/// (N, in, H, W) -> (N, 224 + pooled, H, W).
template <class Form>
struct InceptionA : Module<InceptionA<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableInceptionA" : "InceptionA";
  using Module<InceptionA>::at;
  using Conv = BasicConv2d<Form>;
  std::int64_t in, pooled;
  Conv branch1x1{at("branch1x1"), in, 64};
  Conv branch5x5_1{at("branch5x5_1"), in, 48};
  Conv branch5x5_2{at("branch5x5_2"), 48, 64, window5x5};
  Conv branch3x3dbl_1{at("branch3x3dbl_1"), in, 64};
  Conv branch3x3dbl_2{at("branch3x3dbl_2"), 64, 96, window3x3};
  Conv branch3x3dbl_3{at("branch3x3dbl_3"), 96, 96, window3x3};
  Conv branch_pool{at("branch_pool"), in, pooled};
  typename Form::Join join{at("myop")};

  Tensor forward(Tensor x) const {
    const Tensor ones = branch1x1(x);
    const Tensor fives = branch5x5_2(branch5x5_1(x));
    const Tensor threes = branch3x3dbl_3(branch3x3dbl_2(branch3x3dbl_1(x)));
    return join.concatenate({ones, fives, threes, branch_pool(average3x3(x))});
  }
};

/// (N, in, H, W) -> (N, in + 480, (H - 1) / 2, (W - 1) / 2).
template <class Form>
struct InceptionB : Module<InceptionB<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableInceptionB" : "InceptionB";
  using Module<InceptionB>::at;
  using Conv = BasicConv2d<Form>;
  std::int64_t in;
  Conv branch3x3{at("branch3x3"), in, 384, stride3x3};
  Conv branch3x3dbl_1{at("branch3x3dbl_1"), in, 64};
  Conv branch3x3dbl_2{at("branch3x3dbl_2"), 64, 96, window3x3};
  Conv branch3x3dbl_3{at("branch3x3dbl_3"), 96, 96, stride3x3};
  typename Form::Join join{at("myop")};

  Tensor forward(Tensor x) const {
    const Tensor once = branch3x3(x);
    const Tensor twice = branch3x3dbl_3(branch3x3dbl_2(branch3x3dbl_1(x)));
    return join.concatenate({once, twice, halve(x)});
  }
};

/// Windows of 7 x 7 as a row and a column: (N, in, H, W) -> (N, 768, H, W).
template <class Form>
struct InceptionC : Module<InceptionC<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableInceptionC" : "InceptionC";
  using Module<InceptionC>::at;
  using Conv = BasicConv2d<Form>;
  std::int64_t in, narrow;
  Conv branch1x1{at("branch1x1"), in, 192};
  Conv branch7x7_1{at("branch7x7_1"), in, narrow};
  Conv branch7x7_2{at("branch7x7_2"), narrow, narrow, row7};
  Conv branch7x7_3{at("branch7x7_3"), narrow, 192, column7};
  Conv branch7x7dbl_1{at("branch7x7dbl_1"), in, narrow};
  Conv branch7x7dbl_2{at("branch7x7dbl_2"), narrow, narrow, column7};
  Conv branch7x7dbl_3{at("branch7x7dbl_3"), narrow, narrow, row7};
  Conv branch7x7dbl_4{at("branch7x7dbl_4"), narrow, narrow, column7};
  Conv branch7x7dbl_5{at("branch7x7dbl_5"), narrow, 192, row7};
  Conv branch_pool{at("branch_pool"), in, 192};
  typename Form::Join join{at("myop")};

  Tensor forward(Tensor x) const {
    const Tensor ones = branch1x1(x);
    const Tensor once = branch7x7_3(branch7x7_2(branch7x7_1(x)));
    Tensor twice = branch7x7dbl_3(branch7x7dbl_2(branch7x7dbl_1(x)));
    twice = branch7x7dbl_5(branch7x7dbl_4(twice));
    return join.concatenate({ones, once, twice, branch_pool(average3x3(x))});
  }
};

/// (N, in, H, W) -> (N, in + 512, (H - 1) / 2, (W - 1) / 2).
template <class Form>
struct InceptionD : Module<InceptionD<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableInceptionD" : "InceptionD";
  using Module<InceptionD>::at;
  using Conv = BasicConv2d<Form>;
  std::int64_t in;
  Conv branch3x3_1{at("branch3x3_1"), in, 192};
  Conv branch3x3_2{at("branch3x3_2"), 192, 320, stride3x3};
  Conv branch7x7x3_1{at("branch7x7x3_1"), in, 192};
  Conv branch7x7x3_2{at("branch7x7x3_2"), 192, 192, row7};
  Conv branch7x7x3_3{at("branch7x7x3_3"), 192, 192, column7};
  Conv branch7x7x3_4{at("branch7x7x3_4"), 192, 192, stride3x3};
  typename Form::Join join{at("myop")};

  Tensor forward(Tensor x) const {
    const Tensor threes = branch3x3_2(branch3x3_1(x));
    const Tensor sevens = branch7x7x3_3(branch7x7x3_2(branch7x7x3_1(x)));
    const Tensor strided = branch7x7x3_4(sevens);
    return join.concatenate({threes, strided, halve(x)});
  }
};

/// Branches that fork into a row and a column: (N, in, H, W) -> (N, 2048, H, W).
template <class Form>
struct InceptionE : Module<InceptionE<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableInceptionE" : "InceptionE";
  using Module<InceptionE>::at;
  using Conv = BasicConv2d<Form>;
  std::int64_t in;
  Conv branch1x1{at("branch1x1"), in, 320};
  Conv branch3x3_1{at("branch3x3_1"), in, 384};
  Conv branch3x3_2a{at("branch3x3_2a"), 384, 384, row3};
  Conv branch3x3_2b{at("branch3x3_2b"), 384, 384, column3};
  Conv branch3x3dbl_1{at("branch3x3dbl_1"), in, 448};
  Conv branch3x3dbl_2{at("branch3x3dbl_2"), 448, 384, window3x3};
  Conv branch3x3dbl_3a{at("branch3x3dbl_3a"), 384, 384, row3};
  Conv branch3x3dbl_3b{at("branch3x3dbl_3b"), 384, 384, column3};
  Conv branch_pool{at("branch_pool"), in, 192};
  typename Form::Join join_once{at("myop1")};
  typename Form::Join join_twice{at("myop2")};
  typename Form::Join join{at("myop3")};

  Tensor forward(Tensor x) const {
    const Tensor ones = branch1x1(x);
    const Tensor narrow = branch3x3_1(x);
    const Tensor row = branch3x3_2a(narrow);
    const Tensor once = join_once.concatenate({row, branch3x3_2b(narrow)});
    const Tensor window = branch3x3dbl_2(branch3x3dbl_1(x));
    const Tensor window_row = branch3x3dbl_3a(window);
    const Tensor twice = join_twice.concatenate({window_row, branch3x3dbl_3b(window)});
    return join.concatenate({ones, once, twice, branch_pool(average3x3(x))});
  }
};

/// The head that training reads half way; evaluation owns it without a call.
template <class Form>
struct InceptionAux : Module<InceptionAux<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableInceptionAux" : "InceptionAux";
  using Module<InceptionAux>::at;
  std::int64_t in;
  BasicConv2d<Form> conv0{at("conv0"), in, 128};
  BasicConv2d<Form> conv1{at("conv1"), 128, 768, {.kernel = 5}};
  Linear fc{at("fc"), 768, 1000};
};

/// (N, 3, H, W) -> (N, 1000).
template <class Form = FloatForm>
struct Inception3 : Module<Inception3<Form>> {
  static constexpr auto kind = Form::quantizable ? "QuantizableInception3" : "Inception3";
  using Module<Inception3>::at;
  using Conv = BasicConv2d<Form>;
  using Head = InceptionAux<Form>;
  InceptionOptions options;
  Conv conv_1a{at("Conv2d_1a_3x3"), 3, 32, stride3x3};
  Conv conv_2a{at("Conv2d_2a_3x3"), 32, 32, {.kernel = 3}};
  Conv conv_2b{at("Conv2d_2b_3x3"), 32, 64, window3x3};
  MaxPool2d maxpool1{at("maxpool1"), {.kernel = 3, .stride = 2}};
  Conv conv_3b{at("Conv2d_3b_1x1"), 64, 80};
  Conv conv_4a{at("Conv2d_4a_3x3"), 80, 192, {.kernel = 3}};
  MaxPool2d maxpool2{at("maxpool2"), {.kernel = 3, .stride = 2}};
  InceptionA<Form> mixed_5b{at("Mixed_5b"), 192, 32};
  InceptionA<Form> mixed_5c{at("Mixed_5c"), 256, 64};
  InceptionA<Form> mixed_5d{at("Mixed_5d"), 288, 64};
  InceptionB<Form> mixed_6a{at("Mixed_6a"), 288};
  InceptionC<Form> mixed_6b{at("Mixed_6b"), 768, 128};
  InceptionC<Form> mixed_6c{at("Mixed_6c"), 768, 160};
  InceptionC<Form> mixed_6d{at("Mixed_6d"), 768, 160};
  InceptionC<Form> mixed_6e{at("Mixed_6e"), 768, 192};
  std::optional<Head> auxiliary = auxiliary_head(at("AuxLogits"));
  InceptionD<Form> mixed_7a{at("Mixed_7a"), 768};
  InceptionE<Form> mixed_7b{at("Mixed_7b"), 1280};
  InceptionE<Form> mixed_7c{at("Mixed_7c"), 2048};
  AdaptiveAvgPool2d avgpool{at("avgpool"), 1};
  Dropout dropout{at("dropout")};
  Linear fc{at("fc"), 2048, 1000};
  typename Form::QuantStub quant{at("quant")};
  typename Form::DeQuantStub dequant{at("dequant")};

  std::optional<Head> auxiliary_head(const Slot& slot) const {
    if (!options.auxiliary) return std::nullopt;
    return Head{slot, 768};
  }

  Tensor forward(Tensor x) const {
    if (options.standardises_input) x = standardise_input(x);
    x = conv_2b(conv_2a(conv_1a(quant(x))));
    x = conv_4a(conv_3b(maxpool1(x)));
    x = mixed_5d(mixed_5c(mixed_5b(maxpool2(x))));
    x = mixed_6e(mixed_6d(mixed_6c(mixed_6b(mixed_6a(x)))));
    x = mixed_7c(mixed_7b(mixed_7a(x)));
    return dequant(fc(flatten(dropout(avgpool(x)), 1)));
  }
};

}  // namespace zoometer::inception_v3
