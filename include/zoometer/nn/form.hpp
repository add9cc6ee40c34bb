#pragma once

#include <initializer_list>

#include "zoometer/nn/layers.hpp"

// Some networks have a quantizable twin that differs from the plain network in a few places: it
// joins tensors through modules that can record ranges, has an activation module where the plain
// network calls a function, and a stub before and after it. Such a family takes its form as a
// template parameter; a form has the members of FloatForm.

namespace zoometer {

/// Joins tensors by plain operators. The twin's join is a module, which is why it takes a slot.
struct FloatJoin {
  /// For a join that the twin omits.
  FloatJoin() = default;
  /// Takes the slot of the twin's module and adds no module.
  FloatJoin(const Slot&) noexcept {}  // NOLINT: reads like a module

  /// a + b.
  Tensor add(Tensor a, Tensor b) const { return a + b; }
  /// `sum` += x, in the memory of `sum`.
  Tensor add_to(Tensor sum, Tensor x) const { return add_(sum, x); }
  /// a * b, element by element.
  Tensor multiply(Tensor a, Tensor b) const { return a * b; }
  /// Along the channels.
  Tensor concatenate(std::initializer_list<Tensor> tensors) const { return cat(tensors, 1); }
};

/// A function instead of the twin's activation module, in place.
struct FunctionalReLU {
  /// Takes the slot of the twin's module and adds no module.
  FunctionalReLU(const Slot&) noexcept {}  // NOLINT: reads like a module
  /// The positive elements of x, others as 0; of any shape.
  Tensor operator()(Tensor x) const { return unary(relu_op, x, true); }
};

/// Nothing instead of the twin's QuantStub and DeQuantStub.
struct NoStub {
  /// Takes the slot of the twin's module and adds no module.
  NoStub(const Slot&) noexcept {}  // NOLINT: reads like a module
  /// x itself.
  Tensor operator()(Tensor x) const { return x; }
};

/// The plain network.
struct FloatForm {
  static constexpr bool quantizable = false;        ///< which of the two it is
  using Join = FloatJoin;                           ///< how tensors are joined
  using ReLU = zoometer::ReLU;                      ///< torch.nn.ReLU
  using ReLU6 = zoometer::ReLU6;                    ///< torch.nn.ReLU6
  using FunctionalReLU = zoometer::FunctionalReLU;  ///< torch.nn.functional.relu
  using QuantStub = NoStub;                         ///< applied to the input
  using DeQuantStub = NoStub;                       ///< applied to the output
};

}  // namespace zoometer
