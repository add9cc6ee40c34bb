#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/fusion.hpp"
#include "analysis/hardware.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// Bytes that operators move, by what they belong to.
struct Traffic {
  std::int64_t weights = 0;   ///< parameters and buffers read
  std::int64_t boundary = 0;  ///< the graph's inputs, read for the first time, and its outputs
  std::int64_t between = 0;   ///< all else: passed from operator to operator

  std::int64_t total() const;
  Traffic& operator+=(const Traffic& other);
};

/// The work of one operator, or of one fused group of them.
struct Work {
  FusedGroup group;
  ModuleId module = 0;  ///< of its first node
  std::int64_t macs = 0;
  std::int64_t flops = 0;
  Traffic bytes;
  std::optional<NumberType> type;  ///< of its products; of its first input if it has none
  bool bounded = false;            ///< depends on a size that is an upper bound
};

struct WorkOptions {
  bool fuse = false;
  bool tf32 = false;  ///< products of float32 are computed in tf32
};

/// The work of a graph, independent of the device.
struct Workload {
  std::vector<Work> works;
  Traffic compulsory;        ///< each weight, input and output once, nothing between
  std::int64_t weights = 0;  ///< bytes of parameters and buffers, whether used or not
  std::int64_t peak_activations = 0;
};

/// Throws Error{overflow} if a sum exceeds 63 bits.
Workload workload_of(const Graph& graph, const WorkOptions& options);

/// The least time that work takes: T = max(FLOPs / peak, bytes / bandwidth).
struct Attainable {
  double compute = 0;  ///< seconds of arithmetic at the peak
  double memory = 0;   ///< seconds of traffic at the bandwidth

  double seconds() const noexcept { return compute > memory ? compute : memory; }
  bool is_memory_bound() const noexcept { return memory > compute; }
};

/// Several works, one after the other.
struct AttainableSum {
  std::int64_t count = 0;
  std::int64_t macs = 0;
  std::int64_t flops = 0;
  std::int64_t bytes = 0;           ///< read and written
  std::int64_t moved = 0;           ///< those of them that cross the memory's bus
  double compute = 0;               ///< seconds, the sum of the first parts
  double memory = 0;                ///< seconds, the sum of the second parts
  double seconds = 0;               ///< the sum of the larger parts
  double memory_bound_seconds = 0;  ///< of those where traffic is the larger part

  void add(const Work& work, std::int64_t moved_bytes, const Attainable& time);
  AttainableSum& operator+=(const AttainableSum& other);
  /// How much of the time arithmetic and memory are busy, 0 to 1.
  double compute_utilisation() const noexcept { return seconds > 0 ? compute / seconds : 0; }
  double memory_utilisation() const noexcept { return seconds > 0 ? memory / seconds : 0; }
  double memory_bound_share() const noexcept {
    return seconds > 0 ? memory_bound_seconds / seconds : 0;
  }
};

/// The sum of all works of a kind.
struct AttainableKind {
  std::string name;
  AttainableSum sum;
};

struct RooflineOptions {
  bool cache = false;  ///< what fits into the largest cache stays there
};

/// A workload on a device.
struct Roofline {
  const Device* device = nullptr;
  NumberType asked = NumberType::float32;  ///< the type of most MACs
  NumberType used = NumberType::float32;   ///< what the device computes it in
  double peak = 0;                         ///< of that, operations per second
  bool weights_stay = false;               ///< on the chip, between runs
  bool activations_stay = false;           ///< on the chip, between operators
  std::vector<Attainable> works;           ///< as in the workload
  std::vector<std::int64_t> moved;         ///< bytes over the memory's bus, as in the workload
  std::vector<AttainableKind> kinds;       ///< most seconds first
  std::vector<AttainableSum> modules;      ///< by module id, children included
  AttainableSum total;                     ///< its seconds: the lower bound, operator by operator
  double least_seconds = 0;  ///< if arithmetic and traffic overlap throughout and nothing moves
                             ///< twice
};

/// The first product that the device has no units for; nothing if it has all. It can be named in
/// a message: "conv2d in conv1 is float32".
std::optional<std::string> lacking_type(const Graph& graph, const Workload& workload,
                                        const Device& device);

/// Throws Error{usage} if the device cannot compute a product.
Roofline roofline_of(const Graph& graph, const Workload& workload, const Device& device,
                     const RooflineOptions& options = {});

}  // namespace zoometer
