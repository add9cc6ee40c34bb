#include "registry/verification.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "analysis/profile.hpp"
#include "registry/zoo.hpp"

namespace zoometer {
namespace {

struct Exception {
  std::string_view weights;
  std::string_view reason;
};

// The published figures were counted while the trained weights ran on one image, in which they
// found almost nothing, so the heads processed fewer boxes than configured. With the number in each
// reason, the figures are equal; the unit test of the detectors checks this.
constexpr std::string_view no_proposals =
    "depends on trained weights: counted where they proposed nothing, equal with --proposals 0";
constexpr std::string_view no_detections =
    "depends on trained weights: counted where they detected nothing, equal with --detections 0";
constexpr std::string_view one_detection =
    "depends on trained weights: counted where they detected one box, equal with --detections 1";
constexpr std::array<Exception, 5> macs_exceptions = {{
    {"FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1", no_proposals},
    {"FasterRCNN_MobileNet_V3_Large_FPN_Weights.COCO_V1", no_proposals},
    {"KeypointRCNN_ResNet50_FPN_Weights.COCO_LEGACY", no_detections},
    {"KeypointRCNN_ResNet50_FPN_Weights.COCO_V1", one_detection},
    {"MaskRCNN_ResNet50_FPN_Weights.COCO_V1", no_detections},
}};

std::string_view exception_for(std::string_view weights) {
  for (const Exception& exception : macs_exceptions) {
    if (exception.weights == weights) return exception.reason;
  }
  return {};
}

/// The figures of one traced structure.
struct Counted {
  ModelSize size;
  std::int64_t state_bytes = 0;
  std::int64_t quantizer_bytes = 0;  ///< a float64 scale and an int64 zero point per channel
  std::size_t entries = 0;
};

Counted count(const PublishedMetrics& published, Variant variant, bool quantize) {
  const ZooEntry entry = find_in_zoo(published.model);
  if (entry.model == nullptr) throw Error(ErrorCode::unknown_name, "no such model");
  TraceOptions options;
  options.variant = variant;
  options.quantize = quantize;
  for (std::size_t i = 0; i < entry.model->inputs.list().size(); ++i)
    options.inputs.push_back({"", published.input});
  Graph graph;
  trace(*entry.model, options, graph);
  Counted counted;
  counted.size = size_of(graph);
  for (const Parameter& parameter : graph.parameters()) {
    if (!is_in_state_dict(parameter.kind) || parameter.shared_with != no_id) continue;
    counted.state_bytes += graph.bytes(parameter.value);
    const bool per_channel =
        bits_of(graph.value(parameter.value).dtype) == 8 && graph.shape(parameter.value).rank() > 1;
    if (per_channel) counted.quantizer_bytes += 16 * graph.shape(parameter.value).dim(0);
    ++counted.entries;
  }
  return counted;
}

bool is_quantized(const PublishedMetrics& published) {
  return published.model.starts_with("quantized_");
}

Comparison compare_parameters(const PublishedMetrics& published, const Counted& ours) {
  Comparison result{
      static_cast<double>(published.parameters), static_cast<double>(ours.size.parameters), {}, {}};
  if (published.parameters == ours.size.parameters) return result;
  result.verdict = Verdict::differs;
  if (!is_quantized(published)) return result;
  // The metadata of quantized weights repeats that of the float model, including its auxiliary
  // head.
  const Counted untrained = count(published, Variant::untrained, false);
  if (untrained.size.parameters != published.parameters) return result;
  result.ours = static_cast<double>(untrained.size.parameters);
  result.verdict = Verdict::agrees;
  result.reason = "counted with the auxiliary head that these weights lack";
  return result;
}

Comparison compare_macs(const PublishedMetrics& published, const Counted& ours) {
  const double giga = static_cast<double>(ours.size.macs) / 1e9;
  Comparison result{published.giga_macs, giga, {}, {}};
  constexpr double half_of_last_digit = 0.0005 + 1e-9;
  if (std::abs(giga - published.giga_macs) <= half_of_last_digit) return result;
  const std::string_view reason = exception_for(published.weights);
  result.verdict = reason.empty() ? Verdict::differs : Verdict::excepted;
  result.reason = reason;
  return result;
}

/// A possible content of a file: tensors, and bytes that are not in the state dict.
struct Content {
  std::string_view reason;
  double bytes = 0;
  double most_more = 0;  ///< the most bytes beside the tensors
  std::size_t entries = 0;
};

/// A file adds, for each tensor, its name, its record in a pickle and its alignment.
bool explains(double file_bytes, const Content& content) {
  constexpr double per_entry = 1024;  // older archives spell out a long folder for each
  constexpr double archive = 8192;
  constexpr double rounding = 0.0005 * 1048576;  // _file_size has three decimals
  const double added = file_bytes - content.bytes;
  return added >= -rounding &&
         added <= archive + content.most_more + per_entry * static_cast<double>(content.entries);
}

Content whole(std::string_view reason, const Counted& counted) {
  return {reason, static_cast<double>(counted.state_bytes), 0, counted.entries};
}

/// The int8 tensors; older archives have smaller scales and zero points.
Content quantized(std::string_view reason, const Counted& counted) {
  Content content = whole(reason, counted);
  content.most_more = static_cast<double>(counted.quantizer_bytes);
  return content;
}

/// Float tensors saved before conversion, each with the ranges, scales and switches of an observer.
Content observed(std::string_view reason, const Counted& floats, const Counted& int8) {
  Content content = whole(reason, floats);
  content.most_more =
      2 * static_cast<double>(int8.quantizer_bytes) + 2048.0 * static_cast<double>(floats.entries);
  return content;
}

std::vector<Content> possible_contents(const PublishedMetrics& published, const Counted& ours) {
  const Counted untrained = count(published, Variant::untrained, false);
  if (!is_quantized(published)) {
    Content half = whole("the file holds float16", ours);
    half.bytes /= 2;
    return {whole({}, ours), half, whole("the file holds the auxiliary heads, too", untrained)};
  }
  const Counted int8 = count(published, Variant::published, true);
  return {
      whole({}, int8), quantized("with the scales and zero points of int8 weights", int8),
      quantized("the file holds the auxiliary heads, too",
                count(published, Variant::untrained, true)),
      observed("the file holds float weights with observers, converted on loading", ours, int8)};
}

Comparison compare_file(const PublishedMetrics& published, const Counted& ours) {
  Comparison result{
      published.file_mebibytes * 1048576, static_cast<double>(ours.state_bytes), {}, {}};
  for (const Content& content : possible_contents(published, ours)) {
    if (!explains(result.published, content)) continue;
    result.ours = content.bytes;
    result.reason = content.reason;
    return result;
  }
  result.verdict = Verdict::differs;
  result.reason = "the file's size is not that of the tensors";
  return result;
}

}  // namespace

std::string_view name_of(Verdict verdict) noexcept {
  switch (verdict) {
  case Verdict::agrees: return "agrees";
  case Verdict::excepted: return "excepted";
  case Verdict::differs: return "differs";
  }
  return "differs";
}

Verdict Verification::verdict() const noexcept {
  if (!error.empty()) return Verdict::differs;
  return std::max({parameters.verdict, giga_macs.verdict, file_bytes.verdict});
}

Verification verify_published(const PublishedMetrics& published) {
  Verification result;
  result.published = &published;
  try {
    const Counted ours = count(published, Variant::published, false);
    result.parameters = compare_parameters(published, ours);
    result.giga_macs = compare_macs(published, ours);
    result.file_bytes = compare_file(published, ours);
  } catch (const Error& error) {
    result.error = error.what();
  }
  return result;
}

}  // namespace zoometer
