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

/// What a model is for. The names are torchvision's.
enum class Task : std::uint8_t {
  classification,  ///< images to classes
  segmentation,    ///< images to a class for each pixel
  detection,       ///< images to boxes, masks or keypoints
  video,           ///< clips to classes
  optical_flow,    ///< two images to the motion between them
  quantization,    ///< images to classes, with an int8 twin
  other,           ///< what its author did not say
};
/// The task's name as lists and `--task` have it.
std::string_view name_of(Task task) noexcept;

/// A named input with its default shape.
struct InputSpec {
  std::string_view name;         ///< "x"
  Shape shape;                   ///< the default size of each dimension
  DType dtype = DType::float32;  ///< of its elements
};

/// The default inputs of a model: at most two tensors.
struct InputSpecs {
  std::array<InputSpec, 2> items;  ///< the first `count` are meant
  std::size_t count = 0;           ///< how many there are
  /// The inputs that there are.
  constexpr std::span<const InputSpec> list() const noexcept { return {items.data(), count}; }
};

/// One image: "x" of shape (1, 3, size, size).
constexpr InputSpecs image(std::int64_t size) {
  return {{{{"x", Shape{1, 3, size, size}}, {}}}, 1};
}
/// One clip: "x" of shape (1, 3, frames, size, size).
constexpr InputSpecs clip(std::int64_t frames, std::int64_t size) {
  return {{{{"x", Shape{1, 3, frames, size, size}}, {}}}, 1};
}

struct Model;

/// What a model's function sees while it builds: the graph, the options and the inputs.
class Trace {
 public:
  /// Of one model into a graph. All three must outlive it. Throws Error for inputs that the model
  /// does not have.
  Trace(Graph& graph, const Model& model, const TraceOptions& options);

  /// The graph that is built.
  Graph& graph() noexcept { return graph_; }
  /// The row that is built, for a function that builds several.
  const Model& model() const noexcept { return model_; }
  /// What the user asked for.
  const TraceOptions& options() const noexcept { return options_; }
  /// Whether to build what the published weights have, not what `weights=None` gives.
  bool published() const noexcept { return options_.variant == Variant::published; }
  /// Where the outermost module goes.
  Slot root() noexcept { return root_slot(graph_); }

  /// The shape that an input will have: for models whose structure depends on it.
  const Shape& input_shape(std::size_t index = 0) const noexcept { return shapes_[index]; }
  /// Adds the input to the graph.
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

  Graph& graph_;
  const Model& model_;
  const TraceOptions& options_;
  std::array<Shape, 2> shapes_;
};

/// One row of the zoo.
struct Model {
  std::string_view name;    ///< torchvision's
  InputSpecs input;         ///< the input that the published figures were counted at
  std::int64_t parameters;  ///< of the published variant
  std::int64_t macs;        ///< of the published variant at the default input
  /// Builds the model and calls it.
  void (*build)(Trace& trace);
  std::optional<InputSpecs> untrained_input = std::nullopt;  ///< where the builder assumes another
};

/// The models of one architecture.
struct Family {
  std::string_view name;             ///< "ResNet"
  std::string_view paper;            ///< authors, title, year
  Task task = Task::classification;  ///< what they are for
  std::span<const Model> models;     ///< its rows
  std::string_view group = {};  ///< "MobileNet" for MobileNetV2: where lists count it, if elsewhere
};

/// Every family, by object name.
std::span<const Family* const> families() noexcept;

/// The default inputs of a model in a variant.
const InputSpecs& default_inputs(const Model& model, Variant variant) noexcept;

/// Traces a model into `graph` (emptied first) and verifies the result. Throws Error.
void trace(const Model& model, const TraceOptions& options, Graph& graph);

}  // namespace zoometer
