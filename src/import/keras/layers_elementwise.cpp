// Activations, layers that do nothing in inference, and preprocessing.
#include <algorithm>

#include "import/keras/call.hpp"
#include "op/mobile.hpp"
#include "op/unknown.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// The first operand as it is at hand, and the axis of its channels.
Tensor operand_at_hand(KerasCall& call, std::int64_t& channels) {
  const bool is_planar = call.reader().is_planar(call.handle(0));
  channels = is_planar ? 1 : -1;
  return is_planar ? call.planar_in(0) : call.in();
}

bool out_as_at_hand(KerasCall& call, Tensor result, std::int64_t channels) {
  return channels == 1 ? call.out_planar(result) : call.out(result);
}

bool emit_activation(KerasCall& call) {
  std::int64_t channels = -1;
  const Tensor x = operand_at_hand(call, channels);
  const Tensor result = call.activated(x, channels);
  return result.id == x.id ? call.out_handle(call.handle(0))
                           : out_as_at_hand(call, result, channels);
}

bool emit_relu(KerasCall& call) {
  std::int64_t channels = -1;
  const Tensor x = operand_at_hand(call, channels);
  const double slope = call.real({"negative_slope", "alpha"}, 0);
  const double threshold = call.real({"threshold", "theta"}, 0);
  const double most = call.real({"max_value"}, -1);
  Tensor result = slope != 0       ? leaky_relu(x, slope)
                  : threshold != 0 ? apply(threshold_op, ThresholdAttrs{threshold, 0}, x)
                  : most == 6      ? unary(relu6_op, x)
                  : most > 0       ? clamp(x, 0, most)
                                   : unary(relu_op, x);
  if (most > 0 && (slope != 0 || threshold != 0)) result = binary(minimum_op, result, most);
  return out_as_at_hand(call, result, channels);
}

bool emit_thresholded_relu(KerasCall& call) {
  std::int64_t channels = -1;
  const Tensor x = operand_at_hand(call, channels);
  const ThresholdAttrs attrs{call.real({"theta"}, 1), 0};
  return out_as_at_hand(call, apply(threshold_op, attrs, x), channels);
}

bool emit_leaky_relu(KerasCall& call) {
  std::int64_t channels = -1;
  const Tensor x = operand_at_hand(call, channels);
  return out_as_at_hand(call, leaky_relu(x, call.real({"negative_slope", "alpha"}, 0.3)), channels);
}

bool emit_elu(KerasCall& call) {
  std::int64_t channels = -1;
  const Tensor x = operand_at_hand(call, channels);
  return out_as_at_hand(call, apply(elu_op, SlopeAttrs{call.real({"alpha"}, 1)}, x), channels);
}

bool emit_softmax(KerasCall& call) {
  const Tensor x = call.in();
  const Ints axes = call.list({"axis"});
  if (axes.size() > 1) {
    const Tensor powers = unary(exp_op, x - reduce(amax_op, x, axes, true));
    return call.out(powers / sum(powers, axes, true));
  }
  return call.out(softmax(x, call.axis(axes.empty() ? -1 : axes[0], x.rank())));
}

bool emit_prelu(KerasCall& call) {
  const Tensor x = call.in();
  call.require(x.rank() >= 2, "an operand with a batch");
  Shape sizes;
  for (std::int64_t i = 1; i < x.rank(); ++i) sizes.push_back(x.dim(i));
  for (const std::int64_t axis : call.list({"shared_axes"}))
    sizes.set_dim(call.axis(axis, x.rank()) - 1, 1);
  const Tensor slope = call.weight("alpha", sizes);
  const bool is_by_channel = x.rank() >= 3 && numel(sizes) == sizes.back();
  if (numel(sizes) == 1 || x.rank() == 2) return call.out(prelu(x, reshape(slope, {-1})));
  if (is_by_channel) return call.out_planar(prelu(call.planar_in(0), reshape(slope, {-1})));
  return call.out(where(binary(gt_op, x, 0.0), x, x * slope));
}

