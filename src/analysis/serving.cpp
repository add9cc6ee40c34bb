#include "analysis/serving.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "import/language/config.hpp"
#include "models/language/architecture.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_context = std::int64_t{1} << 32;
constexpr std::int64_t most_sequences = std::int64_t{1} << 24;

std::int64_t nearest_whole(double number) {
  constexpr double most = 9.2e18;
  if (!(number < most)) throw Error(ErrorCode::overflow, "a figure of a step exceeds 63 bits");
  return std::llround(number);
}

[[noreturn]] void refuse_split(std::string option, std::string expected, std::int64_t found) {
  throw Error(ErrorCode::usage, std::move(option), {std::move(expected), std::to_string(found)});
}

void check_split(const DeviceSplit& split) {
  const std::int64_t of_replica = checked_mul(split.tensor, split.pipeline);
  if (split.devices % of_replica != 0)
    refuse_split("--devices", fmt::format("a multiple of {}, --tp times --pp", of_replica),
                 split.devices);
  const std::int64_t shared = checked_mul(split.tensor, split.replicas());
  const bool is_nested = split.expert % split.tensor == 0 || split.tensor % split.expert == 0;
  if (shared % split.expert != 0 || !is_nested)
    refuse_split("--ep",
                 fmt::format("a divisor of {}, the devices of a stage, that divides --tp "
                             "or is a multiple of it",
                             shared),
                 split.expert);
}

/// The devices that share an expert's matrices.
Shards shards_of(const DeviceSplit& split) {
  return {split.tensor,
          split.expert > 1 ? std::max<std::int64_t>(split.tensor / split.expert, 1) : split.tensor};
}

