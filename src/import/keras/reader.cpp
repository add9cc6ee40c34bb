// A Keras configuration as a graph: models, layers, their calls and their weights.
#include "import/keras/reader.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "import/keras/call.hpp"
#include "op/mobile.hpp"
#include "op/unknown.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::size_t deepest_layer = 48;
constexpr std::size_t most_keras_notes = 50;
constexpr std::size_t most_results = 255;  // of an unknown layer

/// Channels last to channels first: (N, spatial..., C) -> (N, C, spatial...).
Ints channels_first(std::int64_t rank) {
  Ints dims{0, rank - 1};
  for (std::int64_t i = 1; i + 1 < rank; ++i) dims.push_back(i);
  return dims;
}

/// And back.
Ints channels_last(std::int64_t rank) {
  Ints dims{0};
  for (std::int64_t i = 2; i < rank; ++i) dims.push_back(i);
  dims.push_back(1);
  return dims;
}

std::string shown(std::string_view name) { return escape_controls(to_utf8(name.substr(0, 100))); }

/// Sizes with null where the file does not know them, as 1 and a bit.
bool read_sizes(const Json& json, Shape& shape, UnknownSizes& unknown) {
  if (!json.IsArray() || json.Size() > most_dimensions) return false;
  constexpr std::int64_t most = std::int64_t{1} << 40;
  for (const Json& size : json.GetArray()) {
    const bool is_known = size.IsInt64() && size.GetInt64() >= 0;
    if (is_known && size.GetInt64() > most) {
      throw Error(ErrorCode::malformed, "a size of a tensor",
                  {"a number below 2^40", std::to_string(size.GetInt64())});
    }
    if (!is_known) unknown |= UnknownSizes{1} << shape.size();
    shape.push_back(is_known ? size.GetInt64() : 1);
  }
  return true;
}

bool is_input_layer(const KerasLayer& layer) { return layer.class_name == "InputLayer"; }

}  // namespace

