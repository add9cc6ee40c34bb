#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "zoometer/ir/tensor.hpp"

namespace zoometer::testing {

/// The operator and the tensors of a step: any numbers make a valid network.
using RandomStep = std::tuple<std::uint8_t, std::uint8_t, std::uint8_t>;

/// A random network: a directed acyclic graph of operators of every group, in a random tree of
/// modules. Every tensor but the parameters has the batch as its first size.
class RandomNetwork {
 public:
  explicit RandomNetwork(const std::vector<RandomStep>& steps, std::int64_t batch = 2);

  Graph graph;

 private:
  void run(const RandomStep& step);
  void apply_to_image(std::uint8_t operation, Tensor a, Tensor b);
  void apply_to_any(std::uint8_t operation, Tensor a, Tensor b);
  void add(Tensor tensor);
  void enter_module();
  void leave_module();
  Tensor pick(std::uint8_t choice) const;
  Tensor parameter(const Shape& shape, ParameterKind kind = ParameterKind::parameter);
  std::string_view numbered(const char* stem);

  /// A module that is being called, and what was current outside of it.
  struct OpenCall {
    std::uint32_t call = 0;
    ModuleId outer = 0;
  };

  std::vector<Tensor> tensors_;
  std::vector<OpenCall> open_;
  int names_ = 0;
};

}  // namespace zoometer::testing
