#pragma once

/// \file
/// What a program needs to analyse a network beyond its figures: memory over time, training, the
/// least time on a device, other conventions, differences, sweeps, export. Value types only, over
/// zoometer::Network.
///
/// Every function throws zoometer::Error where it cannot do its work, and nothing else but
/// std::bad_alloc. Sizes are in elements or bytes, times in seconds. The functions have no state:
/// they may be called from any thread.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zoometer/analysis/hardware.hpp"
#include "zoometer/analysis/results.hpp"
#include "zoometer/report/graph_options.hpp"
#include "zoometer/zoometer.hpp"

namespace zoometer {

// -- memory -------------------------------------------------------------------------------------

/// The most bytes that are in use at one time.
struct MemoryPeak {
  std::int64_t bytes = 0;         ///< how many
  std::optional<std::size_t> at;  ///< the first operator, by index, that runs then; nothing: before
};

/// A tensor that owns memory at the peak.
struct LiveTensor {
  Shape shape;                         ///< the size of each dimension
  std::string dtype;                   ///< "float32"
  std::int64_t bytes = 0;              ///< at that type
  bool bounded = false;                ///< a size is an upper bound
  std::optional<std::size_t> made_by;  ///< the operator, by index; nothing: an input
  std::optional<std::size_t> until;    ///< the last operator that needs it; nothing: the end
};

/// Bytes in use while one operator runs.
struct MemoryMoment {
  std::int64_t alive = 0;      ///< activations, each freed after its last reader
  std::int64_t held = 0;       ///< activations, with arguments held until calls return
  std::int64_t workspace = 0;  ///< of the operator itself
};

/// Where inference needs memory. docs/memory.md has the rules.
struct NetworkMemory {
  std::int64_t parameter_bytes = 0;       ///< parameters and buffers, shared ones once
  MemoryPeak activations;                 ///< the least that this order of operators needs
  MemoryPeak held_by_callers;             ///< as eager PyTorch, whose callers hold arguments
  MemoryPeak workspace;                   ///< the most that one operator needs for itself
  MemoryPeak together;                    ///< parameters, activations and workspace at one time
  std::vector<LiveTensor> alive_at_peak;  ///< at the peak of `activations`, in order of creation
  std::vector<MemoryMoment> timeline;     ///< one for each of Network::operators()
};

/// Memory over time. Throws Error{overflow} if a sum exceeds 63 bits.
NetworkMemory memory(const Network& network);

// -- training -----------------------------------------------------------------------------------

/// What one training step needs: forward, backward and the update. docs/memory.md has the rules.
struct NetworkTraining {
  Optimizer optimizer = Optimizer::sgd;     ///< what updates the parameters
  std::int64_t trainable_parameters = 0;    ///< parameters with a gradient, in elements
  std::int64_t weight_bytes = 0;            ///< parameters and buffers
  std::int64_t gradient_bytes = 0;          ///< of the parameters
  std::int64_t master_weight_bytes = 0;     ///< float32 copies of parameters stored in 16 bits
  std::int64_t optimizer_state_bytes = 0;   ///< in the recipe's type
  std::int64_t gathered_bytes = 0;          ///< of ZeRO's stage 3: the weights of one operator
  std::int64_t host_bytes = 0;              ///< in the host's memory; not in `total_bytes`
  std::int64_t saved_bytes = 0;             ///< activations kept for the backward pass
  MemoryPeak peak_activations;              ///< activations and their gradients
  bool peak_is_backward = false;            ///< the peak is while that operator's backward runs
  std::int64_t total_bytes = 0;             ///< weights, gradients, optimizer, and that peak
  std::int64_t macs = 0;                    ///< forward
  std::int64_t backward_macs = 0;           ///< gradients, and what backward runs again
  std::int64_t recomputed_macs = 0;         ///< of `backward_macs`: what backward runs again
  std::int64_t update_macs = 0;             ///< all passes of one update
  std::vector<TrainingOperator> operators;  ///< by kind, most saved bytes first
  bool bounded = false;                     ///< depends on a size that is an upper bound
};

/// One training step. Throws Error{overflow} if a sum exceeds 63 bits.
NetworkTraining training(const Network& network, Optimizer optimizer = Optimizer::sgd);
/// The same for a recipe. Throws Error{usage} for one that does not fit together, and
/// Error{unknown_name} if no module matches what it recomputes.
NetworkTraining training(const Network& network, const TrainingRecipe& recipe);

// -- roofline -----------------------------------------------------------------------------------

/// How a network runs on a device.
struct RooflineSettings {
  /// The type that every floating-point tensor is stored and computed in; nothing: its own. tf32 is
  /// float32 in memory.
  std::optional<NumberType> type = {};
  bool fuse = false;   ///< operators run together that compilers fuse: docs/roofline.md
  bool cache = false;  ///< what fits into the device's largest cache stays there
};

/// An operator, or a group of fused ones, on a device.
struct RooflineGroup {
  std::string name;                    ///< "conv2d", "conv2d + batch_norm + relu", "attention"
  std::string module;                  ///< path of the module in which its first operator runs
  std::vector<std::size_t> operators;  ///< indices in Network::operators()
  std::optional<NumberType> type;      ///< of its products, else of its first input
  std::int64_t macs = 0;               ///< multiply-accumulates
  std::int64_t flops = 0;              ///< floating-point operations
  Traffic bytes;                       ///< read and written
  std::int64_t moved = 0;              ///< bytes of them that cross the memory's bus
  Attainable time;                     ///< the least that it takes
  bool bounded = false;                ///< depends on a size that is an upper bound
};

/// A module with the least time of all that runs in it.
struct ModuleRoofline : NetworkModule, AttainableSum {};

/// The least time that a device needs for a network. docs/roofline.md has the model and its limits.
struct NetworkRoofline {
  Device device;                          ///< which device
  NumberType type = NumberType::float32;  ///< the type of most MACs
  NumberType used = NumberType::float32;  ///< the type that the device computes it in
  double peak = 0;                        ///< in that type, operations per second
  bool weights_stay = false;              ///< on the chip, between runs
  bool activations_stay = false;          ///< on the chip, between operators
  AttainableSum total;                    ///< `total.seconds`: the lower bound, one by one
  double overlapped_seconds = 0;          ///< the same if arithmetic and traffic overlap fully
  Traffic compulsory;                     ///< bytes if each weight, input and output moves once
  std::vector<RooflineGroup> groups;      ///< in the order in which they run
  std::vector<AttainableKind> operators;  ///< by kind, most seconds first
  std::vector<ModuleRoofline> modules;    ///< as Network::modules(), children included
};

/// The least time on a device. Throws Error{usage} if the device cannot compute one of its
/// products, Error{overflow} if a sum exceeds 63 bits.
NetworkRoofline roofline(const Network& network, const Device& device,
                         const RooflineSettings& settings = {});

// -- conventions --------------------------------------------------------------------------------

/// A convention with what it counts differently in a network.
struct ExplainedConvention {
  std::string name;                      ///< "fvcore"
  std::string unit;                      ///< "MACs" or "FLOPs": the unit of its costs
  std::string summary;                   ///< what it counts and what it leaves out
  std::string source;                    ///< where the rules come from
  std::int64_t per_mac = 1;              ///< what one multiply-accumulate counts as
  std::vector<std::string> differences;  ///< from per_mac x MACs, largest first, in words
};

/// Why tools disagree on a network.
struct NetworkExplanation {
  std::vector<ExplainedConvention> conventions;  ///< in the order of ExplainedOperator::costs
  std::vector<ExplainedOperator> operators;      ///< by kind, most MACs first
  ExplainedOperator total;                       ///< of all of them
};

/// Counts by every convention. Throws Error{overflow} if a sum exceeds 63 bits.
NetworkExplanation explain(const Network& network);

// -- differences --------------------------------------------------------------------------------

/// A module before, after, or both.
struct ModuleChange {
  ModuleState state = ModuleState::same;  ///< what became of it
  std::optional<std::size_t> parent;      ///< its index in NetworkDiff::modules; nothing: the root
  std::size_t depth = 0;                  ///< 0 for the root
  bool renamed = false;                   ///< has another name within its parent
  bool moved = false;                     ///< has another parent
  std::optional<ModuleProfile> before;    ///< in the first network, if it is there
  std::optional<ModuleProfile> after;     ///< in the second network, if it is there
  std::vector<ModuleDetail> details;      ///< what differs beside figures
};

/// What differs between two networks.
struct NetworkDiff {
  Totals before;                        ///< of the first network
  Totals after;                         ///< of the second network
  DiffCounts counts;                    ///< modules by state
  std::vector<ModuleChange> modules;    ///< depth-first; removed ones where they were
  std::vector<OperatorDiff> operators;  ///< kinds whose figures differ, most FLOPs first
};

/// Matches the modules of two networks and compares them. Throws Error{overflow} if a sum exceeds
/// 63 bits.
NetworkDiff diff(const Network& before, const Network& after);

// -- sweeps -------------------------------------------------------------------------------------

/// What a sweep goes through, and how.
struct SweepOptions {
  SweepAxes axes = {};      ///< batches, resolutions, dtypes
  std::int64_t part = 1;    ///< which part of the sweep, from 1
  std::int64_t parts = 1;   ///< in how many parts it is done
  std::size_t threads = 0;  ///< 0: as many as there are cores
};

/// Profiles every combination of models and sizes, and passes each result to `take` on the calling
/// thread, in the order of models (by name) and sizes. `models` are names of the catalogue,
/// patterns with * and ?, or paths of files; empty: every model. A combination that a model refuses
/// is a result with the reason. Throws Error{unknown_name} for a name that fits nothing,
/// Error{usage} for a part that is not from 1 to `parts`, Error{limit} for more than 100 million
/// results, and what `take` throws, which ends the sweep.
void sweep_each(const std::vector<std::string>& models, const SweepOptions& options,
                const std::function<void(const SweepResult&)>& take,
                const Catalogue& catalogue = Catalogue());

/// The same with all results in one list.
std::vector<SweepResult> sweep(const std::vector<std::string>& models,
                               const SweepOptions& options = {},
                               const Catalogue& catalogue = Catalogue());

// -- documents and models -----------------------------------------------------------------------

/// fvcore's `flop_count_table` with its figures, down to `max_depth` levels of the module tree.
std::string fvcore_table(const Network& network, int max_depth = 3);

/// The graph in a format: "text", "json" (schema zoometer.graph/1), "dot", "svg", "png", "pdf"
/// (drawn by Graphviz), or "onnx" (bytes of a model). Throws Error{unknown_name} for another
/// format, Error{usage} for an option that the format does not take, Error{io} or
/// Error{unsupported} if it cannot be written.
std::string write_graph(const Network& network, std::string_view format,
                        const GraphOptions& options = {});

/// Writes the graph to a file, in the format of the name's ending: ".onnx", ".json", ".dot",
/// ".svg", ".png", ".pdf" or ".txt". After an error the file is as it was. Throws Error{usage} for
/// another ending, and what `write_graph` throws.
void save_graph(const Network& network, const std::string& path, const GraphOptions& options = {});

}  // namespace zoometer