KerasReader::KerasReader(const MappedFile& file, const TraceOptions& options, Graph& graph,
                         ImportNotes& notes)
    : options_(options),
      graph_(graph),
      notes_(notes),
      file_(file),
      sizes_(options, notes),
      calls_left_(16'384 + file_.size() / 8),
      units_left_((std::size_t{1} << 20) + 64 * file_.size()) {}

void KerasReader::note(std::string text) {
  if (seen_notes_.size() < most_keras_notes && seen_notes_.insert(text).second)
    notes_.notes.push_back(std::move(text));
}

void KerasReader::spend(std::size_t units) {
  if (units > units_left_)
    throw Error(ErrorCode::limit, "the layers have too many settings for a file of this size");
  units_left_ -= units;
}

void KerasReader::read() {
  notes_.format =
      fmt::format("Keras {}, {}", file_.version().empty() ? "(no version)" : file_.version(),
                  file_.container());
  const KerasLayer& root = inner(file_.root());
  if (!is_keras_model(root)) {
    Error error(ErrorCode::unsupported,
                fmt::format("the model {} is a class of its own (or a layer), and the file has no "
                            "graph of it",
                            shown(root.class_name)));
    error.hint = "export it to ONNX with model.export(), or save a functional model";
    throw error;
  }
  graph_.add_module(no_id, {}, graph_.arena().copy(to_utf8(root.class_name)));
  const std::uint32_t call = graph_.begin_call(0);
  std::vector<KerasHandle> inputs;
  const Json* layers = root.config->IsArray() ? root.config : find_member(*root.config, "layers");
  const bool has_ports =
      root.config->IsObject() && find_member(*root.config, "input_layers") != nullptr;
  if (layers == nullptr || !layers->IsArray()) throw_unexpected("layers", "a list");
  std::vector<KerasHandle> results;
  if (has_ports) {
    const KerasPlan& plan = plan_of(root);
    for (const KerasSource& source : plan.inputs()) {
      const KerasLayer& layer = plan.layers()[source.layer];
      inputs.push_back(add_input(&layer, input_of(layer)));
    }
    sizes_.finish(graph_);
    results = run_functional(root, inputs);
  } else {
    const KerasLayer* first = first_layer(root);
    DeclaredInput input = first != nullptr ? input_of(*first) : DeclaredInput{};
    if (first == nullptr) input.has_rank = false;
    for (const auto& [owner, name] :
         {std::pair(root.config, "build_input_shape"),
          std::pair(find_member(*root.json, "build_config"), "input_shape")}) {
      const Json* sizes = owner != nullptr ? find_member(*owner, name) : nullptr;
      if (!input.has_rank && sizes != nullptr)
        input.has_rank = read_sizes(*sizes, input.shape, input.unknown);
    }
    if (input.name.empty()) input.name = "input";
    if (!input.has_rank && options_.inputs.empty()) {
      Error error(ErrorCode::usage, "the file does not say which sizes its input has");
      error.hint = "set them with --input-shape";
      throw error;
    }
    const KerasHandle x = add_input(first, input);
    sizes_.finish(graph_);
    results = run_sequential(root, x);
  }
  std::vector<ValueId> values;
  add_outputs(results, root);
  for (const Port& port : graph_.outputs()) values.push_back(port.value);
  graph_.end_call(call, values);
  graph_.copy_views();
  add_notes();
}

// -- inputs and outputs -------------------------------------------------------------------------

DeclaredInput KerasReader::input_of(const KerasLayer& layer) const {
  DeclaredInput input;
  input.name = layer.name;
  input.has_rank = false;
  for (const std::string_view name : {"batch_shape", "batch_input_shape"}) {
    const Json* sizes = find_member(*layer.config, name);
    if (sizes != nullptr && !input.has_rank)
      input.has_rank = read_sizes(*sizes, input.shape, input.unknown);
  }
  return input;
}

/// The layer that has the sizes of a Sequential's input, or its first one; null: there is none.
const KerasLayer* KerasReader::first_layer(const KerasLayer& model) {
  const KerasLayer* layer = &model;
  for (std::size_t depth = 0; depth < deepest_layer && is_keras_model(*layer); ++depth) {
    const Json& list =
        layer->config->IsArray() ? *layer->config : get_array(*layer->config, "layers");
    if (list.Empty()) return nullptr;
    layer = &inner(list[0]);
  }
  return is_keras_model(*layer) ? nullptr : layer;
}

KerasHandle KerasReader::add_input(const KerasLayer* layer, const DeclaredInput& input) {
  DType dtype = DType::float32;
  if (layer != nullptr) {
    // A layer without an InputLayer before it takes what it computes with.
    dtype = keras_policy(*layer->config).compute;
    if (layer->class_name == "Embedding") dtype = DType::int32;
  }
  const std::string name = names_.next(input.name);
  DeclaredInput own = input;
  own.name = name;
  const Shape shape = sizes_.next(own);
  return keep({&graph_, graph_.add_input(graph_.arena().copy(name), shape, dtype)});
}

void KerasReader::add_outputs(const std::vector<KerasHandle>& results, const KerasLayer& root) {
  names_.clear();
  const bool has_ports =
      root.config->IsObject() && find_member(*root.config, "input_layers") != nullptr;
  for (std::size_t i = 0; i < results.size(); ++i) {
    std::string_view name = "output";
    if (has_ports) {
      const KerasPlan& plan = plan_of(root);
      if (i < plan.outputs().size()) name = plan.layers()[plan.outputs()[i].layer].name;
    } else if (const Json* layers =
                   root.config->IsArray() ? root.config : find_member(*root.config, "layers");
               layers != nullptr && !layers->Empty()) {
      name = inner((*layers)[layers->Size() - 1]).name;
    }
    graph_.add_output(graph_.arena().copy(names_.next(name)), last(results[i]).id);
  }
}

// -- values -------------------------------------------------------------------------------------

KerasHandle KerasReader::keep(Tensor value) {
  values_.push_back({value.id, no_id});
  return static_cast<KerasHandle>(values_.size() - 1);
}

KerasHandle KerasReader::keep_planar(Tensor value) {
  values_.push_back({no_id, value.id});
  return static_cast<KerasHandle>(values_.size() - 1);
}

Tensor KerasReader::last(KerasHandle handle) {
  Value& value = values_[handle];
  if (value.last == no_id) {
    const Tensor x{&graph_, value.planar};
    value.last = name_axes(x, channels_last(x.rank())).id;
    named_.emplace_back(handle, false);
  }
  return {&graph_, value.last};
}

Tensor KerasReader::planar(KerasHandle handle) {
  Value& value = values_[handle];
  if (value.planar == no_id) {
    const Tensor x{&graph_, value.last};
    if (x.rank() < 3)
      throw Error(ErrorCode::shape, "an operand with channels",
                  {"rank 3 or more", to_string(x.shape())});
    value.planar = name_axes(x, channels_first(x.rank())).id;
    named_.emplace_back(handle, true);
  }
  return {&graph_, value.planar};
}

Tensor KerasReader::weight(KerasState& state, const KerasWeight& weight) {
  std::pair key{graph_.current_module(), std::string(weight.name)};
  const auto found = state.weights.find(key);
  if (found != state.weights.end()) {
    if (!(graph_.shape(found->second) == weight.shape)) {
      throw Error(ErrorCode::shape, fmt::format("the weight {} in another call", weight.name),
                  {to_string(graph_.shape(found->second)), to_string(weight.shape)});
    }
    return {&graph_, found->second};
  }
  const std::int64_t count = weight.elements >= 0 ? weight.elements : numel(weight.shape);
  const ValueId id = graph_.add_parameter(graph_.current_module(), graph_.arena().copy(weight.name),
                                          weight.shape, weight.dtype, weight.kind);
  if (!weight.is_trained) graph_.mark_detached(id);
  std::int64_t& total = weight.is_trained ? counts_.trained : counts_.others;
  if (weight.kind != ParameterKind::constant && __builtin_add_overflow(total, count, &total))
    total = INT64_MAX;
  state.weights.emplace(key, id);
  made_weights_.emplace_back(&state, std::move(key));
  return {&graph_, id};
}

KerasReader::Mark KerasReader::mark() const {
  return {graph_.mark(), graph_.current_module(), made_weights_.size(),
          named_.size(), values_.size(),          counts_};
}

void KerasReader::rewind(const Mark& mark) {
  while (made_weights_.size() > mark.weights) {
    auto& [state, key] = made_weights_.back();
    state->weights.erase(key);
    made_weights_.pop_back();
  }
  while (named_.size() > mark.named) {
    const auto [handle, is_planar] = named_.back();
    (is_planar ? values_[handle].planar : values_[handle].last) = no_id;
    named_.pop_back();
  }
  while (values_.size() > mark.values) values_.pop_back();
  counts_ = mark.counts;
  graph_.rewind(mark.graph);
  graph_.set_current_module(mark.module);
}

// -- models -------------------------------------------------------------------------------------

const KerasLayer& KerasReader::inner(const Json& json) {
  const auto found = inner_.find(&json);
  if (found != inner_.end()) return found->second;
  return inner_.emplace(&json, keras_layer(json)).first->second;
}

const KerasPlan& KerasReader::plan_of(const KerasLayer& model) {
  const auto found = plans_.find(model.json);
  if (found != plans_.end()) return found->second;
  return plans_.try_emplace(model.json, model).first->second;
}

std::vector<KerasHandle> KerasReader::run_model(const KerasLayer& model,
                                                const std::vector<KerasOperand>& operands) {
  std::vector<KerasHandle> inputs;
  for (const KerasOperand& operand : operands)
    if (operand.value != no_keras_value) inputs.push_back(operand.value);
  const bool has_ports =
      model.config->IsObject() && find_member(*model.config, "input_layers") != nullptr;
  if (has_ports) return run_functional(model, inputs);
  if (inputs.empty()) {
    throw Error(ErrorCode::malformed, "the model " + shown(model.name), {"an operand", "none"});
  }
  return run_sequential(model, inputs[0]);
}

std::vector<KerasHandle> KerasReader::run_sequential(const KerasLayer& model, KerasHandle input) {
  const Json& list = model.config->IsArray() ? *model.config : get_array(*model.config, "layers");
  std::vector<KerasHandle> results = {input};
  for (rapidjson::SizeType i = 0; i < list.Size(); ++i) {
    const KerasLayer& layer = inner(list[i]);
    if (is_input_layer(layer)) continue;
    KerasApplication application{layer, {}};
    for (const KerasHandle each : results) application.operands.push_back({each, nullptr, {}});
    if (i + 1 < list.Size()) {
      const Json* build =
          list[i + 1].IsObject() ? find_member(list[i + 1], "build_config") : nullptr;
      const Json* shape = build != nullptr ? find_member(*build, "input_shape") : nullptr;
      if (shape != nullptr) application.declared.push_back(shape);
    }
    results = apply(application);
  }
  return results;
}

std::vector<KerasHandle> KerasReader::run_functional(const KerasLayer& model,
                                                     const std::vector<KerasHandle>& inputs) {
  const KerasPlan& plan = plan_of(model);
  if (inputs.size() != plan.inputs().size()) {
    throw Error(
        ErrorCode::malformed, "the model " + shown(model.name),
        {std::to_string(plan.inputs().size()) + " operands", std::to_string(inputs.size())});
  }
  spend(plan.steps().size());
  std::vector<std::vector<std::vector<KerasHandle>>> made(plan.layers().size());
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i].resize(plan.calls(static_cast<std::uint32_t>(i)));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const KerasSource& source = plan.inputs()[i];
    std::vector<KerasHandle>& results = made[source.layer][source.call];
    if (results.size() <= source.result) results.resize(source.result + 1U, no_keras_value);
    results[source.result] = inputs[i];
  }
  const auto value_of = [&](const KerasSource& source) {
    const std::vector<KerasHandle>& results = made[source.layer][source.call];
    if (source.result < results.size() && results[source.result] != no_keras_value)
      return results[source.result];
    throw Error(
        ErrorCode::malformed, "a result of the layer " + shown(plan.layers()[source.layer].name),
        {"one of " + std::to_string(results.size()), "number " + std::to_string(source.result)});
  };
  for (const KerasStep& step : plan.steps()) {
    const KerasLayer& layer = plan.layers()[step.layer];
    if (step.node == nullptr || is_input_layer(layer)) continue;
    KerasApplication application{layer, {}};
    application.results = std::max<std::size_t>(plan.results(step.layer, step.call), 1);
    for (std::uint32_t i = 0; i < std::min(application.results, most_results); ++i)
      application.declared.push_back(plan.declared({step.layer, step.call, i}));
    const auto add = [&](const Json& value, std::string_view name) {
      std::size_t found = 0;
      visit_keras_histories(
          value,
          [&](const KerasHistory& history) {
            application.operands.push_back({value_of(plan.find(history)), nullptr, name});
            ++found;
          },
          false);
      if (found == 0) application.operands.push_back({no_keras_value, &value, name});
      spend(found + 1);
    };
    collect_keras_operands(*step.node, add);
    made[step.layer][step.call] = apply(application);
  }
  std::vector<KerasHandle> results;
  for (const KerasSource& source : plan.outputs()) results.push_back(value_of(source));
  return results;
}

