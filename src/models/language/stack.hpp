#pragma once

#include <vector>

#include "models/language/blocks.hpp"

namespace zoometer {

/// Height and width of a picture, or of the tokens that its patches are.
struct GridSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// What a stack gives.
struct StackResult {
  Tensor tokens;                     ///< (N, tokens, features), or (N, features)
  std::vector<Tensor> further = {};  ///< of its branches
};

/// The layers of a StackPlan, below the outermost module.
class Stack {
 public:
  /// Declares them. The plan outlives the stack; `shared_table` is the decoder's, or empty.
  Stack(const ModuleBase& model, const StackPlan& plan, Tensor shared_table);

  /// Traces what passes: indices (N, L), or pictures (N, channels, height, width), or sound
  /// (N, features, frames). Throws Error{usage} where the input does not fit.
  StackResult run(Tensor input, const Passage& passage) const;

  const StackPlan& plan() const noexcept { return *plan_; }

 private:
  /// The modules and parameters of one step.
  struct Built {
    AnyModule module = {};
    Tensor first = {};
    std::vector<const TransformerLayer*> layers = {};
    std::vector<Built> inner = {};
  };
  struct State;

  Built build(const Step& step);
  void build_layers(const Step& step, Built& built);
  void build_probe(const Step& step, Built& built) const;
  Tensor parameter_at(const std::string& path, const Shape& shape, bool is_buffer = false) const;
  Slot place_of(std::string_view path) const;
  std::string_view container_kind() const;
  void run_steps(const std::vector<Step>& steps, const std::vector<Built>& built,
                 State& state) const;
  void run_step(const Step& step, const Built& built, State& state) const;
  void run_layers(const Built& built, std::int64_t repeats, State& state) const;
  Tensor table_for(Tensor table, const Step& step, const State& state) const;

  const StackPlan* plan_;
  Slot model_;
  std::vector<Built> built_;
  std::vector<const RotaryEmbedding*> rotaries_;
  Tensor table_;  // of tokens, for a head that shares it
};

/// How many tokens a picture or a sound gives, an input of that shape.
std::int64_t stack_tokens(const StackPlan& plan, const Shape& input);

}  // namespace zoometer