/// The largest number up to `most` for which something fits; nothing if all do.
template <class Fits>
std::optional<std::int64_t> largest_that(std::int64_t most, const Fits& fits) {
  if (fits(most)) return std::nullopt;
  std::int64_t low = 0;
  std::int64_t high = most;  // fits(low), or low is 0; not fits(high)
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

std::int64_t ServingOptions::context() const { return checked_add(prompt, output); }

CacheOptions ServingOptions::cache_of(std::int64_t tokens, std::int64_t sequences) const {
  CacheOptions result = cache;
  result.context = tokens;
  result.sequences = sequences;
  if (most_batched_tokens > 0)
    result.most_batched_tokens = result.step_tokens = most_batched_tokens;
  return result;
}

std::int64_t StepMetrics::bytes() const {
  return checked_add(checked_add(weight_bytes, cache_bytes), activation_bytes);
}

std::int64_t DeviceMemory::total() const {
  return checked_add(checked_add(weights, cache), activations);
}

double ServingMetrics::tokens_per_second(const ServingOptions& options) const {
  return decode.seconds > 0 ? static_cast<double>(options.batch) / decode.seconds : 0;
}

/// One way of serving a model, while it is computed.
class ServingRun {
 public:
  ServingRun(ServingModel& model, const ServingOptions& options, const Device* device)
      : model_(model),
        options_(options),
        split_(options.split),
        device_(device),
        shards_(shards_of(options.split)),
        past_(std::max<std::int64_t>(options.context() - 1, 1)),
        decode_(model.step(1, past_, shards_)),
        prefill_(model.step(options.prompt, 0, shards_)),
        cache_(cache_of_layers()),
        sequences_(ceil_div(options.batch, split_.replicas())) {
    check_experts();
    take_weights();
  }

  ServingMetrics run() {
    ServingMetrics metrics;
    metrics.memory = memory(sequences_, options_.prompt);
    metrics.prefill = step_metrics(prefill_, passes(sequences_, options_.prompt));
    metrics.decode = step_metrics(decode_, 1);
    metrics.experts = experts_touched();
    if (device_ == nullptr) return metrics;
    metrics.budget =
        nearest_whole(static_cast<double>(device_->capacity) * options_.memory_utilization);
    metrics.longest_context = largest_that(most_context, [&](std::int64_t context) {
      return fits(sequences_, context, metrics.budget);
    });
    const auto per_replica = largest_that(most_sequences, [&](std::int64_t sequences) {
      return fits(sequences, options_.context(), metrics.budget);
    });
    if (per_replica) metrics.largest_batch = checked_mul(*per_replica, split_.replicas());
    return metrics;
  }

 private:
  // -- stages -----------------------------------------------------------------------------------

  std::int64_t stage_of(std::int64_t layer) const {
    const std::int64_t layers = std::max<std::int64_t>(decode_.layers, 1);
    const std::int64_t each = layers / split_.pipeline;
    const std::int64_t longer = layers % split_.pipeline;  // stages with one more
    layer = std::min(layer, layers - 1);
    if (layer < longer * (each + 1)) return layer / (each + 1);
    return longer + (layer - longer * (each + 1)) / each;
  }
  std::int64_t stage_of(const StepWork& work) const {
    if (work.layer >= 0) return stage_of(work.layer);
    return work.is_after ? split_.pipeline - 1 : 0;
  }

  void check_experts() const {
    if (split_.pipeline > std::max<std::int64_t>(decode_.layers, 1))
      refuse_split("--pp", fmt::format("at most {}, the layers", decode_.layers), split_.pipeline);
    if (split_.expert == 1) return;
    bool has_experts = false;
    for (const ModelWeight& weight : decode_.weights) {
      if (weight.kind != WeightKind::expert) continue;
      has_experts = true;
      if (weight.matrices % split_.expert != 0)
        refuse_split("--ep", fmt::format("a number that divides the {} experts", weight.matrices),
                     split_.expert);
    }
    if (!has_experts) refuse_split("--ep", "1 for a model without experts", split_.expert);
  }

  // -- weights ----------------------------------------------------------------------------------

  /// The bytes of each weight on a device, and the type that it is multiplied in.
  void take_weights() {
    const std::vector<ModelWeight>& weights = decode_.weights;
    const Scheme* scheme = options_.scheme          ? &*options_.scheme
                           : model_.storage_.scheme ? &*model_.storage_.scheme
                                                    : nullptr;
    if (options_.scheme) {
      weight_bytes_ = model_.bytes_after(*options_.scheme, decode_);
    } else {
      size_as_stored();
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (weights[i].kind == WeightKind::expert)
        weight_bytes_[i] = ceil_div(weight_bytes_[i], split_.expert);
      types_.push_back(scheme == nullptr ? std::nullopt : factor_type(*scheme, weights[i]));
    }
    weights_of_stages_.assign(static_cast<std::size_t>(split_.pipeline), 0);
    std::vector<bool> is_used(weights.size());
    for (std::int64_t stage = 0; stage < split_.pipeline; ++stage) add_weights_of(stage, is_used);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (is_used[i]) continue;  // towers that do not run
      const std::int64_t stage = weights[i].layer >= 0 ? stage_of(weights[i].layer) : 0;
      add_weight(stage, i);
    }
  }

  /// Files have the whole model's bytes, of which a device has the part that its tensors are.
  void size_as_stored() {
    const ModelStorage& storage = model_.storage_;
    storage.configured_size(decode_.weights, &weight_bytes_);
    if (!storage.files) return;
    const std::int64_t whole = storage.configured_size(model_.step(1, past_, {}).weights).bytes;
    if (whole == storage.files->bytes || whole == 0) return;
    const double factor = static_cast<double>(storage.files->bytes) / static_cast<double>(whole);
    for (std::int64_t& bytes : weight_bytes_)
      bytes = nearest_whole(static_cast<double>(bytes) * factor);
  }

  void add_weights_of(std::int64_t stage, std::vector<bool>& is_used) {
    std::vector<bool> is_there(is_used.size());
    const auto add = [&](std::uint32_t weight) {
      if (!is_there[weight]) add_weight(stage, weight);
      is_there[weight] = true;
      is_used[weight] = true;
    };
    for (const StepWork& work : decode_.works) {
      if (stage_of(work) != stage) continue;
      for (const std::uint32_t weight : work.weights) add(weight);
      for (const std::uint32_t weight : work.tables) add(weight);
    }
  }
  void add_weight(std::int64_t stage, std::size_t weight) {
    std::int64_t& sum = weights_of_stages_[static_cast<std::size_t>(stage)];
    sum = checked_add(sum, weight_bytes_[weight]);
  }

  // -- memory -----------------------------------------------------------------------------------

  /// Tokens that pass at once.
  std::int64_t most_tokens() const {
    if (options_.most_batched_tokens > 0) return options_.most_batched_tokens;
    switch (options_.cache.engine) {
    case CacheEngine::vllm: return options_.cache.most_batched_tokens;
    case CacheEngine::llama_cpp: return options_.cache.step_tokens;
    default: return std::int64_t{1} << 40;
    }
  }
  std::int64_t passes(std::int64_t sequences, std::int64_t prompt) const {
    return ceil_div(checked_mul(sequences, prompt), most_tokens());
  }

  /// Sums beyond 63 bits do not fit, either.
  bool fits(std::int64_t sequences, std::int64_t context, std::int64_t budget) const {
    const std::int64_t prompt = std::max<std::int64_t>(context - options_.output, 1);
    try {
      return memory(sequences, prompt, context).total() <= budget;
    } catch (const Error& error) {
      if (error.code == ErrorCode::overflow) return false;
      throw;
    }
  }

  DeviceMemory memory(std::int64_t sequences, std::int64_t prompt) const {
    return memory(sequences, prompt, checked_add(prompt, options_.output));
  }
  DeviceMemory memory(std::int64_t sequences, std::int64_t prompt, std::int64_t context) const {
    const std::int64_t tokens = std::min(checked_mul(sequences, prompt), most_tokens());
    DeviceMemory most;
    most.activations =
        nearest_whole(static_cast<double>(prefill_.peak_activations) * static_cast<double>(tokens) /
                      static_cast<double>(prefill_.tokens));
    std::int64_t largest = -1;
    for (std::int64_t stage = 0; stage < split_.pipeline; ++stage) {
      const std::int64_t weights = weights_of_stages_[static_cast<std::size_t>(stage)];
      const std::int64_t cache = cache_of(stage, sequences, context);
      if (checked_add(weights, cache) <= largest) continue;
      largest = weights + cache;
      most.weights = weights;
      most.cache = cache;
    }
    return most;
  }

  /// A step at any context has them, but for keys that stand for several tokens.
  const std::vector<CacheLayer>& cache_of_layers() {
    const bool has_compressed = std::ranges::any_of(model_.plan_.plans, [](const LayerPlan& layer) {
      return std::holds_alternative<CompressedPlan>(layer.mixer);
    });
    if (!has_compressed) return decode_.cache;
    return model_.step(1, least_cache_context - 1, shards_).cache;
  }

  std::int64_t cache_of(std::int64_t stage, std::int64_t sequences, std::int64_t context) const {
    const CacheOptions cache = options_.cache_of(context, sequences);
    if (split_.pipeline == 1) return cache_size(cache_, cache).bytes;
    std::vector<CacheLayer> layers;
    for (const CacheLayer& layer : cache_)
      if (stage_of(layer.layer) == stage) layers.push_back(layer);
    return cache_size(layers, cache).bytes;
  }

  // -- time -------------------------------------------------------------------------------------

  std::optional<NumberType> factor_type(const Scheme& scheme, const ModelWeight& weight) const {
    const NumberType type = product_type(scheme, weight, NumberType::bfloat16);
    return type == NumberType::bfloat16 ? std::nullopt : std::optional(type);
  }

  /// Operations per second in that type, or the next that the device has.
  double peak_of(NumberType type) const {
    const auto used = device_->computes_in(type);
    return used ? device_->peak(*used) : device_->highest_peak();
  }

  /// Tokens whose experts are on the same devices, for each that passes here.
  double expert_group() const {
    return static_cast<double>(std::max<std::int64_t>(split_.expert / split_.tensor, 1));
  }

  /// The part of the experts that is read, if each token chooses any of them alike.
  static double touched(const MixtureSize& mixture, double tokens) {
    const double each = static_cast<double>(mixture.chosen) / static_cast<double>(mixture.experts);
    return each >= 1 ? 1 : -std::expm1(tokens * std::log1p(-each));
  }

  double weight_traffic(const StepWork& work, double tokens) const {
    double bytes = 0;
    for (const std::uint32_t weight : work.weights)
      bytes += static_cast<double>(weight_bytes_[weight]);
    if (work.mixture.experts == 0) return bytes;
    return bytes * touched(work.mixture, tokens * expert_group());
  }

  double cache_traffic(const StepWork& work) const {
    const auto bits = [](std::int64_t elements, const StorageType& type) {
      return static_cast<double>(elements) * type.bits / type.elements;
    };
    return (bits(work.cache.key, *options_.cache.key_type) +
            bits(work.cache.value, *options_.cache.value_type) +
            32.0 * static_cast<double>(work.cache.state)) /
           8;
  }

  /// Sums over works, in double until the end.
  struct Sums {
    double macs = 0, masked = 0, flops = 0, weights = 0, cache = 0, activations = 0;
  };

  StepMetrics step_metrics(const ServingStep& step, std::int64_t passes) const {
    const std::int64_t micro = split_.microbatches;
    const double sequences = static_cast<double>(sequences_) / static_cast<double>(micro);
    const double tokens = sequences * static_cast<double>(step.tokens);
    StepMetrics metrics;
    metrics.tokens = checked_mul(options_.batch, step.tokens);
    Sums sums;
    std::vector<double> stages(static_cast<std::size_t>(split_.pipeline));
    double compute_bound = 0;
    for (const StepWork& work : step.works) {
      const double scale = work.mixture.experts > 0
                               ? sequences * expert_group() / static_cast<double>(split_.expert)
                               : sequences;
      const double flops = static_cast<double>(work.flops) * scale;
      const double weights =
          weight_traffic(work, tokens / static_cast<double>(passes)) * static_cast<double>(passes);
      const double cache = cache_traffic(work) * sequences;
      const double activations = static_cast<double>(work.activations) * scale;
      sums.macs += static_cast<double>(work.macs) * scale;
      sums.masked += static_cast<double>(work.macs_masked) * scale;
      sums.flops += flops;
      sums.weights += weights;
      sums.cache += cache;
      sums.activations += activations;
      if (device_ == nullptr) continue;
      const NumberType type =
          work.weights.empty() ? work.type : types_[work.weights.front()].value_or(work.type);
      const double hidden = 2 * static_cast<double>(work.macs - work.macs_masked) * scale;
      const double compute = (flops - hidden) / (peak_of(type) * options_.efficiency.compute);
      const double memory =
          (weights + cache + activations) / (device_->bandwidth * options_.efficiency.memory);
      metrics.compute += compute;
      metrics.memory += memory;
      const double seconds = std::max(compute, memory);
      if (compute >= memory) compute_bound += seconds;
      stages[static_cast<std::size_t>(stage_of(work))] += seconds;
    }
    take(sums, static_cast<double>(micro), metrics);
    metrics.collectives = collectives(step, sequences);
    take_seconds(stages, compute_bound, metrics);
    return metrics;
  }

  static void take(const Sums& sums, double microbatches, StepMetrics& metrics) {
    metrics.macs = nearest_whole(sums.macs * microbatches);
    metrics.macs_masked = nearest_whole(sums.masked * microbatches);
    metrics.flops = nearest_whole(sums.flops * microbatches);
    metrics.weight_bytes = nearest_whole(sums.weights * microbatches);
    metrics.cache_bytes = nearest_whole(sums.cache * microbatches);
    metrics.activation_bytes = nearest_whole(sums.activations * microbatches);
    metrics.compute *= microbatches;
    metrics.memory *= microbatches;
  }

  /// A step's first microbatch passes all stages; the others follow at the pace of the slowest.
  void take_seconds(const std::vector<double>& stages, double compute_bound,
                    StepMetrics& metrics) const {
    if (device_ == nullptr) return;
    double all = 0;
    for (const double seconds : stages) all += seconds;
    for (const Collective& collective : metrics.collectives) metrics.links += collective.seconds;
    const double slowest = *std::ranges::max_element(stages);
    metrics.seconds = all + metrics.links +
                      static_cast<double>(split_.microbatches - 1) *
                          (slowest + metrics.links / static_cast<double>(split_.pipeline));
    const double memory_bound = all - compute_bound;
    metrics.bound = metrics.links > std::max(compute_bound, memory_bound) ? "links"
                    : compute_bound > memory_bound                        ? "compute"
                                                                          : "memory";
  }

  // -- links ------------------------------------------------------------------------------------

  /// What a device sends, with the time that this takes over the links of a group of so many.
  Collective collective(std::string_view name, std::string_view of, std::int64_t count,
                        double bytes, std::int64_t group) const {
    Collective result{name, of, count, nearest_whole(bytes)};
    if (device_ == nullptr) return result;
    const DeviceLinks& links = device_->links;
    const bool is_in_node = links.devices == 0 || group <= links.devices;
    const double bandwidth = (is_in_node ? links.node : links.network) * options_.efficiency.links;
    if (bandwidth > 0) result.seconds = static_cast<double>(count) * bytes / bandwidth;
    return result;
  }

  std::vector<Collective> collectives(const ServingStep& step, double sequences) const {
    const double tensor = static_cast<double>(split_.tensor);
    const double features = static_cast<double>(model_.plan_.features);
    const double element = static_cast<double>(bits_of(activation_type())) / 8;
    const double tokens = sequences * static_cast<double>(step.tokens);
    const double hidden = tokens * features * element;
    std::int64_t mixers = 0, networks = 0, mixtures = 0;
    double chosen = 0;
    for (const LayerPlan& layer : model_.plan_.plans) {
      const auto* experts = std::get_if<ExpertsPlan>(&layer.feed_forward);
      if (experts == nullptr && layer.has_experts_beside) experts = &layer.experts;
      const bool is_spread = experts != nullptr && split_.expert > 1;
      // What every token passes beside the experts is split as other networks are.
      const bool is_split = !is_spread || layer.has_experts_beside || !experts->shared.empty();
      const bool has_mixer = !std::holds_alternative<std::monostate>(layer.mixer);
      const bool has_network = !std::holds_alternative<std::monostate>(layer.feed_forward);
      mixers += has_mixer ? 1 : 0;
      networks += has_network && is_split && !(layer.is_parallel && has_mixer) ? 1 : 0;
      if (!is_spread) continue;
      ++mixtures;
      const double inner = experts->latent > 0 ? static_cast<double>(experts->latent) : features;
      chosen = tokens * static_cast<double>(experts->chosen) * inner * element;
    }
    std::vector<Collective> list;
    const auto add = [&](std::string_view name, std::string_view of, std::int64_t count,
                         double bytes, std::int64_t group) {
      if (count > 0) list.push_back(collective(name, of, count, bytes, group));
    };
    if (split_.tensor > 1) {
      const double ring = 2 * (tensor - 1) / tensor;
      const double vocabulary = static_cast<double>(model_.plan_.vocabulary);
      add("all-reduce", "embedding", 1, hidden * ring, split_.tensor);
      add("all-reduce", "mixers", mixers, hidden * ring, split_.tensor);
      add("all-reduce", "networks", networks, hidden * ring, split_.tensor);
      add("all-gather", "logits", 1, sequences * vocabulary * element * (tensor - 1) / tensor,
          split_.tensor);
    }
    if (split_.expert > 1) {
      const double expert = static_cast<double>(split_.expert);
      add("all-to-all", "experts", 2 * mixtures, chosen * (expert - 1) / expert, split_.expert);
    }
    if (split_.pipeline > 1) add("send", "stages", split_.pipeline - 1, hidden, split_.devices);
    return list;
  }

  DType activation_type() const {
    for (const ModelWeight& weight : decode_.weights) {
      if (weight.kind == WeightKind::embedding && is_floating(weight.dtype)) return weight.dtype;
    }
    return DType::bfloat16;
  }

  // -- experts ----------------------------------------------------------------------------------

  std::optional<ExpertsTouched> experts_touched() const {
    ExpertsTouched result;
    std::int64_t last = -1;
    for (const StepWork& work : decode_.works) {
      if (work.mixture.experts == 0 || work.layer == last) continue;
      last = work.layer;
      ++result.layers;
      if (result.layers > 1) continue;
      result.experts = work.mixture.experts;
      result.chosen = work.mixture.chosen;
      result.least = work.mixture.chosen;
      result.most = std::min(result.experts, checked_mul(options_.batch, work.mixture.chosen));
      result.expected = static_cast<double>(result.experts) *
                        touched(work.mixture, static_cast<double>(options_.batch));
    }
    return result.layers > 0 ? std::optional(result) : std::nullopt;
  }

  ServingModel& model_;
  const ServingOptions& options_;
  const DeviceSplit& split_;
  const Device* device_;
  Shards shards_;
  std::int64_t past_;  // tokens before the one of a decode step
  const ServingStep& decode_;
  const ServingStep& prefill_;
  const std::vector<CacheLayer>& cache_;          // of the layers on a device
  std::int64_t sequences_;                        // of a replica
  std::vector<std::int64_t> weight_bytes_;        // on a device
  std::vector<std::optional<NumberType>> types_;  // of the products of weights, where schemes say
  std::vector<std::int64_t> weights_of_stages_;
};

