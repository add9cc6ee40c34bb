#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "import/onnx/context.hpp"
#include "import/onnx/reader.hpp"

namespace zoometer {

/// Reads a node of which an input is not exact: a size or an element of it is an upper bound, since
/// data decides it, or a guess, since nothing says it.
///
/// The operator's handler is asked several times: with the sizes as they are taken, and with other
/// ones (bounds at their least, other guesses). What all answers have in common is exact. Among
/// bounds the largest answer bounds the output. So a handler need not know what is exact. What does
/// not fit is adapted where an exact size shows what an inexact one must be.
class OnnxInexact {
 public:
  OnnxInexact(OnnxReader& reader, OnnxContext& context, const OnnxOperator& row);

  /// Computes outputs whose elements are not exact; false where the operator cannot.
  bool fold();
  /// Makes the node; false where it cannot be, with the inexact sizes or with any.
  bool emit();

 private:
  /// The inputs of the graph that are not exact, or one known tensor.
  struct Variable {
    std::vector<std::size_t> inputs;
    const KnownTensor* known = nullptr;
    const KnownTensor* plain = nullptr;  ///< the same, not marked as inexact
  };
  /// An input of the graph: its sizes in the world that is tried, and which of them are not exact.
  struct Operand {
    ValueId id = no_id;
    Shape shape;
    std::uint32_t open = 0;
  };
  /// An output: its sizes, or nothing where it is not a tensor.
  using Shapes = std::vector<std::optional<Shape>>;
  using World = unsigned;  // a bit for each variable that takes its other sizes

  void find_variables();
  std::vector<World> worlds() const;
  void enter(World world);
  void leave();
  void clear_outputs();
  const KnownTensor* combined(std::span<const KnownTensor* const> results) const;

  std::optional<Shapes> try_world(World world);
  bool try_handler();
  Shapes output_shapes();
  std::vector<Operand> operands() const;
  bool is_pointwise_since(const OnnxReader::Mark& before) const;
  /// Changes open sizes to what exact ones say; false where they say nothing.
  bool adapt(int attempt, std::vector<Operand>& operands) const;
  static bool meet(std::span<Operand> operands, std::int64_t at, bool broadcasts);
  static bool fit_broadcast(std::vector<Operand>& operands);
  static bool fit_product(int attempt, std::vector<Operand>& operands);
  bool fit_concat(std::vector<Operand>& operands) const;
  bool fit_channels(std::vector<Operand>& operands) const;
  bool fit_squeezed(std::vector<Operand>& operands) const;
  bool fit_expanded(std::vector<Operand>& operands) const;
  bool fit_elements(std::vector<Operand>& operands) const;
  void apply(std::span<const Operand> operands);
  void keep_adapted();
  void label_output(std::size_t index, const Shape& shape, const std::vector<Shapes>& others);

  OnnxReader& reader_;
  OnnxContext& context_;
  const OnnxOperator& row_;
  std::vector<OnnxValue> inputs_;          // as they are
  std::vector<const SharedShape*> types_;  // of inexact inputs of the graph, as they are
  std::vector<Variable> variables_;
  std::vector<Operand> adapted_;  // what made the last world fit, for good
  bool is_guess_ = false;         // an input is a guess, so nothing is bounded
  bool follows_batch_ = false;    // an input has a guess that is not tried otherwise
  bool depends_on_data_ = false;
  std::string problem_;
};

}  // namespace zoometer