// -- layers -------------------------------------------------------------------------------------

std::uint32_t KerasReader::open(std::string_view name, std::string_view kind) {
  const ModuleId parent = graph_.current_module();
  const std::string own = to_utf8(name);
  const auto [entry, is_new] = modules_.try_emplace({parent, own}, no_id);
  if (is_new) {
    const std::string_view kept = graph_.arena().copy(own);
    entry->second =
        graph_.add_module(parent, kept, kind.empty() ? kept : graph_.arena().copy(to_utf8(kind)));
    if (kind.empty()) graph_.mark_without_class(entry->second);
  }
  graph_.set_current_module(entry->second);
  return graph_.begin_call(entry->second);
}

void KerasReader::close(std::uint32_t call, Tensor result) {
  const ValueId outputs[] = {result.id};
  graph_.end_call(call, std::span(outputs, result ? 1 : 0));
  graph_.set_current_module(graph_.modules()[graph_.current_module()].parent);
}

std::vector<KerasHandle> KerasReader::apply(const KerasApplication& application) {
  const KerasLayer& layer = application.layer;
  if (depth_ >= deepest_layer) {
    throw Error(ErrorCode::limit, "the layer " + shown(layer.name),
                {"at most 48 models and wrappers around it", "more"});
  }
  if (calls_left_-- == 0)
    throw Error(ErrorCode::limit, "the file's models call each other too often");
  spend(8 + application.operands.size() +
        (layer.config->IsObject() ? layer.config->MemberCount() : 0));
  if (counted_.emplace(layer.json, application.variant).second && classes_.size() < 1000)
    ++classes_[shown(layer.class_name)];
  KerasState& state = states_[{layer.json, application.variant}];
  std::string_view name = application.name.empty() ? layer.name : application.name;
  std::vector<std::uint32_t> scopes;
  constexpr std::size_t most_scopes = 16;
  for (std::size_t at = name.find('/'); at != std::string_view::npos && scopes.size() < most_scopes;
       at = name.find('/')) {
    if (at > 0) scopes.push_back(open(name.substr(0, at), {}));
    name.remove_prefix(at + 1);
  }
  scopes.push_back(open(name.empty() ? layer.class_name : name, layer.class_name));
  state.module = graph_.current_module();
  ++depth_;
  std::vector<KerasHandle> results = apply_layer(application, state);
  --depth_;
  graph_.set_current_module(state.module);
  std::vector<ValueId> outputs;
  for (const KerasHandle result : results) outputs.push_back(last(result).id);
  while (!scopes.empty()) {
    graph_.end_call(scopes.back(), outputs);
    graph_.set_current_module(graph_.modules()[graph_.current_module()].parent);
    scopes.pop_back();
  }
  compare(application.declared, results);
  return results;
}

