#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zoometer/analysis/metrics.hpp"
#include "zoometer/ir/dtype.hpp"

namespace zoometer {

// -- a whole model ------------------------------------------------------------------------------

/// The figures of a whole model, without its modules.
struct Totals {
  Metrics metrics;              ///< of all its operators
  std::int64_t peak_bytes = 0;  ///< the most bytes of activations alive at one time
  std::int64_t nodes = 0;       ///< how many operators run
  std::int64_t unknown = 0;     ///< operators whose cost is unknown
};

// -- training -----------------------------------------------------------------------------------

/// What updates the parameters. docs/memory.md has what each keeps.
enum class Optimizer : std::uint8_t {
  sgd,        ///< keeps nothing
  momentum,   ///< keeps one number for each parameter
  adam,       ///< keeps two
  adamw,      ///< keeps two
  adam8bit,   ///< keeps two of one byte, with a scale for each block
  lion,       ///< keeps one
  adafactor,  ///< keeps a sum for each row and for each column of a matrix
};
/// "sgd", "momentum", "adam", "adamw", "adam8bit", "lion", "adafactor".
std::string_view name_of(Optimizer optimizer) noexcept;
/// The optimizer of that name, or nothing.
std::optional<Optimizer> optimizer_from_name(std::string_view name) noexcept;

/// How a model is trained. docs/memory.md has what each setting means, with examples.
struct TrainingRecipe {
  Optimizer optimizer = Optimizer::sgd;  ///< what updates the parameters
  /// Whether parameters of fewer than 32 bits have a copy in float32 that the optimizer updates.
  bool has_master = false;
  /// The type of the optimizer's state; nothing: that of the parameters it updates.
  std::optional<DType> state = {};
  /// What backward computes again: empty for nothing but what the program says, "every=N" or "sqrt"
  /// for runs of blocks, else a pattern of module paths, which means the outermost that it matches.
  std::string checkpoint = {};
  std::int64_t accumulate = 1;      ///< forward and backward passes for one update
  std::int64_t zero = 0;            ///< ZeRO's stage, 0 to 3: what the devices share out
  std::int64_t data_parallel = 1;   ///< devices with the same model
  bool offloads_optimizer = false;  ///< its state and the master weights are in the host's memory
};

/// What operators of one kind add to a training step.
struct TrainingOperator {
  std::string name;                ///< "conv2d"
  std::int64_t count = 0;          ///< how often it runs
  std::int64_t macs = 0;           ///< forward
  std::int64_t backward_macs = 0;  ///< gradients of inputs and of weights
  std::int64_t saved_bytes = 0;    ///< kept from forward to backward, by the first that needs it
};

// -- roofline -----------------------------------------------------------------------------------

/// Bytes that operators move, by what they belong to.
struct Traffic {
  std::int64_t weights = 0;   ///< parameters and buffers read
  std::int64_t boundary = 0;  ///< the model's inputs, read for the first time, and its outputs
  std::int64_t between = 0;   ///< everything else: what one operator passes to another

  /// The sum. Throws Error{overflow}.
  std::int64_t total() const;
  /// Adds each part. Throws Error{overflow}.
  Traffic& operator+=(const Traffic& other);
};

/// The least time that work takes on a device: T = max(FLOPs / peak, bytes / bandwidth), from
/// Williams, Waterman and Patterson, Roofline, 2009.
struct Attainable {
  double compute = 0;  ///< seconds of arithmetic at the peak
  double memory = 0;   ///< seconds of traffic at the bandwidth

  /// The larger part.
  double seconds() const noexcept { return compute > memory ? compute : memory; }
  /// Whether traffic is the larger part.
  bool is_memory_bound() const noexcept { return memory > compute; }
};

/// The least times of several operators, one after the other.
struct AttainableSum {
  std::int64_t count = 0;           ///< how many operators, or fused groups of them
  std::int64_t macs = 0;            ///< multiply-accumulates
  std::int64_t flops = 0;           ///< floating-point operations
  std::int64_t bytes = 0;           ///< read and written
  std::int64_t moved = 0;           ///< those of them that cross the memory's bus
  double compute = 0;               ///< seconds, the sum of the first parts
  double memory = 0;                ///< seconds, the sum of the second parts
  double seconds = 0;               ///< the sum of the larger parts
  double memory_bound_seconds = 0;  ///< of those where traffic is the larger part

