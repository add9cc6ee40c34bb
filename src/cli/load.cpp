#include "cli/load.hpp"

#include <algorithm>
#include <charconv>

#include "registry/origin.hpp"
#include "util/output.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

[[noreturn]] void bad_shape(const std::string& given) {
  throw Error(ErrorCode::usage, "--input-shape",
              {"sizes like 1,3,224,224 or 1x3x224x224, named ones as NAME=1,3,224,224", given});
}

bool is_number(std::string_view word) {
  if (word.starts_with('-')) word.remove_prefix(1);
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

std::int64_t parse_size(std::string_view text, const std::string& given) {
  std::int64_t size = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (problem == std::errc::result_out_of_range) {
    throw Error(ErrorCode::overflow, "--input-shape", {"sizes below 2^63", given});
  }
  if (problem != std::errc{} || end != text.data() + text.size()) bad_shape(given);
  if (size < 1) throw Error(ErrorCode::shape, "--input-shape", {"sizes of at least 1", given});
  return size;
}

TraceOptions::Input parse_input(const std::string& given) {
  TraceOptions::Input input;
  std::string_view rest = given;
  const std::size_t equals = rest.find('=');
  if (equals != std::string_view::npos) {
    input.name = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
  }
  for (;;) {
    const std::size_t separator = rest.find_first_of(",xX ");
    if (input.shape.size() == 8) {
      throw Error(ErrorCode::shape, "--input-shape", {"at most 8 sizes", given});
    }
    input.shape.push_back(parse_size(rest.substr(0, separator), given));
    if (separator == std::string_view::npos) return input;
    rest.remove_prefix(separator + 1);
  }
}

std::vector<TraceOptions::Input> parse_inputs(const std::vector<std::string>& words) {
  std::vector<TraceOptions::Input> inputs;
  for (const std::string& word : words) inputs.push_back(parse_input(word));
  return inputs;
}

std::pair<std::string, std::int64_t> parse_dim(const std::string& word) {
  const std::size_t equals = word.find('=');
  const std::string_view value =
      std::string_view(word).substr(equals == std::string::npos ? word.size() : equals + 1);
  if (equals == 0 || !is_number(value)) {
    throw Error(ErrorCode::usage, "--dim", {"NAME=SIZE like batch=8", word});
  }
  return {word.substr(0, equals), parse_size(value, word)};
}

bool looks_like_file(const std::string& name) {
  return name.find('/') != std::string::npos || name.find('.') != std::string::npos ||
         is_anything(name);
}

[[noreturn]] void unknown_model(const std::string& name, const Registry& registry) {
  std::vector<std::string_view> names;
  for (const RegistryModel& model : registry.models()) names.push_back(model.name);
  Error error(ErrorCode::unknown_name, "no such model or file: " + escape_controls(name));
  error.hint = did_you_mean(name, names);
  if (error.hint.empty()) error.hint = "zoometer list --registry all names every model";
  throw error;
}

/// A model of another registry than the chosen one is traced all the same, but not in silence.
void note_registry(const ModelWords& words, const Registry& registry, const RegistryModel& model) {
  const RegistryKind kind = registry.choose(words.registry);
  if (registry.holds(kind, model)) return;
  const RegistryKind other =
      registry.holds(RegistryKind::automatic, model) ? RegistryKind::automatic : RegistryKind::all;
  write_note(std::string(model.name) + " is not in the " + std::string(name_of(kind)) +
             " registry; it is in " + std::string(name_of(other)));
}

/// An option that the model has no use for is a mistake, not to be passed over in silence.
void refuse_useless_options(const ModelWords& words, const RegistryModel& model) {
  const auto refuse = [&](std::string_view option, std::string_view use) {
    throw Error(ErrorCode::usage,
                std::string(option) + " has no use for " + std::string(model.name),
                {std::string(use), std::string(name_of(model.task))});
  };
  if (model.task != Task::detection) {
    if (words.proposals) refuse("--proposals", "a detector");
    if (words.detections) refuse("--detections", "a detector");
  }
  if (words.quantize && model.task != Task::quantization) refuse("--quantize", "a quantized model");
  if (!words.dims.empty()) {
    throw Error(
        ErrorCode::usage,
        "--dim names a size of a file; the inputs of a built-in model are set with --input-shape");
  }
}

LoadedModel load_builtin(const ModelWords& words, const RegistryModel& model, Graph& graph) {
  refuse_useless_options(words, model);
  TraceOptions options;
  options.variant = words.variant == "untrained" ? Variant::untrained : Variant::published;
  options.inputs = parse_inputs(words.input_shapes);
  options.batch = words.batch;
  options.proposals = words.proposals;
  options.detections = words.detections;
  options.quantize = words.quantize;
  trace(*model.builtin, options, graph);
  return {std::string(model.name), std::string(model.source), words.variant, {}};
}

LoadedModel load_from(const ModelWords& words, const Origin& origin,
                      std::vector<UserInput> declared, const Registry& registry, Graph& graph) {
  OriginRequest request;
  request.origin = origin;
  request.variant = words.variant == "untrained" ? Variant::untrained : Variant::published;
  request.inputs =
      words.input_shapes.empty() ? std::move(declared) : parse_user_inputs(words.input_shapes);
  for (const std::string& dim : words.dims) request.dims.push_back(parse_dim(dim));
  request.batch = words.batch;
  request.entry = words.entry;
  request.live = words.live;
  OriginAnswer answer = load_origin(request, registry, write_note, graph);
  return {words.model, answer.source, answer.variant, std::move(answer.notes)};
}

}  // namespace

