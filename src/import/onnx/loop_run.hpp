#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "import/onnx/loops.hpp"
#include "import/onnx/reader.hpp"

namespace zoometer {

using OnnxValueList = std::vector<OnnxValue>;

inline OnnxValue tensor_value(Tensor tensor) {
  OnnxValue value;
  value.kind = OnnxValue::Kind::tensor;
  value.id = tensor.id;
  return value;
}

/// What one iteration of a loop gives.
struct OnnxIteration {
  OnnxValue condition;
  OnnxValueList states;
  OnnxValueList results;  ///< collected by the loop
};

/// The body of a loop, run again and again. What is short is unrolled; of what is long, the graph
/// has one iteration, as nodes that repeat.
class LoopRun {
 public:
  /// Runs the body once. No number stands for any iteration.
  using Body =
      std::function<OnnxIteration(std::optional<std::int64_t> number, const OnnxValueList& states)>;

  /// `units`: of the budget, for one iteration. `prepare` makes what stands for the number of any
  /// iteration, before the nodes of one.
  LoopRun(
      OnnxContext& context, std::int64_t units, Body body, std::function<void()> prepare = [] {});

  /// Runs a known number of iterations; the states after them.
  OnnxValueList run(std::int64_t count, const OnnxValueList& states);
  /// Runs one iteration, which is in the graph by itself.
  OnnxIteration step(std::int64_t number, const OnnxValueList& states);
  /// How many iterations are unrolled at most.
  std::int64_t most_unrolled() const;

  /// What all iterations gave, along a new axis.
  OnnxValue collected(std::size_t index, std::int64_t axis);
  /// Forgets what was collected, of nodes that were taken back.
  void forget() { pieces_.clear(); }
  /// Everything that was appended runs at most as often as it was counted.
  void mark_bound();

  /// A shape and the type of elements.
  using Type = std::pair<Shape, DType>;
  /// The types of what an iteration gives.
  struct Types {
    std::vector<Type> results;
    std::vector<std::optional<Type>> elements;  ///< of states that are sequences
  };
  /// The types of what an iteration would give; it is not kept. Nothing where it does not fit.
  std::optional<Types> types(const OnnxValueList& states);

  /// "the Loop 'name'".
  std::string text_of_loop() const;
  void note(std::string text);

 private:
  struct Piece {
    OnnxValueList results;
    std::int64_t times = 1;
  };

  /// An iteration that is in the graph, and whether all later ones are like it.
  struct Trial {
    OnnxReader::Mark before;
    NodeId first_node = 0;
    std::size_t first_call = 0;
    OnnxIteration iteration;
    bool is_steady = false;
  };

  /// What an iteration appended: two with equal signatures cost the same.
  using Signature = std::vector<std::pair<const void*, std::int64_t>>;
  /// By how much each state grows in each dimension from one iteration to the next.
  using Growth = std::vector<Ints>;

  NodeId node_count() const { return static_cast<NodeId>(graph_.nodes().size()); }
  Tensor tensor(const OnnxValue& value);
  OnnxValueList repeat(std::int64_t count, OnnxValueList states);
  void note_repeats(std::int64_t times);
  OnnxValue opaque(const OnnxValue& value);
  bool is_same_constant(const OnnxValue& a, const OnnxValue& b);
  bool has_same_type(const OnnxValue& a, const OnnxValue& b) const;
  bool have_same_types(const OnnxValueList& a, const OnnxValueList& b) const;
  Signature signature(const Trial& trial) const;

  Trial run_once(std::optional<std::int64_t> number, const OnnxValueList& states);
  Trial run_any(std::optional<std::int64_t> number, OnnxValueList& states);
  Trial run_alike(std::int64_t number, const OnnxValueList& states);
  OnnxValueList finish(const Trial& trial, const OnnxValueList& states, std::int64_t times);

  std::optional<Growth> growth_of(const OnnxValueList& a, const OnnxValueList& b,
                                  const OnnxValueList& c);
  OnnxValueList grown(const OnnxValueList& states, const Growth& growth, std::int64_t distance);
  void mark_changed(const OnnxValueList& before, const OnnxValueList& after);
  void grow_sequences(const OnnxValueList& before, OnnxValueList& after, std::int64_t times);
  OnnxValueList run_samples(std::int64_t done, std::int64_t count, const OnnxValueList& states);

  OnnxContext& context_;
  OnnxReader& reader_;
  Graph& graph_;
  std::int64_t units_;
  Body body_;
  std::function<void()> prepare_;
  OnnxModules::Loop loop_;
  NodeId first_node_;
  std::vector<Piece> pieces_;
};

}  // namespace zoometer