/// Steps of that value are zero after it.
bool emit_masking(KerasCall& call) {
  const Tensor x = call.in();
  call.require(x.rank() >= 2, "a sequence");
  const Tensor differs = binary(ne_op, x, call.real({"mask_value"}, 0));
  const Tensor keeps = to(reduce(any_op, differs, {x.rank() - 1}, true), x.dtype());
  call.reader().note("masked steps of sequences are counted");
  return call.out(x * keeps);
}

bool pass_on(KerasCall& call) {
  for (std::size_t i = 0; i < std::max<std::size_t>(call.input_count(), 1); ++i)
    call.out_handle(call.handle(i));
  return true;
}

/// Dropout, noise and augmentation, whose settings say nothing of inference.
bool emit_idle(KerasCall& call) {
  call.reader().count_idle(call.class_name());
  if (call.application().layer.config->IsObject())
    for (const auto& member : call.application().layer.config->GetObject())
      call.option({view_of(member.name)});
  return pass_on(call);
}

bool emit_rescaling(KerasCall& call) {
  std::int64_t channels = -1;
  const Tensor x = operand_at_hand(call, channels);
  const Tensor scaled = x * call.real({"scale"}, 1);
  const Json* offset = call.option({"offset"});
  const bool has_none = offset == nullptr || (offset->IsNumber() && offset->GetDouble() == 0);
  return out_as_at_hand(call, has_none ? scaled : scaled + call.real({"offset"}, 1), channels);
}

/// A picture of another size, by a filter or by cutting.
bool emit_resized(KerasCall& call) {
  const std::int64_t height = call.integer({"height"}, 0);
  const std::int64_t width = call.integer({"width"}, 0);
  call.require(height >= 1 && width >= 1, "a height and a width");
  const bool is_last = call.is_channels_last();
  Shape sizes = call.in().shape();
  call.require(sizes.rank() == 3 || sizes.rank() == 4, "an image");
  const std::int64_t first = is_last ? sizes.rank() - 3 : sizes.rank() - 2;
  sizes.set_dim(first, height);
  sizes.set_dim(first + 1, width);
  const std::string_view kind = call.text({"interpolation"}, "bilinear");
  if (call.row().number == 0 || sizes.rank() == 3) return call.out_moved(sizes);
  const Tensor x = call.image(2);
  const Spatial wanted{height, width};
  return call.out_image(kind == "nearest"    ? upsample_nearest(x, wanted)
                        : kind == "bilinear" ? upsample_linear(x, wanted)
                                             : upsample_bicubic(x, wanted));
}

/// Tables and buckets: named, with their sizes and without a figure.
bool emit_lookup(KerasCall& call) {
  Shape sizes = call.reader().last(call.handle(0)).shape();
  const std::string_view mode = call.text({"output_mode"}, "int");
  std::int64_t width = call.integer({"num_tokens", "max_tokens", "num_bins"}, 0);
  const Json* vocabulary = call.option({"vocabulary"});
  if (width == 0 && vocabulary != nullptr && vocabulary->IsArray())
    width = static_cast<std::int64_t>(vocabulary->Size()) + call.integer({"num_oov_indices"}, 1);
  const Json* bins = call.option({"bin_boundaries"});
  if (bins != nullptr && bins->IsArray()) width = static_cast<std::int64_t>(bins->Size()) + 1;
  const bool is_text = call.class_name() == "TextVectorization";
  const bool is_encoding = call.class_name() == "CategoryEncoding";
  std::int64_t length = call.integer({"output_sequence_length"}, 0);
  bool is_open = false;
  if (is_text && mode == "int") {
    is_open = length <= 0;
    if (sizes.rank() >= 2 && sizes.back() == 1) sizes.erase(sizes.size() - 1);
    sizes.push_back(is_open ? 1 : length);
  } else if (is_encoding || mode != "int") {
    is_open = width <= 0;
    const bool joins = mode != "one_hot" || (sizes.rank() >= 1 && sizes.back() == 1);
    if (joins && sizes.rank() >= 2) sizes.erase(sizes.size() - 1);
    sizes.push_back(is_open ? 1 : width);
  }
  std::vector<ValueId> inputs;
  for (std::size_t i = 0; i < call.input_count(); ++i)
    inputs.push_back(call.reader().last(call.handle(i)).id);
  const bool is_real = is_encoding || mode != "int";
  const auto* attrs =
      call.graph().keep(UnknownAttrs{"keras", call.graph().arena().copy(call.class_name())});
  const OutputType outputs[] = {{sizes, is_real ? DType::float32 : DType::int64}};
  const NodeId node = call.graph().append_declared(unknown_op, attrs, inputs, outputs);
  const ValueId id = call.graph().nodes()[node].first_output;
  if (is_open) call.graph().mark_assumed(id, UnknownSizes{1} << (sizes.size() - 1));
  return call.out({&call.graph(), id});
}

