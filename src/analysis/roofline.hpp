#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/fusion.hpp"
#include "zoometer/analysis/hardware.hpp"
#include "zoometer/analysis/results.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

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
