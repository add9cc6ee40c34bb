#pragma once

#include "zoometer/nn/form.hpp"

// The layers of quantizable networks that plain networks do not have. In float they compute what
// the plain operators do; nn/int8.hpp converts them to int8.

namespace zoometer {

/// Where the integers begin; returns its input in the float network.
struct QuantStub : Module<QuantStub> {
  static constexpr auto kind = "QuantStub";
  using Module::Module;
  Tensor forward(Tensor x) const { return x; }
};

/// Where the integers end; returns its input in the float network.
struct DeQuantStub : Module<DeQuantStub> {
  static constexpr auto kind = "DeQuantStub";
  using Module::Module;
  Tensor forward(Tensor x) const { return x; }
};

/// Joins tensors and passes the result to its child, which records the range for the scale. Only
/// its methods are called, so it has no calls. Results are always in new memory.
struct FloatFunctional : Module<FloatFunctional> {
  static constexpr auto kind = "FloatFunctional";
  using Module::Module;
  Identity activation_post_process{at("activation_post_process")};

  Tensor add(Tensor a, Tensor b) const { return activation_post_process(a + b); }
  Tensor add_to(Tensor sum, Tensor x) const { return add(sum, x); }
  Tensor add_relu(Tensor a, Tensor b) const {
    return activation_post_process(unary(relu_op, a + b));
  }
  Tensor multiply(Tensor a, Tensor b) const { return activation_post_process(a * b); }
  /// Along the channels.
  Tensor concatenate(std::initializer_list<Tensor> tensors) const {
    return activation_post_process(cat(tensors, 1));
  }
};

/// ReLU into new memory, also where its owner requests `inplace` or the plain network has a ReLU6.
struct QuantizableReLU : Activation<QuantizableReLU> {
  static constexpr auto kind = "ReLU";
  static constexpr const OpDef* op = &relu_op;
  QuantizableReLU(const Slot& slot, bool = false) : Activation(slot, false) {}
};

/// The quantizable twin: a form as nn/form.hpp describes it.
struct QuantizableForm {
  static constexpr bool quantizable = true;
  using Join = FloatFunctional;
  using ReLU = QuantizableReLU;
  using ReLU6 = QuantizableReLU;
  using FunctionalReLU = QuantizableReLU;
  using QuantStub = zoometer::QuantStub;
  using DeQuantStub = zoometer::DeQuantStub;
};

}  // namespace zoometer
