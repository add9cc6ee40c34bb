#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "analysis/cache_size.hpp"
#include "analysis/model_storage.hpp"
#include "analysis/serving_step.hpp"
#include "models/language/shards.hpp"
#include "zoometer/analysis/hardware.hpp"
#include "zoometer/models/trace_options.hpp"

namespace zoometer {

/// How a model is split over devices.
struct DeviceSplit {
  std::int64_t devices = 1;
  std::int64_t tensor = 1;    ///< devices that share each layer
  std::int64_t pipeline = 1;  ///< stages of layers
  std::int64_t expert = 1;    ///< devices that share the experts of a layer; 1: as the other layers
  std::int64_t microbatches = 1;  ///< of a step, which follow each other through the stages

  /// Copies of the model, each with a part of the sequences.
  std::int64_t replicas() const noexcept { return devices / (tensor * pipeline); }
};

/// The parts of peak and bandwidth that are reached, 0 to 1.
struct Efficiency {
  double compute = 1;
  double memory = 1;
  double links = 1;
  bool is_given = false;  ///< else times are lower bounds
};

struct ServingOptions {
  std::int64_t batch = 1;  ///< sequences
  std::int64_t prompt = 2048;
  std::int64_t output = 256;
  DeviceSplit split = {};
  CacheOptions cache = {};            ///< types and engine; tokens and sequences follow from above
  std::optional<Scheme> scheme = {};  ///< nothing: the weights as they are stored
  double memory_utilization = 0.9;    ///< of a device's memory, that may be used
  std::int64_t most_batched_tokens = 0;  ///< that pass at once; 0: as the engine has it
  Efficiency efficiency = {};

  std::int64_t context() const;  ///< tokens of a sequence at the end
  /// `cache` for so many sequences of so many tokens.
  CacheOptions cache_of(std::int64_t tokens, std::int64_t sequences) const;
};

/// What devices send to each other in a step.
struct Collective {
  std::string_view name;  ///< "all-reduce"
  std::string_view of;    ///< "attention"
  std::int64_t count = 0;
  std::int64_t bytes = 0;  ///< that a device sends in each
  double seconds = 0;      ///< of all; 0 without a device
};

/// One step on one device: all stages of a pipeline, one after the other.
struct StepMetrics {
  std::int64_t tokens = 0;  ///< of all sequences, that pass
  std::int64_t macs = 0;
  std::int64_t macs_masked = 0;  ///< without the pairs of tokens that masks hide
  std::int64_t flops = 0;
  std::int64_t weight_bytes = 0;  ///< read
  std::int64_t cache_bytes = 0;   ///< read and written
  std::int64_t activation_bytes = 0;
  std::vector<Collective> collectives = {};
  double compute = 0;  ///< seconds, the sum over operators
  double memory = 0;
  double links = 0;
  double seconds = 0;  ///< the larger of compute and memory for each operator, and the links
  std::string_view bound = {};  ///< "compute", "memory" or "links": what most of the time is

  std::int64_t bytes() const;
};

/// Distinct experts of a layer that a decode step reads.
struct ExpertsTouched {
  std::int64_t layers = 0;  ///< with a mixture
  std::int64_t experts = 0;
  std::int64_t chosen = 0;  ///< for each token
  std::int64_t least = 0;   ///< if all tokens choose the same ones
  double expected = 0;      ///< if each token chooses any of them alike
  std::int64_t most = 0;    ///< if they choose as different ones as they can
};

/// The memory of the device that needs the most.
struct DeviceMemory {
  std::int64_t weights = 0;
  std::int64_t cache = 0;
  std::int64_t activations = 0;
  std::int64_t total() const;
};

/// A model served on one kind of device.
struct ServingMetrics {
  DeviceMemory memory;
  StepMetrics prefill;  ///< of all prompts
  StepMetrics decode;   ///< the last token of each sequence
  std::optional<ExpertsTouched> experts;
  // With a device:
  std::int64_t budget = 0;                      ///< bytes of its memory that may be used
  std::optional<std::int64_t> longest_context;  ///< nothing: any length fits
  std::optional<std::int64_t> largest_batch;    ///< nothing: any number fits

  std::int64_t left() const { return budget - memory.total(); }
  double tokens_per_second(const ServingOptions& options) const;
};

/// Serves one model in several ways. Its graphs are made when they are needed, and are kept.
class ServingModel {
 public:
  /// `settings` describes the model; both live as long as this. Of `options`, what passes is left
  /// out.
  ServingModel(const Setting& settings, const ModelStorage& storage, TraceOptions options);

  /// `device` is null if no times and no fit are asked for. Throws Error{usage} for a split that is
  /// not possible, and Error{overflow}.
  ServingMetrics metrics(const ServingOptions& options, const Device* device);

 private:
  friend class ServingRun;
  /// One token after `past` others, or a prompt, of one sequence.
  const ServingStep& step(std::int64_t tokens, std::int64_t past, const Shards& shards);
  /// The bytes of each weight of a step after a scheme.
  const std::vector<std::int64_t>& bytes_after(const Scheme& scheme, const ServingStep& step);

  const Setting& settings_;
  const ModelStorage& storage_;
  TraceOptions options_;
  ModelPlan plan_;
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>,
           std::unique_ptr<ServingStep>>
      steps_;
  std::map<std::pair<std::string, const ServingStep*>, std::vector<std::int64_t>> bytes_;
};

}  // namespace zoometer
