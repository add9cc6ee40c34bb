#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "analysis/parameter_counts.hpp"
#include "analysis/serving.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/language_model.hpp"
#include "cli/memory_devices.hpp"
#include "cli/varied.hpp"
#include "import/weights/ggml_types.hpp"
#include "import/weights/safetensors_header.hpp"
#include "report/serving.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

struct ServeWords {
  std::string on;
  std::string quant;
  std::string cache_dtype;
  std::string engine = "ideal";
  std::optional<std::int64_t> prompt, answer, batch;
  std::optional<std::int64_t> devices, tensor, pipeline, expert, microbatches, most_batched_tokens;
  double memory_utilization = 0.9;
  std::vector<std::string> efficiency;
  std::string vary;
  FormatWords out{{"text", "json", "csv", "html"}};

  void add_to(Arguments& arguments) {
    arguments.option("--prompt", prompt, "Tokens of each sequence's prompt (2048)", "N");
    arguments.option("--output", answer, "Tokens that each sequence gets after it (256)", "N");
    arguments.option("--batch,--batch-size,-b", batch, "Sequences that are served together (1)",
                     "N");
    arguments.option("--quant", quant,
                     "The scheme of the weights: Q4_K_M, awq ... (zoometer quant)", "SCHEME");
    arguments.choice("--engine", engine, {"ideal", "transformers", "vllm", "llama.cpp"},
                     "Whose layout the cache has");
    arguments.option("--cache-dtype", cache_dtype,
                     "The type of keys and values, or of each: bfloat16, float8, q8_0,f16", "TYPE");
    arguments.option("--on", on, "Times on these devices, and whether it fits: H100,L4",
                     "NAME,...");
    add_split_to(arguments);
    arguments.option("--memory-utilization", memory_utilization,
                     "The part of a device's memory that may be used (0.9)", "PART");
    arguments.option("--max-num-batched-tokens", most_batched_tokens,
                     "Tokens that pass at once, of all prompts together", "N");
    arguments.option("--efficiency", efficiency,
                     "The part of peaks and bandwidths that is reached: 0.6, or compute=0.6, "
                     "memory=0.8, links=0.7; repeatable. Without it times are lower bounds",
                     "PART");
    arguments.option("--vary", vary,
                     "A table over batch=, context=, prompt=, output=, quant= or cache-dtype=: "
                     "batch=1,2,4..256",
                     "NAME=VALUES");
    out.add_to(arguments, "--output-file,-o");
    arguments.footer(
        "Examples:\n"
        "  zoometer serve config.json --prompt 8000 --batch 16 --on H100\n"
        "  zoometer serve config.json --on H100 --devices 8 --tp 8 --vary batch=1,2,4..256");
  }

  std::int64_t context() const { return checked_add(prompt.value_or(2048), answer.value_or(256)); }

 private:
  void add_split_to(Arguments& arguments) {
    arguments.option("--devices", devices, "Devices; more than --tp times --pp are copies", "N");
    arguments.option("--tp", tensor, "Devices that share each layer (1)", "N");
    arguments.option("--pp", pipeline, "Stages of layers (1)", "N");
    arguments.option("--ep", expert, "Devices that share the experts of a layer", "N");
    arguments.option("--microbatches", microbatches,
                     "Parts of a step that follow each other through the stages (1)", "N");
  }
};

/// A type by the names of PyTorch, of ggml and of safetensors.
const StorageType& cache_type(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"float32", "F32"},         {"float16", "F16"}, {"bfloat16", "BF16"},
      {"float8", "F8_E4M3"},      {"fp8", "F8_E4M3"}, {"float8_e4m3fn", "F8_E4M3"},
      {"float8_e5m2", "F8_E5M2"}, {"int8", "I8"},
  };
  for (const auto& [known, type] : names) {
    if (known == name) return *safetensors_type(type);
  }
  if (const StorageType* type = ggml_type(name)) return *type;
  throw Error(
      ErrorCode::usage, "--cache-dtype",
      {"bfloat16, float16, float32, float8, int8 or a type of ggml: q8_0", escape_controls(name)});
}

