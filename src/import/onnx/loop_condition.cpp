// The part of a Loop's body that decides how often it runs.
#include <algorithm>
#include <cmath>

#include "import/onnx/fold.hpp"
#include "import/onnx/loops.hpp"
#include "import/onnx/reader.hpp"
#include "util/seeded_hash.hpp"

namespace zoometer {
namespace {

constexpr std::size_t most_steps = 256;             // of the condition
constexpr std::int64_t most_executed = 20'000'000;  // of all iterations
constexpr int deepest_condition = 64;

/// One number, as an element of a tensor of its type.
struct Number {
  DType dtype = DType::int64;
  std::int64_t integer = 0;
  double real = 0;

  bool is_real() const noexcept { return is_floating(dtype); }
  double as_real() const noexcept { return is_real() ? real : static_cast<double>(integer); }
  bool is_true() const noexcept { return is_real() ? real != 0 : integer != 0; }
  bool operator==(const Number& other) const noexcept {
    return dtype == other.dtype && integer == other.integer && real == other.real;
  }
};

Number truth(bool holds) { return {DType::boolean, holds ? 1 : 0, 0}; }

Number number_of(const KnownTensor& tensor) {
  Number number{tensor.dtype, 0, 0};
  if (tensor.is_real()) {
    number.real = tensor.real(0);
  } else {
    number.integer = tensor.integer(0);
  }
  return number;
}

using Register = std::uint32_t;

/// Computes a number from up to three; false where it is not one (a division by zero).
using Compute = bool (*)(const Number& a, const Number& b, const Number& c, Number& result);

template <class Op>
bool arithmetic(const Number& a, const Number& b, const Number&, Number& result) {
  bool good = true;
  result = a;
  if (a.is_real()) {
    result.real = rounded(Op()(a.real, b.as_real(), good), a.dtype);
  } else {
    result.integer = Op()(a.integer, b.integer, good);
  }
  return good;
}

/// As runtimes divide: reals by 0 give an infinity.
struct RealQuotient : Quotient {
  using Quotient::operator();
  double operator()(double a, double b, bool&) const { return a / b; }
};

/// `Mod` of integers; of reals only with `fmod`, which conditions do not have.
struct IntegerRemainder : Remainder {
  using Remainder::operator();
  double operator()(double, double, bool& good) const {
    good = false;
    return 0;
  }
};

template <class Op>
bool comparison(const Number& a, const Number& b, const Number&, Number& result) {
  result = truth(a.is_real() ? Op()(a.real, b.as_real()) : Op()(a.integer, b.integer));
  return true;
}

bool same(const Number& a, const Number&, const Number&, Number& result) {
  result = a;
  return true;
}
bool negate(const Number& a, const Number&, const Number&, Number& result) {
  result = a;
  result.real = -a.real;
  return !__builtin_sub_overflow(std::int64_t{0}, a.integer, &result.integer);
}
bool invert(const Number& a, const Number&, const Number&, Number& result) {
  result = truth(!a.is_true());
  return true;
}
bool both(const Number& a, const Number& b, const Number&, Number& result) {
  result = truth(a.is_true() && b.is_true());
  return true;
}
bool either(const Number& a, const Number& b, const Number&, Number& result) {
  result = truth(a.is_true() || b.is_true());
  return true;
}
bool one_of(const Number& a, const Number& b, const Number&, Number& result) {
  result = truth(a.is_true() != b.is_true());
  return true;
}
bool choose(const Number& a, const Number& b, const Number& c, Number& result) {
  result = a.is_true() ? b : c;
  return true;
}
/// `b` has the type to cast to.
bool cast(const Number& a, const Number& b, const Number&, Number& result) {
  if (b.dtype == DType::boolean) {
    result = truth(a.is_true());
    return true;
  }
  result = Number{b.dtype, 0, 0};
  if (result.is_real()) {
    result.real = rounded(a.as_real(), b.dtype);
    return true;
  }
  const bool is_wide = b.dtype == DType::int64 || b.dtype == DType::int32;
  if (!is_wide || (a.is_real() && !(std::abs(a.real) < 0x1p62))) return false;
  result.integer = a.is_real() ? static_cast<std::int64_t>(a.real) : a.integer;
  if (b.dtype == DType::int32) result.integer = static_cast<std::int32_t>(result.integer);
  return true;
}

struct ScalarOperator {
  std::string_view name;
  std::size_t operands;
  Compute compute;
};

constexpr ScalarOperator scalar_operators[] = {
    {"Add", 2, arithmetic<Plus>},
    {"And", 2, both},
    {"Div", 2, arithmetic<RealQuotient>},
    {"Equal", 2, comparison<std::equal_to<>>},
    {"Greater", 2, comparison<std::greater<>>},
    {"GreaterOrEqual", 2, comparison<std::greater_equal<>>},
    {"Identity", 1, same},
    {"Less", 2, comparison<std::less<>>},
    {"LessOrEqual", 2, comparison<std::less_equal<>>},
    {"Max", 2, arithmetic<Larger>},
    {"Min", 2, arithmetic<Smaller>},
    {"Mod", 2, arithmetic<IntegerRemainder>},
    {"Mul", 2, arithmetic<Times>},
    {"Neg", 1, negate},
    {"Not", 1, invert},
    {"Or", 2, either},
    {"Reshape", 1, same},
    {"Squeeze", 1, same},
    {"Sub", 2, arithmetic<Minus>},
    {"Unsqueeze", 1, same},
    {"Where", 3, choose},
    {"Xor", 2, one_of},
};

struct Step {
  Compute compute = nullptr;
  Register a = 0;
  Register b = 0;
  Register c = 0;
  Register result = 0;
};

/// Translates the nodes that a Loop's condition depends on into steps on numbers.
class ConditionProgram {
 public:
  ConditionProgram(OnnxContext& context, const OnnxGraph& body, std::span<const OnnxValue> states)
      : context_(context),
        reader_(context.reader()),
        body_(body),
        states_(states),
        state_registers_(states.size(), no_id) {
    layers_.push_back(layer_of(body));
    for (std::size_t i = 0; i < body.inputs.size(); ++i) inputs_.emplace(body.inputs[i].name, i);
    iteration_ = add({DType::int64, 0, 0});
    condition_ = add(truth(true));
  }

