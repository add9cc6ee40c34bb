#include "zoometer/models/model.hpp"

#include "ir/verify.hpp"
#include "models/batch.hpp"
#include "models/image_shape.hpp"
#include "models/input_dtype.hpp"
#include "nn/int8.hpp"

namespace zoometer {

namespace {

constexpr Task tasks[] = {Task::classification, Task::segmentation, Task::detection, Task::video,
                          Task::optical_flow,   Task::quantization, Task::text,      Task::audio,
                          Task::speech,         Task::multimodal,   Task::other};

}  // namespace

std::span<const Task> all_tasks() noexcept { return tasks; }

std::optional<Task> task_from_name(std::string_view name) noexcept {
  for (const Task task : tasks) {
    if (name_of(task) == name) return task;
  }
  return std::nullopt;
}

std::string_view name_of(Task task) noexcept {
  switch (task) {
  case Task::classification: return "classification";
  case Task::segmentation: return "segmentation";
  case Task::detection: return "detection";
  case Task::video: return "video";
  case Task::optical_flow: return "optical_flow";
  case Task::quantization: return "quantization";
  case Task::text: return "text";
  case Task::audio: return "audio";
  case Task::speech: return "speech";
  case Task::multimodal: return "multimodal";
  case Task::other: return "other";
  }
  return "other";
}

std::string_view name_of(Variant variant) noexcept {
  return variant == Variant::published ? "published" : "untrained";
}

const InputSpecs& default_inputs(const Model& model, Variant variant) noexcept {
  return variant == Variant::untrained && model.untrained_inputs ? *model.untrained_inputs
                                                                 : model.inputs;
}

Trace::Trace(Graph& graph, const Model& model, const TraceOptions& options)
    : graph_(graph),
      model_(model),
      options_(options) {
  take_shapes();
}

void Trace::take_shapes() {
  const auto specs = default_inputs(model_, options_.variant).list();
  shapes_.reserve(specs.size());
  for (const InputSpec& spec : specs) shapes_.push_back(spec.shape);

  if (options_.inputs.size() > specs.size()) {
    throw Error(
        ErrorCode::usage, "too many input shapes",
        {std::to_string(specs.size()) + " for this model", std::to_string(options_.inputs.size())});
  }
  for (std::size_t i = 0; i < options_.inputs.size(); ++i) {
    const InputShape& given = options_.inputs[i];
    set_shape(given.name.empty() ? i : find_input(given.name), given.shape);
  }
  if (options_.batch) set_batch(*options_.batch);
}

std::size_t Trace::find_input(std::string_view name) const {
  const auto specs = default_inputs(model_, options_.variant).list();
  std::string names;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].name == name) return i;
    names.append(names.empty() ? "" : ", ").append(specs[i].name);
  }
  throw Error(ErrorCode::usage, "no such input", {names, std::string(name)});
}

void Trace::set_batch(std::int64_t batch) {
  const auto specs = default_inputs(model_, options_.variant).list();
  std::vector<BatchInput> inputs;
  for (std::size_t i = 0; i < shapes_.size(); ++i)
    inputs.push_back({std::string(specs[i].name), shapes_[i]});
  const BatchAxes axes = find_batch(inputs, options_);
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    if (!axes[i]) continue;
    Shape shape = shapes_[i];
    shape[*axes[i]] = batch;
    set_shape(i, shape);
  }
}

void Trace::set_shape(std::size_t index, const Shape& given) {
  const InputSpec& spec = default_inputs(model_, options_.variant).list()[index];
  const Shape& standard = spec.shape;
  Shape shape = given;
  complete_image(shape, standard);
  if (shape.rank() != standard.rank()) {
    throw Error(ErrorCode::shape, "the input shape does not fit the model",
                {std::to_string(standard.rank()) + " sizes like " + to_short_string(standard),
                 std::to_string(shape.rank()) + ": " + to_short_string(shape)});
  }
  for (const std::int64_t size : shape) {
    if (size < 1) {
      throw Error(ErrorCode::shape, "the input shape does not fit the model",
                  {"sizes of at least 1", to_short_string(shape)});
    }
  }
  numel(shape);  // throws where the product is too large
  shapes_[index] = shape;
}

Tensor Trace::input(std::size_t index) {
  const InputSpec& spec = default_inputs(model_, options_.variant).list()[index];
  return {&graph_, graph_.add_input(spec.name, shapes_[index], spec.dtype)};
}

void Trace::output(Tensor tensor, std::string_view name) { graph_.add_output(name, tensor.id); }

namespace {

void build(const Model& model, const TraceOptions& options, Graph& graph) {
  Trace context(graph, model, options);
  model.build(context);
}

}  // namespace

void trace(const Model& model, const TraceOptions& options, Graph& graph) {
  graph.clear();
  try {
    if (options.quantize && !model.builds_int8) {
      Graph float_graph;
      build(model, options, float_graph);
      convert_to_int8(float_graph, graph);
    } else {
      build(model, options, graph);
    }
    verify(graph);
    check_dtypes(
        options, graph,
        "built-in models take these; --dtype counts bytes as if all were stored in another");
  } catch (Error& error) {
    if (error.place.model.empty()) error.place.model = model.name;
    throw;
  }
}

}  // namespace zoometer
