#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/convention.hpp"
#include "analysis/element_types.hpp"
#include "analysis/liveness.hpp"
#include "analysis/traffic.hpp"
#include "zoometer/analysis/metrics.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// One operator kind of the graph.
struct OperatorMetrics {
  std::string name;  ///< "conv2d"; an unknown one as "domain::type"
  const OpDef* op = nullptr;
  std::int64_t count = 0;
  Metrics metrics;
};

/// What runs in one element type (of the first input).
struct DTypeMetrics {
  DType dtype = DType::float32;
  std::int64_t macs = 0;
  std::int64_t bytes = 0;            ///< read and written
  std::int64_t parameter_bytes = 0;  ///< of the parameters stored in it
};

/// The figures of a graph, summed up its module tree.
struct Profile {
  Metrics total;
  std::vector<Metrics> modules;                   ///< by module id, children included
  std::vector<std::int64_t> calls;                ///< by module id
  std::vector<OperatorMetrics> operators;         ///< most FLOPs first
  std::vector<DTypeMetrics> dtypes;               ///< most MACs first
  std::vector<ElementTypeMetrics> element_types;  ///< the same
  CoverageLedger coverage;
  Liveness memory;
  std::optional<ExpertCount> experts;  ///< of all mixtures of experts
};

/// The operator's name; of an unknown one what the file called it, as "domain::type".
std::string operator_name(const Node& node);

/// The figures of one node, of all its runs. `convention` fills `cost`; null leaves it 0.
Metrics metrics_of(const NodeView& view, const Convention* convention = nullptr);

/// The same for many nodes of one graph, which must not change meanwhile: what shares whose memory
/// is found once.
class NodeCounter {
 public:
  explicit NodeCounter(const Graph& graph, const Convention* convention = nullptr)
      : convention_(convention),
        reads_(graph, Routing::most) {}
  Metrics metrics_of(const NodeView& view);

 private:
  const Convention* convention_;
  Reads reads_;
};

/// The two figures that lists of models have.
struct ModelSize {
  std::int64_t parameters = 0;  ///< elements of learnt tensors, shared ones once
  std::int64_t macs = 0;        ///< multiply-accumulates
};

/// The same figures as in `profile`, at a tenth of its work. Throws Error{overflow} if one of them
/// exceeds 63 bits.
ModelSize size_of(const Graph& graph);

/// Profiles a graph. Throws Error{overflow} if a sum exceeds 63 bits.
Profile profile(const Graph& graph, const Convention* convention = nullptr);

}  // namespace zoometer
