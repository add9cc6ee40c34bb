// S3D (Xie et al. 2018): Inception whose convolutions over space and time are split in two.
#include <array>

#include "zoometer/models/model.hpp"
#include "zoometer/nn/blocks.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace s3d {
namespace {

constexpr double batch_norm_eps = 1e-3;

struct Conv3dNormReLU : SequentialOf<Conv3dNormReLU> {
  static constexpr auto kind = "Conv3dNormActivation";
  Conv3dNormReLU(const Slot& slot, std::int64_t in, std::int64_t out, ConvOptions options = {})
      : SequentialOf(slot) {
    options.bias = false;
    add<Conv3d>(in, out, options);
    add<BatchNorm3d>(out, batch_norm_eps);
    add<ReLU>();
  }
};

/// A convolution over space, then one over time; both keep the size at stride 1.
struct TemporalSeparableConv : SequentialOf<TemporalSeparableConv> {
  static constexpr auto kind = "TemporalSeparableConv";
  TemporalSeparableConv(const Slot& slot, std::int64_t in, std::int64_t out, std::int64_t kernel,
                        std::int64_t stride = 1)
      : SequentialOf(slot) {
    const std::int64_t padding = same_padding(kernel);
    add<Conv3dNormReLU>(in, out,
                        ConvOptions{.kernel = {1, kernel, kernel},
                                    .stride = {1, stride, stride},
                                    .padding = {0, padding, padding}});
    add<Conv3dNormReLU>(out, out,
                        ConvOptions{.kernel = {kernel, 1, 1},
                                    .stride = {stride, 1, 1},
                                    .padding = {padding, 0, 0}});
  }
};

/// The channels of an Inception block's branches.
struct Branches {
  std::int64_t in;
  std::int64_t direct;
  std::array<std::int64_t, 2> first;   ///< reduced, then convolved
  std::array<std::int64_t, 2> second;  ///< reduced, then convolved
  std::int64_t pooled;
};

Sequential separable_branch(const Slot& slot, std::int64_t in,
                            const std::array<std::int64_t, 2>& channels) {
  Sequential branch{slot};
  branch.add<Conv3dNormReLU>(in, channels[0]);
  branch.add<TemporalSeparableConv>(channels[0], channels[1], 3);
  return branch;
}

Sequential pooled_branch(const Slot& slot, std::int64_t in, std::int64_t out) {
  Sequential branch{slot};
  branch.add<MaxPool3d>(PoolOptions{.kernel = 3, .stride = 1, .padding = 1});
  branch.add<Conv3dNormReLU>(in, out);
  return branch;
}

struct SepInceptionBlock3D : Module<SepInceptionBlock3D> {
  static constexpr auto kind = "SepInceptionBlock3D";
  Branches c;
  Conv3dNormReLU branch0{at("branch0"), c.in, c.direct};
  Sequential branch1 = separable_branch(at("branch1"), c.in, c.first);
  Sequential branch2 = separable_branch(at("branch2"), c.in, c.second);
  Sequential branch3 = pooled_branch(at("branch3"), c.in, c.pooled);

  Tensor forward(Tensor x) const {
    const Tensor direct = branch0(x);
    const Tensor first = branch1(x);
    const Tensor second = branch2(x);
    return cat({direct, first, second, branch3(x)}, 1);
  }
};

Sequential feature_layers(const Slot& slot) {
  const PoolOptions halve_space{
      .kernel = {1, 3, 3}, .stride = PerAxis{1, 2, 2}, .padding = {0, 1, 1}};
  Sequential features{slot};
  features.add<TemporalSeparableConv>(3, 64, 7, 2);
  features.add<MaxPool3d>(halve_space);
  features.add<Conv3dNormReLU>(64, 64);
  features.add<TemporalSeparableConv>(64, 192, 3);
  features.add<MaxPool3d>(halve_space);
  features.add<SepInceptionBlock3D>(Branches{192, 64, {96, 128}, {16, 32}, 32});
  features.add<SepInceptionBlock3D>(Branches{256, 128, {128, 192}, {32, 96}, 64});
  features.add<MaxPool3d>(PoolOptions{.kernel = 3, .stride = 2, .padding = 1});
  features.add<SepInceptionBlock3D>(Branches{480, 192, {96, 208}, {16, 48}, 64});
  features.add<SepInceptionBlock3D>(Branches{512, 160, {112, 224}, {24, 64}, 64});
  features.add<SepInceptionBlock3D>(Branches{512, 128, {128, 256}, {24, 64}, 64});
  features.add<SepInceptionBlock3D>(Branches{512, 112, {144, 288}, {32, 64}, 64});
  features.add<SepInceptionBlock3D>(Branches{528, 256, {160, 320}, {32, 128}, 128});
  features.add<MaxPool3d>(PoolOptions{.kernel = 2});
  features.add<SepInceptionBlock3D>(Branches{832, 256, {160, 320}, {32, 128}, 128});
  features.add<SepInceptionBlock3D>(Branches{832, 384, {192, 384}, {48, 128}, 128});
  return features;
}

Sequential classifier_layers(const Slot& slot) {
  Sequential classifier{slot};
  classifier.add<Dropout>();
  classifier.add<Conv3d>(1024, 400);
  return classifier;
}

struct S3D : Module<S3D> {
  static constexpr auto kind = "S3D";
  Sequential features = feature_layers(at("features"));
  AvgPool3d avgpool{at("avgpool"), {.kernel = {2, 7, 7}, .stride = 1}};
  Sequential classifier = classifier_layers(at("classifier"));

  Tensor forward(Tensor x) const { return mean(classifier(avgpool(features(x))), {2, 3, 4}); }
};

void build(Trace& trace) { trace.run<S3D>(); }

constexpr Model models[] = {
    {"s3d", clip(16, 224), 8'320'048, 17'978'771'456, build},
};

}  // namespace
}  // namespace s3d

extern constinit const Family s3d_family = {
    "S3D",
    "Xie et al., Rethinking Spatiotemporal Feature Learning: Speed-Accuracy Trade-offs in Video "
    "Classification, 2018",
    Task::video, s3d::models};

}  // namespace zoometer
