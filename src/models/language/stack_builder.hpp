#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/language/configuration.hpp"
#include "models/language/plan.hpp"

namespace zoometer {

/// Writes the steps of a stack in the order in which they run. Names are paths below `root`, which
/// may change between steps.
class StackBuilder {
 public:
  StackBuilder(StackPlan::Use use, std::string_view input, std::string root);

  /// The paths of what follows begin with it; empty: with the model.
  StackBuilder& in(std::string root);
  /// A step of that kind with further members set by `change`.
  Step& add(Step::Kind kind, std::string_view name = {});

  StackBuilder& tokens(std::string_view name, std::int64_t rows, std::int64_t features);
  StackBuilder& positions(std::string_view name, std::int64_t rows, std::int64_t features,
                          std::int64_t first = 0);
  /// A parameter of that shape, added to the patches of a picture.
  StackBuilder& grid_table(std::string_view name, std::vector<std::int64_t> shape);
  StackBuilder& class_token(std::string_view name, std::int64_t features, std::int64_t rank = 1);
  /// A picture of three channels in squares of `size`; over `frames` of a film where these are not
  /// 0.
  StackBuilder& patches(std::string_view name, std::int64_t features, std::int64_t size, bool bias,
                        std::int64_t frames = 0);
  StackBuilder& flat_patches(std::string_view name, std::int64_t features, std::int64_t size,
                             bool bias);
  StackBuilder& convolution(std::string_view name, std::int64_t in, std::int64_t out,
                            std::int64_t kernel, std::int64_t stride, std::int64_t padding);
  /// The same over time.
  StackBuilder& convolution_over_time(std::string_view name, std::int64_t in, std::int64_t out,
                                      std::int64_t kernel, std::int64_t stride,
                                      std::int64_t padding);
  StackBuilder& linear(std::string_view name, std::int64_t in, std::int64_t out, bool bias = true);
  StackBuilder& norm(std::string_view name, std::int64_t features, NormKind kind = NormKind::layer);
  StackBuilder& activation(ActivationKind kind = ActivationKind::gelu);
  StackBuilder& feed_forward(std::string_view name, std::int64_t features,
                             const FeedForwardPlan& plan);
  /// As many layers of that plan, named from `first` on.
  StackBuilder& layers(std::string_view name, std::int64_t count, const LayerPlan& layer,
                       std::int64_t first = 0);
  StackBuilder& layers(std::string_view name, std::vector<LayerPlan> plans);
  StackBuilder& merge(std::int64_t size);
  StackBuilder& pool(std::int64_t size);
  StackBuilder& stored(std::string_view name, std::vector<std::int64_t> shape,
                       bool is_buffer = false);
  StackBuilder& step(Step::Kind kind) {
    add(kind);
    return *this;
  }
  /// What `other` wrote, as a branch or a residual.
  StackBuilder& nested(Step::Kind kind, StackBuilder other);

  StackPlan plan = {};

 private:
  std::string root_;
};

/// Attention without a mask over tokens that all see each other, with a bias of all layers.
AttentionPlan full_attention(std::int64_t heads, std::int64_t features, bool bias = true);

/// The side of a picture: the key's number, or the first of its list.
std::int64_t picture_side(const Configuration& config, Keys keys, std::int64_t usual);

}  // namespace zoometer