std::vector<KerasHandle> KerasReader::apply_layer(const KerasApplication& application,
                                                  KerasState& state) {
  const KerasLayer& layer = application.layer;
  if (is_keras_model(layer)) return run_model(layer, application.operands);
  const KerasOperator* row = find_keras_operator(layer);
  if (row == nullptr || !layer.config->IsObject()) return append_unknown(application);
  const Mark before = mark();
  const std::size_t depth = depth_;
  try {
    KerasCall call(*this, application, state, *row);
    if (row->emit(call)) {
      call.note_unread();
      return call.results();
    }
  } catch (const Error& error) {
    if (error.code != ErrorCode::shape) throw;
    std::string names;
    for (const std::string& name : sizes_.assumed())
      if (name != "batch" && names.size() < 200)
        names.append(names.empty() ? "" : ", ").append(name);
    if (!names.empty()) {
      Error located(ErrorCode::usage,
                    fmt::format("the layer {} does not take the size 1 of what the file leaves "
                                "open ({})",
                                shown(layer.name), names));
      located.hint = "set these sizes with --dim NAME=SIZE";
      throw located;
    }
    misfits_.add(shown(layer.class_name), shown(layer.name), error.what());
  }
  depth_ = depth;
  rewind(before);
  return append_unknown(application);
}

