#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// How many experts of a mixture its rows choose.
enum class Routing : std::uint8_t {
  least,  ///< all tokens the same ones: as many as each token chooses
  most,   ///< all of them, or each row another one
};

/// How many experts of a mixture are read.
struct ExpertCount {
  std::int64_t least = 0;  ///< if all tokens choose the same ones
  double expected = 0;     ///< if each token chooses any of them alike
  std::int64_t most = 0;   ///< if the rows choose as different ones as they can
};

/// Of a node that multiplies each row with its expert's matrix; nothing of any other.
///
/// Of E experts, k for each token and t tokens: k, E (1 - (1 - k / E)^t), min(E, t k). k is that of
/// the operand with the choice, else of the `topk` before the node that chooses among as many for
/// as many rows; without one it is 1.
ExpertCount experts_of(const NodeView& node);

/// The sum over all mixtures: over choices, and over products whose choice is not known. Nothing
/// without any.
std::optional<ExpertCount> all_experts_of(const Graph& graph);

/// Whether a node makes no tensor and reads none: a view, or a reshape that need not copy.
bool moves_nothing(const Graph& graph, const Node& node);

/// Whether nothing runs: a view, a reshape that need not copy, an operator that evaluation skips.
bool runs_nothing(const Graph& graph, const Node& node);

/// What is read of the memory of one tensor.
struct Read {
  ValueId owner = no_id;
  std::int64_t bytes = 0;
};

/// Collects what one run of an operator, or of a fused group, reads: each byte once, however many
/// operands are the same tensor or views of it.
class Reads {
 public:
  explicit Reads(const Graph& graph, Routing routing) : graph_(graph), routing_(routing) {}
  /// Adds what a node reads of one of its inputs, which it has.
  void add(const NodeView& node, std::size_t index);
  /// The sums by owner, in order of the owners. Ends the collection.
  std::span<const Read> sums();
  /// The value in whose memory a value is. The first call finds all: views of views may be many.
  ValueId owner_of(ValueId value);
  /// Whether each of a few inputs is read as often as it has elements: none overlaps itself, and no
  /// two are in the same memory.
  bool are_apart(std::span<const ValueId> inputs);

 private:
  /// A part of an owner's memory, in bytes.
  struct Part {
    ValueId owner;
    std::int64_t first, end, bytes;
    friend auto operator<=>(const Part&, const Part&) = default;
  };
  const Graph& graph_;
  Routing routing_;
  std::vector<ValueId> owners_;  // by value; empty until one is asked for
  std::vector<Part> parts_;
  std::vector<Read> sums_;
};

/// The bytes that one run of a node reads, each once. `reads` is of its graph, and holds nothing.
std::int64_t bytes_read_by(const NodeView& node, Reads& reads);

/// The bytes that one run of a node writes of its output `index`; 0 where it moves nothing.
std::int64_t bytes_written_of(const NodeView& node, std::size_t index);

/// The bytes that one run of a node writes.
std::int64_t bytes_written_by(const NodeView& node);

}  // namespace zoometer