/// The type of the weights is that of the cache where none is given.
DType usual_cache_type(const std::vector<ModelWeight>& weights) {
  for (const ModelWeight& weight : weights) {
    if (weight.kind == WeightKind::embedding && is_floating(weight.dtype)) return weight.dtype;
  }
  return DType::bfloat16;
}

void take_cache_types(std::string_view types, CacheOptions& options) {
  const std::size_t comma = types.find(',');
  options.key_type = &cache_type(types.substr(0, comma));
  options.value_type =
      comma == std::string_view::npos ? options.key_type : &cache_type(types.substr(comma + 1));
}

/// The tokens and sequences are at most 2^40, as with other commands; devices at most 2^20.
void check_numbers(const ServeWords& words) {
  const auto check = [](std::string_view name, const std::optional<std::int64_t>& number,
                        std::int64_t least, int power) {
    if (!number || (*number >= least && *number <= std::int64_t{1} << power)) return;
    throw Error(ErrorCode::usage, std::string(name),
                {fmt::format("{} to 2^{}", least, power), std::to_string(*number)});
  };
  check("--prompt", words.prompt, 1, 40);
  check("--output", words.answer, 0, 40);
  check("--batch", words.batch, 1, 40);
  check("--max-num-batched-tokens", words.most_batched_tokens, 1, 40);
  check("--devices", words.devices, 1, 20);
  check("--tp", words.tensor, 1, 20);
  check("--pp", words.pipeline, 1, 20);
  check("--ep", words.expert, 1, 20);
  check("--microbatches", words.microbatches, 1, 20);
  if (!(words.memory_utilization > 0 && words.memory_utilization <= 1))
    throw Error(ErrorCode::usage, "--memory-utilization",
                {"above 0, at most 1", fmt::format("{}", words.memory_utilization)});
}

/// "0.6" is of all, "compute=0.6" of one.
Efficiency efficiency_of(const std::vector<std::string>& words) {
  Efficiency efficiency;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string name = equals == std::string::npos ? std::string() : word.substr(0, equals);
    const std::string_view number =
        std::string_view(word).substr(equals == std::string::npos ? 0 : equals + 1);
    double part = 0;
    const auto [end, problem] = std::from_chars(number.data(), number.data() + number.size(), part);
    const bool is_known = name.empty() || name == "compute" || name == "memory" || name == "links";
    if (!is_known || problem != std::errc{} || end != number.data() + number.size() ||
        !(part > 0 && part <= 1)) {
      throw Error(ErrorCode::usage, "--efficiency",
                  {"a number above 0, at most 1: 0.6, compute=0.6, memory=0.8 or links=0.7",
                   escape_controls(word)});
    }
    if (name.empty() || name == "compute") efficiency.compute = part;
    if (name.empty() || name == "memory") efficiency.memory = part;
    if (name.empty() || name == "links") efficiency.links = part;
    efficiency.is_given = true;
  }
  return efficiency;
}

ServingOptions serving_options(const ServeWords& words, const std::vector<ModelWeight>& weights) {
  constexpr std::string_view engines[] = {"ideal", "transformers", "vllm", "llama.cpp"};
  ServingOptions options;
  options.batch = words.batch.value_or(1);
  options.prompt = words.prompt.value_or(2048);
  options.output = words.answer.value_or(256);
  DeviceSplit& split = options.split;
  split.tensor = words.tensor.value_or(1);
  split.pipeline = words.pipeline.value_or(1);
  const std::int64_t of_replica = checked_mul(split.tensor, split.pipeline);
  split.expert = words.expert.value_or(1);
  split.devices =
      words.devices.value_or(words.tensor || words.pipeline ? of_replica : split.expert);
  split.microbatches = words.microbatches.value_or(1);
  options.cache.engine =
      static_cast<CacheEngine>(std::ranges::find(engines, words.engine) - engines);
  take_cache_types(words.cache_dtype.empty() ? name_of(usual_cache_type(weights))
                                             : std::string_view(words.cache_dtype),
                   options.cache);
  if (!words.quant.empty()) options.scheme = scheme_of(words.quant);
  options.memory_utilization = words.memory_utilization;
  options.most_batched_tokens = words.most_batched_tokens.value_or(0);
  options.efficiency = efficiency_of(words.efficiency);
  return options;
}