std::vector<KerasHandle> KerasReader::append_unknown(const KerasApplication& application) {
  const KerasLayer& layer = application.layer;
  std::vector<ValueId> inputs;
  for (const KerasOperand& operand : application.operands)
    if (operand.value != no_keras_value) inputs.push_back(last(operand.value).id);
  std::vector<OutputType> outputs;
  std::vector<UnknownSizes> unknown;
  const std::size_t count = std::min(application.results, most_results);
  const Shape same = inputs.empty() ? Shape{} : graph_.shape(inputs[0]);
  const DType dtype = keras_policy(*layer.config).compute;
  for (std::size_t i = 0; i < count; ++i) {
    Shape shape;
    UnknownSizes open = 0;
    const Json* stated = i < application.declared.size() ? application.declared[i] : nullptr;
    const Json* set =
        layer.config->IsObject() ? find_member(*layer.config, "output_shape") : nullptr;
    if (stated == nullptr && count == 1 && set != nullptr && read_sizes(*set, shape, open)) {
      // Of a Lambda, without the batch.
      shape.insert(0, same.empty() ? 1 : same[0]);
      open <<= 1U;
    } else if (stated == nullptr || !read_sizes(*stated, shape, open)) {
      shape = same;
      open = unknown_rank;
      note(fmt::format("the file does not state which sizes the results of {} have: figures take "
                       "them as those of its operand",
                       shown(layer.class_name)));
    } else if ((open & 1U) != 0 && !same.empty()) {
      shape[0] = same[0];  // the batch goes through
      open &= ~UnknownSizes{1};
    }
    outputs.push_back({shape, dtype});
    unknown.push_back(open);
  }
  const bool is_operation = layer.module.find(".ops") != std::string_view::npos;
  const auto* attrs =
      graph_.keep(UnknownAttrs{is_operation ? "keras.ops" : "keras",
                               graph_.arena().copy(to_utf8(layer.class_name.substr(0, 200)))});
  const NodeId node = graph_.append_declared(unknown_op, attrs, inputs, outputs);
  std::vector<KerasHandle> results;
  for (std::size_t i = 0; i < count; ++i) {
    const ValueId id = graph_.nodes()[node].first_output + static_cast<ValueId>(i);
    if (unknown[i] != 0) graph_.mark_assumed(id, unknown[i]);
    results.push_back(keep({&graph_, id}));
  }
  return results;
}

