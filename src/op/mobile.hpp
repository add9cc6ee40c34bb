#pragma once

#include "zoometer/op/movement.hpp"
#include "zoometer/op/op.hpp"

// Operators that runtimes for small devices have in forms of their own.

namespace zoometer {

/// Of rearrange.
struct RearrangeAttrs {
  std::string_view what;  ///< the source's operator, "DEPTH_TO_SPACE"; lives as long as the graph
  Ints sizes;             ///< the result's
  static constexpr std::tuple fields{field("what", &RearrangeAttrs::what),
                                     field("sizes", &RearrangeAttrs::sizes)};
};

/// Of cells.
struct CellsAttrs {
  std::int64_t gates = 4;      ///< products with x and with the state: 4 LSTM, 3 coupled, 1 RNN
  std::int64_t units = 0;      ///< of the cell
  std::int64_t steps = 1;      ///< of the sequence
  std::int64_t batch = 1;      ///< sequences
  std::int64_t features = 0;   ///< numbers of a step of x
  std::int64_t state = 0;      ///< numbers that go to the next step: the units, or their projection
  std::int64_t auxiliary = 0;  ///< numbers of a step of a second x
  bool projected = false;      ///< the state is a product of the units
  bool peepholes = false;      ///< gates see the cell
  bool layer_norm = false;     ///< gates are normalised
  Ints sizes;                  ///< the result's
  static constexpr std::tuple fields{
      field("gates", &CellsAttrs::gates),         field("units", &CellsAttrs::units),
      field("steps", &CellsAttrs::steps),         field("batch", &CellsAttrs::batch),
      field("features", &CellsAttrs::features),   field("state", &CellsAttrs::state),
      field("auxiliary", &CellsAttrs::auxiliary), field("projected", &CellsAttrs::projected),
      field("peepholes", &CellsAttrs::peepholes), field("layer_norm", &CellsAttrs::layer_norm),
      field("sizes", &CellsAttrs::sizes)};
};

/// Of svdf.
struct SvdfAttrs {
  std::int64_t rank = 1;  ///< filters of a unit, which are summed up
  static constexpr std::tuple fields{field("rank", &SvdfAttrs::rank)};
};

/// The same tensor with its axes named in another order: nothing moves. A format whose channels are
/// last so uses operators that are written with channels first.
extern const OpDef name_axes_op;
/// A movement that only a runtime defines, with the sizes of its result.
extern const OpDef rearrange_op;
/// A recurrent layer whose gates have weights of their own.
extern const OpDef cells_op;
/// A dense layer over time of rank-1 filters, with a memory of past steps.
extern const OpDef svdf_op;

/// Axis i of the result is axis `dims[i]` of x.
Tensor name_axes(Tensor x, const Ints& dims);
/// x and what decides where its elements go -> sizes, in the type of x.
Tensor rearrange(std::span<const Tensor> operands, const RearrangeAttrs& attrs);

}  // namespace zoometer