void ModelWords::add_to(Arguments& arguments, bool with_inputs) {
  arguments.positional("model", model,
                       "A model's name, a file, torchvision:NAME or python:MODULE:FUNCTION");
  add_options_to(arguments, with_inputs);
}

void ModelWords::add_options_to(Arguments& arguments, bool with_inputs) {
  arguments.choice("--variant", variant, {"published", "untrained"},
                   "The structure of the published weights, or that of weights=None");
  arguments.option("--entry", entry, "The model to read of a file that holds several", "NAME");
  arguments.option("--dim", dims, "Set a symbolic size of a file, as batch=8; repeats", "NAME=N");
  arguments.flag("--quantize", quantize, "The int8 graph of a quantized model");
  add_live_options(arguments, live);
  add_plugin_option(arguments, plugins);
  arguments.option("--registry", registry,
                   "The registry that the model is looked for in first: curated, auto or all",
                   "NAME");
  if (!with_inputs) return;
  arguments.option("--input-shape", input_shapes,
                   "The input's sizes, as 1,3,224,224; repeats for several inputs",
                   "[NAME=]N,C,H,W");
  arguments.option("--batch", batch, "The batch size: the first size of every input", "N");
  arguments.option("--proposals", proposals,
                   "Detectors: the real number of proposals, in place of its bound", "N");
  arguments.option("--detections", detections,
                   "Detectors: the real number of detections, in place of its bound", "N");
}

void add_dtype_to(Arguments& arguments, std::string& dtype) {
  arguments.choice("--dtype", dtype, {"float32", "float16", "bfloat16", "int8"},
                   "Count bytes as if every floating-point tensor were stored in this type");
}

void store_as(const std::string& dtype, Graph& graph, LoadedModel& loaded) {
  if (dtype.empty()) return;
  graph.count_floating_as(dtype_from_name(dtype));
  loaded.notes.push_back("bytes as if every floating-point tensor were stored in " + dtype);
}

std::vector<UserInput> parse_user_inputs(const std::vector<std::string>& words) {
  std::vector<UserInput> inputs;
  for (TraceOptions::Input& input : parse_inputs(words))
    inputs.push_back({std::move(input.name), input.shape});
  return inputs;
}

void add_live_options(Arguments& arguments, LiveOptions& live) {
  arguments.option("--python", live.python,
                   "The Python that has torch, in place of the first found", "PATH");
  arguments.option("--time-limit", live.time_limit, "Seconds that one model may take in Python",
                   "SECONDS");
}

void add_plugin_option(Arguments& arguments, std::vector<std::string>& plugins) {
  arguments.option("--plugin", plugins, "Load the models of a plug-in, too; repeats", "FILE");
}

std::vector<std::string> join_shape_words(const std::vector<std::string>& words) {
  std::vector<std::string> joined;
  for (std::size_t i = 0; i < words.size(); ++i) {
    joined.push_back(words[i]);
    if (words[i] != "--input-shape" || i + 1 == words.size()) continue;
    std::string shape = words[++i];
    while (is_number(words[i]) && i + 1 < words.size() && is_number(words[i + 1]))
      shape += "," + words[++i];
    joined.back() += "=" + shape;
  }
  return joined;
}

LoadedModel load_model(const ModelWords& words, Graph& graph) {
  if (words.batch && *words.batch < 1) {
    throw Error(ErrorCode::usage, "--batch", {"at least 1", std::to_string(*words.batch)});
  }
  const Registry registry(words.plugins);
  if (const RegistryModel* model = registry.find(words.model)) {
    note_registry(words, registry, *model);
    if (model->builtin != nullptr) return load_builtin(words, *model, graph);
    return load_from(words, model->user->origin, model->user->inputs, registry, graph);
  }
  const Origin origin = parse_origin(words.model);
  if (origin.kind == OriginKind::file && !looks_like_file(words.model))
    unknown_model(words.model, registry);
  return load_from(words, origin, {}, registry, graph);
}

}  // namespace zoometer