/// Sets what varies. Throws Error{usage}.
void take_varied_value(const Varied& varied, const std::string& value, ServingOptions& options) {
  if (varied.name == "quant") {
    options.scheme = scheme_of(value);
  } else if (varied.name == "cache-dtype") {
    take_cache_types(value, options.cache);
  } else {
    const std::int64_t number = number_of_value(varied, value);
    if (varied.name == "batch") options.batch = number;
    if (varied.name == "prompt") options.prompt = number;
    if (varied.name == "output") options.output = number;
    if (varied.name == "context")
      options.prompt = std::max<std::int64_t>(number - options.output, 1);
    if (varied.name == "context") options.output = number - options.prompt;
  }
}

/// A model that is served in one way or several.
class Server {
 public:
  Server(const LoadedModel& loaded, const Setting& settings, const Graph& graph,
         const TraceOptions& options, std::vector<const Device*> devices)
      : settings_(settings),
        storage_(model_storage(file_of(loaded), &settings_)),
        weights_(model_weights(graph)),
        layers_(cache_layers(graph)),
        model_(settings_, storage_, options),
        devices_(std::move(devices)) {}

  const std::vector<ModelWeight>& weights() const noexcept { return weights_; }

  ServedPoint serve(std::string value, const ServingOptions& options) {
    ServedPoint point;
    point.value = std::move(value);
    point.options = options;
    point.cache = cache_size(layers_, options.cache_of(options.context(), options.batch));
    point.scheme = options.scheme ? options.scheme->name : storage_.name();
    point.weights = options.scheme ? size_in(*options.scheme) : storage_.size(weights_);
    point.whole = model_.metrics(options, nullptr);
    for (const Device* device : devices_)
      point.devices.push_back({device, model_.metrics(options, device)});
    return point;
  }

 private:
  const StoredSize& size_in(const Scheme& scheme) {
    const auto [known, is_new] = sizes_.try_emplace(scheme.name);
    if (is_new) known->second = size_after(scheme, weights_, storage_.context);
    return known->second;
  }

  const Setting& settings_;
  ModelStorage storage_;
  std::map<std::string, StoredSize> sizes_;  // by schemes
  std::vector<ModelWeight> weights_;
  std::vector<CacheLayer> layers_;
  ServingModel model_;
  std::vector<const Device*> devices_;
};

/// Contexts of 1024 tokens to four times those asked for, and batches of 1 to 256.
ServingCharts charts_of(Server& server, const ServingOptions& base, const Graph& graph) {
  ServingCharts charts;
  charts.roles = count_parameters(graph).by_role;
  constexpr std::int64_t shortest = 1024, most_sequences = 256;
  for (std::int64_t context = shortest; context / 4 <= std::max(base.context(), shortest);
       context *= 2) {
    ServingOptions options = base;
    options.output = std::min(base.output, context - 1);
    options.prompt = context - options.output;
    charts.by_context.push_back(server.serve(std::to_string(context), options));
  }
  for (std::int64_t batch = 1; batch <= most_sequences; batch *= 2) {
    ServingOptions options = base;
    options.batch = batch;
    charts.by_batch.push_back(server.serve(std::to_string(batch), options));
  }
  return charts;
}

/// Devices whose links matter and are not known.
void note_links(const ServingReport& report, std::vector<std::string>& notes) {
  if (report.base.options.split.devices == 1) return;
  for (const ServedDevice& served : report.base.devices) {
    if (served.device->links.node > 0) continue;
    notes.push_back("the links of " + served.device->name +
                    " are not known: what its devices send takes no time");
  }
}