  /// False where a step has no number.
  bool compile() {
    next_condition_ = resolve(body_.outputs[0].name, 0);
    // A state that is used needs its next value, which may use further states.
    for (std::size_t done = 0; done < used_states_.size() && next_condition_ != no_id; ++done) {
      const std::size_t state = used_states_[done];
      const Register next = resolve(body_.outputs[state + 1].name, 0);
      if (next == no_id) return false;
      next_states_.push_back(next);
    }
    return next_condition_ != no_id;
  }

  std::optional<std::int64_t> run(std::int64_t limit) {
    const auto each = static_cast<std::int64_t>(steps_.size() + used_states_.size() + 1);
    std::int64_t left = most_executed;
    std::vector<Number> before(used_states_.size());
    for (std::int64_t trip = 0; trip < limit; ++trip) {
      if ((left -= each) < 0) return std::nullopt;
      numbers_[iteration_].integer = trip;
      for (const Step& step : steps_) {
        if (!step.compute(numbers_[step.a], numbers_[step.b], numbers_[step.c],
                          numbers_[step.result]))
          return std::nullopt;
      }
      const Number next = numbers_[next_condition_];
      for (std::size_t i = 0; i < before.size(); ++i) before[i] = numbers_[next_states_[i]];
      bool is_steady = !uses_iteration_;
      for (std::size_t i = 0; i < before.size(); ++i) {
        Number& state = numbers_[state_registers_[used_states_[i]]];
        is_steady = is_steady && state == before[i];
        state = before[i];
      }
      numbers_[condition_] = truth(next.is_true());
      if (!next.is_true()) return trip + 1;
      if (is_steady) return limit;
    }
    return limit;
  }

  /// By carried value: what it is after `run`, where it is a part of the program.
  std::vector<const KnownTensor*> final_states() {
    std::vector<const KnownTensor*> known(states_.size(), nullptr);
    for (const std::size_t state : used_states_) {
      const Number& number = numbers_[state_registers_[state]];
      const Shape& shape = reader_.shape_of(states_[state]);
      const double real[] = {number.real};
      const std::int64_t integer[] = {number.integer};
      known[state] = number.is_real() ? context_.make_reals(number.dtype, shape, real)
                                      : context_.make_integers(number.dtype, shape, integer);
    }
    return known;
  }