constexpr std::string_view lookup_unread =
    "standardize split ngrams pad_to_max_tokens idf_weights vocabulary_size encoding output_mode "
    "invert oov_token mask_token mask_value vocabulary_dtype salt epsilon max_tokens num_bins "
    "vocabulary num_oov_indices has_input_vocabulary bin_boundaries output_sequence_length "
    "num_tokens";

constexpr KerasOperator elementwise_rows[] = {
    {"Activation", emit_activation},
    {"QActivation", emit_activation, 0, nullptr, "threshold"},
    {"ReLU", emit_relu},
    {"ThresholdedReLU", emit_thresholded_relu},
    {"LeakyReLU", emit_leaky_relu},
    {"ELU", emit_elu},
    {"Softmax", emit_softmax},
    {"PReLU", emit_prelu},
    {"ParametricSoftplus", emit_prelu},
    {"Masking", emit_masking},
    {"Identity", pass_on},
    {"ActivityRegularization", pass_on, 0, nullptr, "l1 l2"},
    {"Dropout", emit_idle},
    {"SpatialDropout1D", emit_idle},
    {"SpatialDropout2D", emit_idle},
    {"SpatialDropout3D", emit_idle},
    {"AlphaDropout", emit_idle},
    {"GaussianDropout", emit_idle},
    {"GaussianNoise", emit_idle},
    {"AugMix", emit_idle},
    {"AutoContrast", emit_idle},
    {"CutMix", emit_idle},
    {"Equalization", emit_idle},
    {"MixUp", emit_idle},
    {"RandAugment", emit_idle},
    {"RandomBrightness", emit_idle},
    {"RandomColorDegeneration", emit_idle},
    {"RandomColorJitter", emit_idle},
    {"RandomContrast", emit_idle},
    {"RandomElasticTransform", emit_idle},
    {"RandomErasing", emit_idle},
    {"RandomFlip", emit_idle},
    {"RandomGaussianBlur", emit_idle},
    {"RandomGrayscale", emit_idle},
    {"RandomHeight", emit_idle},
    {"RandomHue", emit_idle},
    {"RandomInvert", emit_idle},
    {"RandomPerspective", emit_idle},
    {"RandomPosterization", emit_idle},
    {"RandomRotation", emit_idle},
    {"RandomSaturation", emit_idle},
    {"RandomSharpness", emit_idle},
    {"RandomShear", emit_idle},
    {"RandomTranslation", emit_idle},
    {"RandomWidth", emit_idle},
    {"RandomZoom", emit_idle},
    {"Solarization", emit_idle},
    {"Rescaling", emit_rescaling},
    {"Resizing", emit_resized, 1, nullptr,
     "crop_to_aspect_ratio pad_to_aspect_ratio fill_mode fill_value antialias"},
    {"CenterCrop", emit_resized},
    {"RandomCrop", emit_resized},
    {"TextVectorization", emit_lookup, 0, nullptr, lookup_unread},
    {"StringLookup", emit_lookup, 0, nullptr, lookup_unread},
    {"IntegerLookup", emit_lookup, 0, nullptr, lookup_unread},
    {"CategoryEncoding", emit_lookup, 0, nullptr, lookup_unread},
    {"Hashing", emit_lookup, 0, nullptr, lookup_unread},
    {"Discretization", emit_lookup, 0, nullptr, lookup_unread},
};

}  // namespace

extern constinit const KerasOperators keras_elementwise_operators = {elementwise_rows};

}  // namespace zoometer