  /// Adds every figure. Throws Error{overflow}.
  AttainableSum& operator+=(const AttainableSum& other);
  /// The part of the time in which arithmetic is busy, 0 to 1.
  double compute_utilisation() const noexcept { return seconds > 0 ? compute / seconds : 0; }
  /// The part of the time in which the memory is busy, 0 to 1.
  double memory_utilisation() const noexcept { return seconds > 0 ? memory / seconds : 0; }
  /// The part of the time that operators bound by memory take, 0 to 1.
  double memory_bound_share() const noexcept {
    return seconds > 0 ? memory_bound_seconds / seconds : 0;
  }
};

/// The sum of all operators of one kind.
struct AttainableKind {
  std::string name;   ///< "conv2d", or "conv2d + relu" where they are fused
  AttainableSum sum;  ///< of all of them
};

// -- differences --------------------------------------------------------------------------------

/// What became of a module.
enum class ModuleState : std::uint8_t {
  same,     ///< as it was
  changed,  ///< something of it differs
  added,    ///< only in the second network
  removed,  ///< only in the first network
};
/// "same", "changed", "added", "removed".
std::string_view name_of(ModuleState state) noexcept;

/// Something of a module that differs and is no figure: its type, an output's shape, how often it
/// is called, a parameter, an operator's attribute.
struct ModuleDetail {
  std::string what;    ///< "type", "output", "calls", "weight", "groups"
  std::string before;  ///< in the first network; empty if it is not there
  std::string after;   ///< in the second network; empty if it is not there
};

/// One operator kind, before and after.
struct OperatorDiff {
  std::string name;               ///< "conv2d"
  std::int64_t count_before = 0;  ///< how often it runs in the first network
  std::int64_t count_after = 0;   ///< and in the second
  Metrics before;                 ///< of all its runs in the first network
  Metrics after;                  ///< and in the second
};

/// How many modules are in each state; `renamed` and `moved` count them once more.
struct DiffCounts {
  std::int64_t same = 0;     ///< as they were
  std::int64_t changed = 0;  ///< something differs
  std::int64_t added = 0;    ///< only in the second network
  std::int64_t removed = 0;  ///< only in the first network
  std::int64_t renamed = 0;  ///< have another name within their parent
  std::int64_t moved = 0;    ///< have another parent
};

// -- conventions --------------------------------------------------------------------------------

/// One operator kind, counted by every convention.
struct ExplainedOperator {
  std::string name;                  ///< "conv2d"
  std::int64_t count = 0;            ///< how often it runs
  std::int64_t macs = 0;             ///< multiply-accumulates by its own formula
  std::int64_t input_elements = 0;   ///< of the first inputs
  std::int64_t output_elements = 0;  ///< of the first outputs
  std::vector<std::int64_t> costs;   ///< by convention, each in that one's unit
};

// -- sweeps -------------------------------------------------------------------------------------

/// Height and width of an image, in pixels.
struct Resolution {
  std::int64_t height = 0;  ///< rows
  std::int64_t width = 0;   ///< columns
  /// By height, then by width.
  friend auto operator<=>(const Resolution&,
                          const Resolution&) = default;  // NOLINT(modernize-use-nullptr)
};
/// "224" for a square, "520x960" for any other.
std::string to_string(Resolution resolution);
/// The resolution that such a text names, each size at least 1; else nothing.
std::optional<Resolution> resolution_from(std::string_view text) noexcept;

/// The sizes that a sweep combines. An empty list keeps each model's own.
struct SweepAxes {
  std::vector<std::int64_t> batches = {};    ///< sizes of the inputs' batch
  std::vector<Resolution> resolutions = {};  ///< of images and clips
  std::vector<DType> dtypes = {};            ///< of every floating-point tensor; only bytes change
};

/// One combination of a sweep, with its figures or the reason why there are none.
struct SweepResult {
  std::string model;                     ///< a model's name, or a file's path
  std::optional<std::int64_t> batch;     ///< nothing if the model has no input with a first size
  std::optional<Resolution> resolution;  ///< nothing if no input is an image or a clip
  std::string dtype;                     ///< "float32"; empty if the model has no input
  Totals totals;                         ///< zeros where there is a reason
  std::string reason;                    ///< why the model refused; empty if it did not
};

}  // namespace zoometer