ServingModel::ServingModel(const Setting& settings, const ModelStorage& storage,
                           TraceOptions options)
    : settings_(settings),
      storage_(storage),
      options_(std::move(options)) {
  std::vector<std::string> notes;
  plan_ = plan_of(Configuration(settings), {notes, notes});
}

const ServingStep& ServingModel::step(std::int64_t tokens, std::int64_t past,
                                      const Shards& shards) {
  std::unique_ptr<ServingStep>& known = steps_[{tokens, past, shards.layers, shards.experts}];
  if (known == nullptr) {
    TraceOptions options = options_;
    options.batch = 1;
    options.decode = past > 0;
    options.past = {};
    options.tokens = past > 0 ? std::nullopt : std::optional(tokens);
    options.context = past > 0 ? std::optional(past + 1) : std::nullopt;
    Graph graph;
    trace_shard(settings_, passage_of(options), shards, graph);
    known = std::make_unique<ServingStep>(serving_step(graph, tokens));
  }
  return *known;
}

const std::vector<std::int64_t>& ServingModel::bytes_after(const Scheme& scheme,
                                                           const ServingStep& step) {
  const auto [known, is_new] = bytes_.try_emplace({scheme.name, &step});
  if (is_new) size_after(scheme, step.weights, storage_.context, &known->second);
  return known->second;
}

ServingMetrics ServingModel::metrics(const ServingOptions& options, const Device* device) {
  check_split(options.split);
  return ServingRun(*this, options, device).run();
}

}  // namespace zoometer