 private:
  /// A body or a branch: where its names are made.
  struct Layer {
    OnnxGraph graph;
    NameMap<std::size_t> makers;
    NameMap<Register> registers;
  };

  Layer layer_of(const OnnxGraph& graph) const {
    Layer layer{graph, {}, {}};
    OnnxNode node;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      reader_.records().node(graph.nodes[i], node);
      for (const std::string_view name : node.outputs) {
        if (!name.empty()) layer.makers.try_emplace(name, i);
      }
    }
    return layer;
  }

  Register add(const Number& number) {
    numbers_.push_back(number);
    return static_cast<Register>(numbers_.size() - 1);
  }
  Register add_step(Compute compute, Register a, Register b, Register c) {
    if (a == no_id || b == no_id || c == no_id || steps_.size() == most_steps) return no_id;
    const Register result = add({});
    steps_.push_back({compute, a, b, c, result});
    return result;
  }
  Register add_known(const KnownTensor* known) {
    return known != nullptr && known->count() == 1 ? add(number_of(*known)) : no_id;
  }

  /// The register of a name, as seen from a layer; no_id where it is not one number.
  Register resolve(std::string_view name, int depth) {
    if (depth > deepest_condition) return no_id;
    for (std::size_t i = layers_.size(); i-- > 0;) {
      const auto found = layers_[i].registers.find(name);
      if (found != layers_[i].registers.end()) return found->second;
      const auto maker = layers_[i].makers.find(name);
      const bool is_input = i == 0 && inputs_.contains(name);
      if (maker == layers_[i].makers.end() && !is_input) continue;
      layers_[i].registers.emplace(name, no_id);  // of a node that reads its own output
      const Register made =
          is_input ? input_register(name) : node_register(i, maker->second, name, depth);
      layers_[i].registers[name] = made;
      return made;
    }
    for (const Layer& layer : layers_) {
      for (const OnnxInitializer& initializer : layer.graph.initializers) {
        const OnnxTensor tensor = reader_.records().tensor(initializer);
        if (tensor.name == name) return add_tensor(tensor);
      }
    }
    const OnnxValue* value = context_.frame().scope.find(name);
    return value == nullptr ? no_id : add_known(reader_.known(*value));
  }

  Register add_tensor(const OnnxTensor& tensor) {
    return numel(tensor.shape) == 1
               ? add_known(reader_.known(OnnxValue::of(reader_.store(tensor, true))))
               : no_id;
  }

  Register input_register(std::string_view name) {
    const std::size_t index = inputs_.at(name);
    if (index == 0) uses_iteration_ = true;
    if (index < 2) return index == 0 ? iteration_ : condition_;
    const std::size_t state = index - 2;
    if (state >= states_.size()) return no_id;
    state_registers_[state] = add_known(reader_.known(states_[state]));
    if (state_registers_[state] != no_id) used_states_.push_back(state);
    return state_registers_[state];
  }

  Register node_register(std::size_t layer, std::size_t position, std::string_view name,
                         int depth) {
    OnnxNode node;
    reader_.records().node(layers_[layer].graph.nodes[position], node);
    // Names of a branch are not visible from the layers around it.
    std::vector<Layer> inner(
        std::make_move_iterator(layers_.begin() + static_cast<std::ptrdiff_t>(layer) + 1),
        std::make_move_iterator(layers_.end()));
    layers_.resize(layer + 1);
    const Register made = compile_node(node, name, depth);
    layers_.insert(layers_.end(), std::make_move_iterator(inner.begin()),
                   std::make_move_iterator(inner.end()));
    return made;
  }

  Register compile_node(const OnnxNode& node, std::string_view name, int depth) {
    if (!node.domain.empty()) return no_id;
    if (node.op_type == "Constant") return constant(node);
    if (node.op_type == "If") return branches(node, name, depth);
    if (node.op_type == "Cast" && node.inputs.size() == 1) {
      const auto to = std::ranges::find(node.attributes, "to", &OnnxAttribute::name);
      if (to == node.attributes.end()) return no_id;
      const Register operand = resolve(node.inputs[0], depth + 1);
      return add_step(cast, operand, add({onnx_dtype(to->integer), 0, 0}), 0);
    }
    const auto found = std::ranges::find(scalar_operators, node.op_type, &ScalarOperator::name);
    if (found == std::end(scalar_operators) || node.inputs.size() < found->operands)
      return invariant(name);
    Register operands[3] = {0, 0, 0};
    for (std::size_t i = 0; i < found->operands; ++i) {
      operands[i] = resolve(node.inputs[i], depth + 1);
      if (operands[i] == no_id) return invariant(name);
    }
    return add_step(found->compute, operands[0], operands[1], operands[2]);
  }