/// The most tokens that a model was made for; 0: its configuration does not say. T5's and ALiBi's
/// positions have no end, and YaRN's are a multiple of those of the first training.
std::int64_t longest_made_for(const Setting& settings) {
  const Configuration whole(settings);
  const auto part = whole.part({"text_config", "language_config", "llm_config"});
  const Configuration& config = part ? *part : whole;
  std::int64_t most = config.size({"max_position_embeddings", "max_target_positions",
                                   "max_sequence_length", "n_ctx", "n_positions"},
                                  0);
  if (config.text({"model_type"}).find("t5") != std::string_view::npos) return 0;
  const auto scaling = config.part({"rope_scaling", "rope_parameters"});
  if (!scaling || scaling->text({"rope_type", "type"}) != "yarn") return most;
  const double stretched =
      scaling->real({"factor"}, 1) *
      static_cast<double>(scaling->size({"original_max_position_embeddings"}, 0));
  return stretched > 0 && stretched < 0x1p40 ? std::max(most, static_cast<std::int64_t>(stretched))
                                             : most;
}

/// Contexts that are longer than the model was made for.
void note_context(const ServingReport& report, const Setting& settings,
                  std::vector<std::string>& notes) {
  const std::int64_t most = longest_made_for(settings);
  if (most == 0) return;
  bool is_beyond = report.base.options.context() > most;
  for (const ServedPoint& point : report.points)
    is_beyond = is_beyond || point.options.context() > most;
  const bool shows_longest = report.points.empty();
  for (const ServedDevice& served : report.base.devices)
    is_beyond =
        is_beyond || (shows_longest && served.metrics.longest_context.value_or(most + 1) > most);
  if (is_beyond)
    notes.push_back(fmt::format("the model was made for contexts of at most {} tokens", most));
}

/// The model in decoding. Throws Error{usage} for one that has none.
LoadedModel load_for_decoding(ModelWords& model, Graph& graph) {
  model.options.decode = true;
  model.options.context = least_cache_context;
  try {
    return load_model(model, graph);
  } catch (Error& error) {
    // Nobody has given these options.
    const bool is_without = error.message.starts_with("--decode") ||
                            error.message.starts_with("--context") ||
                            error.message.starts_with("--past");
    if (!is_without) throw;
    error.message = "serve";
    error.detail.expected =
        "a language model that writes text: config.json, its folder, safetensors beside it or GGUF";
    throw;
  }
}

int run_serve(const CommandLine& words) {
  Arguments arguments("serve", "Show the memory and the time that serving a language model takes.");
  ModelWords model;
  model.add_to(arguments, false);
  add_trace_options(arguments, model.options, {"encoder-tokens", "attention", "mla"});
  ServeWords serve;
  serve.add_to(arguments);
  if (!arguments.parse(words)) return exit_done;
  serve.out.settle();
  check_numbers(serve);

  const std::vector<Device> devices = serve.on.empty() ? std::vector<Device>() : all_devices();
  const TraceOptions options = model.options;
  Graph graph;
  const LoadedModel loaded = load_for_decoding(model, graph);
  const std::optional<Setting> settings = settings_of(loaded, graph);
  if (!settings || !is_language_model(loaded)) {
    throw Error(
        ErrorCode::usage, "serve",
        {"a language model: config.json, its folder, safetensors beside it or GGUF", loaded.name});
  }
  Server server(loaded, *settings, graph, options, devices_with_memory(serve.on, devices));
  const ServingOptions base = serving_options(serve, server.weights());
  ServingReport report{loaded.name, loaded.source, serve.engine, loaded.notes,
                       server.serve({}, base)};
  note_links(report, report.notes);
  if (!serve.vary.empty()) {
    const Varied varied = parse_varied(serve.vary);
    report.varied = varied.name;
    for (const std::string& value : varied.values) {
      ServingOptions changed = base;
      take_varied_value(varied, value, changed);
      report.points.push_back(server.serve(value, changed));
    }
  }
  note_context(report, *settings, report.notes);
  const FormatWords& out = serve.out;
  if (out.is("html")) {
    out.write(serving_html(report, charts_of(server, base, graph)));
  } else if (out.is("json")) {
    out.write(serving_json(report));
  } else if (out.is("csv")) {
    out.write(serving_csv(report));
  } else {
    out.write(serving_text(report, out.width(), out.colour()));
  }
  return exit_done;
}

}  // namespace

extern constinit const Command serve_command = {
    "serve", "show the memory and the time that serving a language model takes", run_serve, 6};

}  // namespace zoometer
