#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zoometer/ir/dtype.hpp"
#include "zoometer/ir/shape.hpp"

namespace zoometer {

/// Which structure to build: the one of the published weights, or the one of `weights=None`.
/// They differ where training needs auxiliary heads or other normalisation layers.
enum class Variant : std::uint8_t {
  published,  ///< the one of the published weights
  untrained,  ///< the one of `weights=None`
};
/// "published" or "untrained".
std::string_view name_of(Variant variant) noexcept;

/// The shape of an input.
struct InputShape {
  std::string name;                 ///< empty: by position
  Shape shape;                      ///< the size of each dimension
  std::optional<DType> dtype = {};  ///< none: what `TraceOptions::dtypes` or the model says
};

/// The element type of an input.
struct InputType {
  std::string name;              ///< empty: by position
  DType dtype = DType::float32;  ///< of its elements
};

/// The value of a symbolic size.
struct NamedSize {
  std::string name;       ///< "batch"
  std::int64_t size = 1;  ///< its value
};

/// The axis of an input.
struct InputAxis {
  std::string name;       ///< of the input
  std::int64_t axis = 0;  ///< negative: counted from the end
};

/// The elements of a tensor of a file, which the user gives.
struct NamedValue {
  std::string name;                  ///< "sr"
  std::vector<long double> numbers;  ///< one stands for all elements; truth values are 0 and 1
};

/// How a model or a file becomes a graph.
struct TraceOptions {
  Variant variant = Variant::published;         ///< built-in models: which structure
  std::vector<InputShape> inputs = {};          ///< empty: what the model or the file declares
  std::vector<InputType> dtypes = {};           ///< of inputs; empty: what the model declares
  std::optional<std::int64_t> batch = {};       ///< the size of the inputs' batch (docs/files.md)
  std::vector<InputAxis> batch_axes = {};       ///< for `batch`: the axes that are the batch
  std::optional<std::int64_t> proposals = {};   ///< detectors: the real number, not its bound
  std::optional<std::int64_t> detections = {};  ///< detectors: the real number, not its bound
  bool quantize = false;                        ///< quantized models: the int8 graph
  std::vector<NamedSize> dims = {};             ///< files: the values of symbolic sizes
  std::string entry = {};                       ///< files: which of several models to read
  std::vector<NamedSize> trips = {};            ///< files: how often loops run
  std::vector<NamedValue> values = {};          ///< files: the elements of inputs and constants
  // Language models: what passes, and how products are counted (docs/language_models.md). Texts are
  // words of the command line; empty ones mean the default.
  std::optional<std::int64_t> tokens = {};          ///< of each sequence, that pass now: 128
  std::optional<std::int64_t> past = {};            ///< of each sequence, that passed before: 0
  std::optional<std::int64_t> context = {};         ///< with `decode`: past + 1
  std::optional<std::int64_t> encoder_tokens = {};  ///< of the encoder's sequence
  bool decode = false;                              ///< one token, the last of `context`
  std::string logits = {};                          ///< "last" (the default) or "all"
  std::string attention = {};                       ///< "whole" (the default) or "causal"
  std::string mla = {};                             ///< "absorbed", "expanded" or "re-expanded"
};

}  // namespace zoometer