  Register constant(const OnnxNode& node) {
    for (const OnnxAttribute& attribute : node.attributes) {
      if (attribute.name == "value") return add_tensor(reader_.records().tensor(attribute.tensor));
      if (attribute.name == "value_int") return add({DType::int64, attribute.integer, 0});
      if (attribute.name == "value_float")
        return add({DType::float32, 0, static_cast<double>(attribute.real)});
    }
    return no_id;
  }

  Register branches(const OnnxNode& node, std::string_view name, int depth) {
    const auto place = std::ranges::find(node.outputs, name) - node.outputs.begin();
    const Register condition = resolve(node.inputs.empty() ? "" : node.inputs[0], depth + 1);
    Register results[2] = {no_id, no_id};
    for (const OnnxAttribute& attribute : node.attributes) {
      if (attribute.graph.empty()) continue;
      layers_.push_back(layer_of(reader_.records().graph(attribute.graph)));
      const auto& outputs = layers_.back().graph.outputs;
      if (static_cast<std::size_t>(place) < outputs.size()) {
        results[attribute.name == "then_branch" ? 0 : 1] =
            resolve(outputs[static_cast<std::size_t>(place)].name, depth + 1);
      }
      layers_.pop_back();
    }
    return add_step(choose, condition, results[0], results[1]);
  }

  /// A value of the body that no iteration changes, as the size of a tensor from outside: its nodes
  /// are read alone.
  Register invariant(std::string_view name) {
    if (layers_.size() != 1) return no_id;
    std::vector<bool> needed(body_.nodes.size(), false);
    std::vector<std::string_view> open = {name};
    OnnxNode node;
    std::size_t count = 0;
    while (!open.empty()) {
      const std::string_view next = open.back();
      open.pop_back();
      if (inputs_.contains(next)) return no_id;
      const auto maker = layers_[0].makers.find(next);
      if (maker == layers_[0].makers.end() || needed[maker->second]) continue;
      if (++count > most_steps) return no_id;
      needed[maker->second] = true;
      reader_.records().node(body_.nodes[maker->second], node);
      open.insert(open.end(), node.inputs.begin(), node.inputs.end());
      for (const OnnxAttribute& attribute : node.attributes) {
        if (!attribute.graph.empty()) return no_id;
      }
    }
    OnnxGraph part = body_;
    part.inputs.clear();
    part.nodes.clear();
    part.outputs.assign(1, {name, {}});
    for (std::size_t i = 0; i < needed.size(); ++i) {
      if (needed[i]) part.nodes.push_back(body_.nodes[i]);
    }
    const OnnxReader::Mark before = reader_.mark();
    Register result = no_id;
    try {
      result = add_known(reader_.known(reader_.run_subgraph(part, context_.frame(), {})[0]));
    } catch (const Error& error) {
      if (error.code == ErrorCode::limit) throw;
    }
    reader_.rewind(before);
    return result;
  }

  OnnxContext& context_;
  OnnxReader& reader_;
  const OnnxGraph& body_;
  std::span<const OnnxValue> states_;
  std::vector<Layer> layers_;  // the body, and the branches that are being translated
  NameMap<std::size_t> inputs_;
  std::vector<Number> numbers_;  // by register
  std::vector<Step> steps_;
  std::vector<Register> state_registers_;  // by state; no_id: not used
  std::vector<std::size_t> used_states_;
  std::vector<Register> next_states_;  // of used_states_
  Register iteration_ = 0;
  Register condition_ = 0;
  Register next_condition_ = no_id;
  bool uses_iteration_ = false;
};

}  // namespace

std::optional<LoopEnd> run_condition(OnnxContext& context, const OnnxGraph& body,
                                     std::span<const OnnxValue> states, std::int64_t limit) {
  ConditionProgram program(context, body, states);
  if (!program.compile()) return std::nullopt;
  const std::optional<std::int64_t> trips = program.run(limit);
  if (!trips) return std::nullopt;
  return LoopEnd{*trips, program.final_states()};
}

}  // namespace zoometer
