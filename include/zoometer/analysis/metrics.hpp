#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zoometer {

/// The figures of a module, an operator kind or the whole graph.
struct Metrics {
  std::int64_t parameters = 0;       ///< elements of learnt tensors, shared ones once
  std::int64_t buffers = 0;          ///< elements of stored tensors that are not learnt
  std::int64_t parameter_bytes = 0;  ///< of both, in their dtypes
  std::int64_t macs = 0;             ///< multiply-accumulates, of attention those of all pairs
  std::int64_t macs_masked = 0;      ///< those of `macs` that causal masks leave
  std::int64_t flops = 0;            ///< 2 x macs + all other operations
  std::int64_t activations = 0;      ///< elements of the outputs of operators that have MACs
  std::int64_t bytes_read = 0;       ///< inputs and weights, in their dtypes
  std::int64_t bytes_written = 0;    ///< outputs
  std::int64_t cost = 0;             ///< by the chosen convention
  bool bounded = false;              ///< depends on a size that is an upper bound
  bool macs_bounded = false;         ///< the MACs, too, and not only other figures
  bool assumed = false;              ///< depends on a size that is not known, so it is no bound
  bool macs_assumed = false;         ///< the MACs, too, and not only other figures

  /// Adds every figure. Throws Error{overflow}.
  Metrics& operator+=(const Metrics& other);
  /// FLOPs per byte moved; 0 where nothing moves.
  double intensity() const noexcept;
};

/// Every operator is counted, zero by definition, or unknown.
struct CoverageLedger {
  /// A kind of operator without a definition.
  struct Unknown {
    std::string name;        ///< "domain::type"
    std::int64_t count = 0;  ///< how often it runs
  };
  std::int64_t counted = 0;      ///< by a formula
  std::int64_t zero = 0;         ///< zero by definition: views, reshapes, constants
  std::vector<Unknown> unknown;  ///< operators without a formula
};

}  // namespace zoometer