/// The inferred sizes beside those that the file states of a result.
void KerasReader::compare(const std::vector<const Json*>& declared,
                          const std::vector<KerasHandle>& results) {
  if (sizes_.is_changed()) return;
  for (std::size_t i = 0; i < std::min(declared.size(), results.size()); ++i) {
    if (declared[i] == nullptr) continue;
    Shape stated;
    UnknownSizes open = 0;
    if (!read_sizes(*declared[i], stated, open)) continue;
    const Shape& own = graph_.shape(values_[results[i]].last);
    bool is_same = own.size() == stated.size();
    for (std::size_t k = 0; is_same && k < own.size(); ++k)
      is_same = (open >> k & 1U) != 0 || own[k] == stated[k];
    stated_.compare(is_same);
  }
}

void KerasReader::add_notes() {
  note("layers of the file: " + names_with_counts(classes_));
  note(fmt::format("as Keras counts them: {} trainable parameters and {} others", counts_.trained,
                   counts_.others));
  for (std::string& text : sizes_.notes()) notes_.notes.push_back(std::move(text));
  for (std::string& text : misfits_.notes()) note(std::move(text));
  if (auto text = stated_.note()) note(std::move(*text));
  for (const auto& [name, count] : idle_)
    note(fmt::format("{} x {} does nothing in inference", count, name));
  notes_.ignored = ignored_.notes();
}

}  // namespace zoometer
