#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zoometer/ir/graph.hpp"
#include "zoometer/models/trace_options.hpp"
#include "zoometer/nn/module.hpp"

namespace zoometer {

/// What a model is for. The names of vision tasks are torchvision's.
enum class Task : std::uint8_t {
  classification,  ///< images to classes
  segmentation,    ///< images to a class for each pixel
  detection,       ///< images to boxes, masks or keypoints
  video,           ///< clips to classes
  optical_flow,    ///< two images to the motion between them
  quantization,    ///< images to classes, with an int8 version
  text,            ///< tokens to tokens, or to features of a text
  audio,           ///< sound to classes or to features
  speech,          ///< speech to text, or text to speech
  multimodal,      ///< several kinds of input, such as text and images
  other,           ///< the author did not say
};
/// Every task, in the order of the enumeration.
std::span<const Task> all_tasks() noexcept;
/// The task's name in lists and documents.
std::string_view name_of(Task task) noexcept;
/// The task of that name.
std::optional<Task> task_from_name(std::string_view name) noexcept;

/// A named input with its default shape.
struct InputSpec {
  std::string_view name;         ///< "x"
  Shape shape;                   ///< the default size of each dimension
  DType dtype = DType::float32;  ///< of its elements
};

/// The default inputs of a model: a single one, or an array of any length:
///
///     constexpr InputSpec inputs[] = {{"input_ids", {1, 128}, DType::int64},
///                                     {"attention_mask", {1, 128}, DType::int64}};
///
/// An array is not copied and must outlive this object and its copies.
class InputSpecs {
 public:
  /// No inputs.
  constexpr InputSpecs() = default;
  /// A single input, which is copied.
  constexpr InputSpecs(const InputSpec& single)  // NOLINT: an input is a list of one
      : single_(single),
        count_(1) {}
  /// The inputs of an array.
  constexpr InputSpecs(std::span<const InputSpec> many)  // NOLINT: an array is a list
      : many_(many.data()),
        count_(many.size()) {}
  /// The same of a named array.
  template <std::size_t n>
  constexpr InputSpecs(const InputSpec (&many)[n])  // NOLINT: an array is a list
      : InputSpecs(std::span<const InputSpec>(many)) {}
  /// A temporary array would not live long enough.
  template <std::size_t n>
  InputSpecs(const InputSpec (&&many)[n]) = delete;

  /// The inputs, in the order in which the model takes them.
  constexpr std::span<const InputSpec> list() const noexcept {
    return {many_ != nullptr ? many_ : &single_, count_};
  }

 private:
  InputSpec single_;
  const InputSpec* many_ = nullptr;
  std::size_t count_ = 0;
};

/// One image: "x" of shape (1, 3, size, size).
constexpr InputSpecs image(std::int64_t size) { return InputSpec{"x", {1, 3, size, size}}; }
/// One clip: "x" of shape (1, 3, frames, size, size).
constexpr InputSpecs clip(std::int64_t frames, std::int64_t size) {
  return InputSpec{"x", {1, 3, frames, size, size}};
}

struct Model;

/// What a model's function uses to build the model: the graph, the options and the inputs.
class Trace {
 public:
  /// A trace of one model into a graph. All three arguments must outlive it. Throws Error for
  /// inputs that the model does not have.
  Trace(Graph& graph, const Model& model, const TraceOptions& options);

  /// The graph that the model is built in.
  Graph& graph() noexcept { return graph_; }
  /// The row of the model, for a function that builds several.
  const Model& model() const noexcept { return model_; }
  /// What the user asked for.
  const TraceOptions& options() const noexcept { return options_; }
  /// Whether to build the structure of the published weights, not that of `weights=None`.
  bool published() const noexcept { return options_.variant == Variant::published; }
  /// The place of the outermost module.
  Slot root() noexcept { return root_slot(graph_); }

  /// The shape of an input: for models whose structure depends on it.
  const Shape& input_shape(std::size_t index = 0) const noexcept { return shapes_[index]; }
  /// Adds an input to the graph.
  Tensor input(std::size_t index = 0);

  /// Adds an output; a model with several names them ("out", "aux", "0.boxes").
  void output(Tensor tensor, std::string_view name = "output");

  /// Builds `Net{root, args...}`, calls it with the first input and keeps the output: what most
  /// models need.
  template <class Net, class... Args>
  void run(Args&&... args) {
    const Net net{root(), std::forward<Args>(args)...};
    output(net(input()));
  }

 private:
  void set_shape(std::size_t index, const Shape& shape);
  void take_shapes();
  std::size_t find_input(std::string_view name) const;
  void set_batch(std::int64_t batch);

  Graph& graph_;
  const Model& model_;
  const TraceOptions& options_;
  std::vector<Shape> shapes_;
};

/// One row of the zoo.
struct Model {
  std::string_view name;    ///< torchvision's, for torchvision's models
  InputSpecs inputs;        ///< the inputs that the published metrics were counted at
  std::int64_t parameters;  ///< of the published variant
  std::int64_t macs;        ///< of the published variant at the default inputs
  /// Builds the model and calls it.
  void (*build)(Trace& trace);
  /// The inputs of the untrained variant, where they are others.
  std::optional<InputSpecs> untrained_inputs = std::nullopt;
  /// Whether `build` itself makes the int8 graph that TraceOptions::quantize asks for; otherwise
  /// the float graph is converted.
  bool builds_int8 = false;
};

/// The models of one architecture.
struct Family {
  std::string_view name;             ///< "ResNet"
  std::string_view paper;            ///< authors, title, year
  Task task = Task::classification;  ///< what they are for
  std::span<const Model> models;     ///< its rows
  std::string_view group = {};       ///< "MobileNet" for MobileNetV2: lists show it, if given
};

/// Every family, by object name.
std::span<const Family* const> families() noexcept;

/// The default inputs of a model in a variant.
const InputSpecs& default_inputs(const Model& model, Variant variant) noexcept;

/// Traces a model into `graph` (emptied first) and verifies the result. Throws Error.
void trace(const Model& model, const TraceOptions& options, Graph& graph);

}  // namespace zoometer
