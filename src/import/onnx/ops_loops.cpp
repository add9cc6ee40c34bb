// Loop and Scan. What is short is unrolled; the body of a longer loop is in the graph once, as
// nodes that repeat.
#include <algorithm>

#include "import/onnx/loop_run.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {

OnnxGraph body_of(OnnxContext& context, std::string_view name) {
  const OnnxAttribute* found = context.attribute(name);
  context.require(found != nullptr && !found->graph.empty(),
                  "a graph as attribute '" + std::string(name) + "'");
  return context.reader().records().graph(found->graph);
}

std::string_view loop_name(const OnnxNode& node) {
  if (!node.name.empty()) return node.name;
  const auto first = std::ranges::find_if(node.outputs, [](auto name) { return !name.empty(); });
  return first == node.outputs.end() ? std::string_view{} : *first;
}

namespace {

constexpr std::int64_t endless = INT64_MAX;
/// Exporters write counts from here on where only a condition ends the loop.
constexpr std::int64_t least_endless = INT32_MAX;
/// How often a loop runs, and how well that is known.
struct Trips {
  std::int64_t count = 1;
  bool is_bound = false;    ///< it may end before
  bool is_unknown = false;  ///< one iteration is counted
};

/// An output of a loop that runs no time: of size 0 along the axis.
OnnxOutcome out_nothing(OnnxContext& context, std::size_t output, std::int64_t axis,
                        const std::optional<std::pair<Shape, DType>>& piece) {
  if (!context.wants(output)) return OnnxOutcome::done;
  if (piece) {
    Shape shape = piece->first;
    shape.insert(static_cast<std::size_t>(context.axis(axis, shape.rank() + 1)), 0);
    return context.out(output, full(context.graph(), shape, 0, piece->second));
  }
  const std::optional<DeclaredType> declared = context.declared(output);
  if (!declared || declared->shape.rank() == 0) return OnnxOutcome::depends_on_data;
  Shape shape = declared->shape;
  shape[static_cast<std::size_t>(context.axis(axis, shape.rank()))] = 0;
  return context.out(output, full(context.graph(), shape, 0, declared->dtype));
}

/// The type that a body declares for an output, with 0 for sizes that are not numbers.
std::optional<std::pair<Shape, DType>> declared_piece(OnnxContext& context,
                                                      const OnnxValueInfo& info) {
  const OnnxType type = context.reader().records().type(info.type);
  if (type.kind != OnnxType::Kind::tensor || !type.has_shape) return std::nullopt;
  std::pair<Shape, DType> piece{{}, type.dtype};
  for (std::size_t i = 0; i < type.rank; ++i)
    piece.first.push_back(std::max<std::int64_t>(0, type.dimensions[i].value));
  return piece;
}

// -- Loop ---------------------------------------------------------------------------------------

class LoopReader {
 public:
  explicit LoopReader(OnnxContext& context)
      : context_(context),
        reader_(context.reader()),
        body_(body_of(context, "body")),
        run_(
            context, reader_.units(body_),
            [this](auto number, const OnnxValueList& states) { return run_body(number, states); },
            [this] {
              any_number_ =
                  tensor_value(full(context_.graph(), shape_of_number(0), 0, DType::int64));
            }) {
    const std::size_t inputs = context.node().inputs.size();
    const std::size_t carried = inputs > 2 ? inputs - 2 : 0;
    context.require(body_.inputs.size() >= carried + 2 && body_.outputs.size() >= carried + 1,
                    "a body that takes and gives the loop's values");
    context.require(context.output_count() < body_.outputs.size(),
                    "as many outputs as the body gives");
    for (std::size_t i = 0; i < carried; ++i)
      states_.push_back(context.has(i + 2) ? context.value(i + 2) : OnnxValue{});
    condition_ = context.has(1) ? context.value(1)
                                : known_value(context.make_uniform(DType::boolean, {}, 1));
    proceed_ = condition_;
  }

  OnnxOutcome read() {
    if (!find_limit()) return OnnxOutcome::depends_on_data;
    const KnownTensor* condition = reader_.known(condition_);
    const bool never_begins =
        condition != nullptr && condition->count() == 1 && condition->real(0) == 0;
    if (given_) {
      trips_ = {*given_};
    } else if (limit_ == 0 || never_begins) {
      trips_ = {0};
    } else if (condition != nullptr && find_end()) {
      trips_ = {end_.trips};
    } else if (OnnxValueList states = states_; condition != nullptr && run_as_known(states)) {
      return finish(states);
    }
    if (!given_ && trips_.count > 0) settle();
    if (trips_.count == 0) return finish_empty();
    OnnxValueList states = run_.run(trips_.count, states_);
    if (is_end_known_ && end_.trips == trips_.count) take_end(states);
    return finish(states);
  }

 private:
  OnnxIteration run_body(std::optional<std::int64_t> number, const OnnxValueList& states) {
    OnnxValueList inputs;
    inputs.push_back(number ? known_value(iteration_number(*number)) : any_number_);
    inputs.push_back(as_declared(1, proceed_));
    inputs.insert(inputs.end(), states.begin(), states.end());
    const OnnxValueList outputs = reader_.run_subgraph(body_, context_.frame(), inputs);
    const auto first = outputs.begin() + 1;
    const auto middle = first + static_cast<std::ptrdiff_t>(states.size());
    return {outputs[0], OnnxValueList(first, middle), OnnxValueList(middle, outputs.end())};
  }

  /// Whether a body's input is declared as a vector: the iteration number may have the shape [1].
  Shape shape_of_number(std::size_t input) const {
    const OnnxType type = reader_.records().type(body_.inputs[input].type);
    return type.has_shape && type.rank == 1 ? Shape{1} : Shape{};
  }
  const KnownTensor* iteration_number(std::int64_t number) {
    const std::int64_t elements[] = {number};
    return context_.make_integers(DType::int64, shape_of_number(0), elements);
  }
  OnnxValue as_declared(std::size_t input, const OnnxValue& value) {
    const KnownTensor* known = reader_.known(value);
    const Shape shape = shape_of_number(input);
    if (known == nullptr || known->count() != 1 || known->shape == shape) return value;
    return known_value(context_.make_uniform(known->dtype, shape, known->real(0)));
  }

  /// How often the loop runs at most. False where its input is not one number.
  bool find_limit() {
    given_ = reader_.given().trips(loop_name(context_.node()));
    if (!context_.has(0)) return true;
    if (context_.known(0) == nullptr) {
      context_.take_unknown(0);
      for (std::size_t i = states_.size(); i < context_.output_count(); ++i) {
        const std::optional<DeclaredType> type = context_.declared(i);
        if (type && type->is_known() && type->shape.rank() > 0) limit_ = type->shape[0];
      }
      has_unknown_limit_ = limit_ == endless;
      return true;
    }
    limit_is_bound_ = context_.known(0)->bounded;
    limit_is_guess_ = context_.known(0)->assumed;
    const std::optional<std::int64_t> limit = context_.integer(0);
    if (limit) limit_ = std::max<std::int64_t>(0, *limit);
    return limit.has_value();
  }
  bool is_endless() const { return limit_ >= least_endless; }

  /// Finds the end by the condition alone.
  bool find_end() {
    std::optional<LoopEnd> end = run_condition(context_, body_, states_, limit_);
    if (!end || end->trips >= least_endless) return false;
    end_ = std::move(*end);
    is_end_known_ = true;
    if (has_unknown_limit_) trips_.is_bound = true;
    return true;
  }

  /// Runs iteration after iteration as long as the condition is known. False, with nothing read,
  /// where it does not end the loop.
  bool run_as_known(OnnxValueList& states) {
    const OnnxReader::Mark before = reader_.mark();
    const std::int64_t most = run_.most_unrolled();
    for (std::int64_t done = 0; done < std::min(most, limit_);) {
      const OnnxIteration iteration = run_.step(done++, states);
      states = iteration.states;
      proceed_ = iteration.condition;
      const KnownTensor* goes_on = reader_.known(proceed_);
      if (goes_on == nullptr || goes_on->count() != 1) break;
      if (goes_on->real(0) == 0 || done == limit_) {
        if (has_unknown_limit_) run_.mark_bound();
        return true;
      }
    }
    proceed_ = condition_;
    run_.forget();
    reader_.rewind(before);
    return false;
  }

  /// Settles how often a loop runs whose end is not known.
  void settle() {
    const bool is_known = is_end_known_;
    if (is_known && !has_unknown_limit_) return;
    if (is_known) {
      trips_ = {end_.trips, true};
    } else if (is_endless()) {
      trips_ = {1, false, true};
    } else {
      const bool runs_once = limit_ == 1 && reader_.known(condition_) != nullptr;
      trips_ = {limit_, !runs_once};
    }
    if (!trips_.is_bound && !trips_.is_unknown) return;
    const std::string name = std::string(loop_name(context_.node()));
    if (trips_.is_unknown) {
      run_.note(run_.text_of_loop() + " has no known trip count: its figures are per iteration; " +
                "set it with --trips " + name + "=N");
    } else {
      run_.note(run_.text_of_loop() + " may end before: it is counted with all its " +
                std::to_string(trips_.count) + " iterations; set them with --trips " + name + "=N");
    }
  }

  /// Takes the carried values whose last elements are known.
  void take_end(OnnxValueList& states) {
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (end_.states[i] != nullptr) states[i] = known_value(end_.states[i]);
    }
  }

  /// The first size of a list is the number of iterations.
  void mark_length(ValueId list) {
    const bool is_guess = trips_.is_unknown || limit_is_guess_;
    if (!is_guess && !trips_.is_bound) return;
    Shape other = context_.graph().shape(list);
    other[0] = is_guess ? other[0] + 1 : 0;
    reader_.set_inexact(list, other, UnknownSizes{1}, is_guess);
  }

  OnnxOutcome finish(const OnnxValueList& states) {
    if (limit_is_bound_ && !given_) trips_.is_bound = true;
    if (trips_.is_bound) run_.mark_bound();
    for (std::size_t i = 0; i < states.size(); ++i) context_.out_value(i, states[i]);
    for (std::size_t i = states.size(); i < context_.output_count(); ++i) {
      if (!context_.wants(i)) continue;
      const OnnxValue value = run_.collected(i - states.size(), 0);
      if (value.id != no_id && !value.shapeless) mark_length(value.id);
      context_.out_value(i, value);
    }
    return OnnxOutcome::done;
  }

  OnnxOutcome finish_empty() {
    const auto types = run_.types(states_);
    for (std::size_t i = 0; i < states_.size(); ++i) {
      OnnxValue state = states_[i];
      const bool is_empty = state.kind == OnnxValue::Kind::sequence && state.sequence->empty();
      if (types && is_empty && types->elements[i])
        state = reader_.empty_sequence(types->elements[i]->first, types->elements[i]->second);
      context_.out_value(i, state);
    }
    for (std::size_t i = states_.size(); i < context_.output_count(); ++i) {
      const auto piece = types ? std::optional(types->results[i - states_.size()])
                               : declared_piece(context_, body_.outputs[i + 1]);
      if (out_nothing(context_, i, 0, piece) != OnnxOutcome::done)
        return OnnxOutcome::depends_on_data;
    }
    return OnnxOutcome::done;
  }

  OnnxContext& context_;
  OnnxReader& reader_;
  OnnxGraph body_;
  LoopRun run_;
  OnnxValueList states_;
  OnnxValue condition_;
  OnnxValue proceed_;     // the condition of the iteration that is being read
  OnnxValue any_number_;  // the number of any iteration, on which no figure depends
  std::optional<std::int64_t> given_;
  std::int64_t limit_ = endless;
  bool has_unknown_limit_ = false;
  bool limit_is_bound_ = false;
  bool limit_is_guess_ = false;
  LoopEnd end_;
  bool is_end_known_ = false;
  Trips trips_;
};

OnnxOutcome emit_loop(OnnxContext& context) { return LoopReader(context).read(); }

// -- Scan ---------------------------------------------------------------------------------------

/// The inputs and outputs of a Scan and the axes that it runs along.
struct ScanPlan {
  OnnxGraph body;
  std::size_t states = 0;
  std::vector<std::int64_t> input_axes;
  std::vector<std::int64_t> output_axes;
};

/// One run over a sequence: final states and collected outputs. Nothing where the type of an output
/// of no elements is not known.
std::optional<OnnxValueList> run_scan(OnnxContext& context, const ScanPlan& plan,
                                      const OnnxValueList& state,
                                      std::span<const Tensor> sequences) {
  OnnxReader& reader = context.reader();
  const std::size_t scans = plan.body.outputs.size() - plan.states;
  const auto axis_of = [&](std::size_t i) {
    return context.axis(plan.input_axes[i], sequences[i].rank());
  };
  const std::int64_t length = sequences[0].dim(axis_of(0));
  LoopRun run(
      context, reader.units(plan.body),
      [&](std::optional<std::int64_t> number, const OnnxValueList& states) {
        OnnxValueList inputs = states;
        for (std::size_t i = 0; i < sequences.size(); ++i) {
          // An element of a sequence of length 0 still has a type.
          Tensor sequence = sequences[i];
          if (sequence.dim(axis_of(i)) == 0) {
            Shape shape = sequence.shape();
            shape.erase(static_cast<std::size_t>(axis_of(i)));
            inputs.push_back(tensor_value(full(context.graph(), shape, 0, sequence.dtype())));
            continue;
          }
          inputs.push_back(tensor_value(select(sequence, axis_of(i), number.value_or(0))));
        }
        const OnnxValueList outputs = reader.run_subgraph(plan.body, context.frame(), inputs);
        const auto middle = outputs.begin() + static_cast<std::ptrdiff_t>(plan.states);
        return OnnxIteration{
            {}, OnnxValueList(outputs.begin(), middle), OnnxValueList(middle, outputs.end())};
      });
  OnnxValueList results = state;
  if (length == 0) {
    const auto types = run.types(state);
    for (std::size_t i = 0; i < scans; ++i) {
      const auto piece = types ? std::optional(types->results[i])
                               : declared_piece(context, plan.body.outputs[plan.states + i]);
      if (!piece) return std::nullopt;
      Shape shape = piece->first;
      const std::int64_t axis = context.axis(plan.output_axes[i], shape.rank() + 1);
      shape.insert(static_cast<std::size_t>(axis), 0);
      results.push_back(tensor_value(full(context.graph(), shape, 0, piece->second)));
    }
    return results;
  }
  results = run.run(length, state);
  if (context.graph().value(sequences[0].id).has(Value::bounded)) run.mark_bound();
  for (std::size_t i = 0; i < scans; ++i) results.push_back(run.collected(i, plan.output_axes[i]));
  return results;
}

/// A Scan of the operator set 8, which runs over each sequence of a batch.
OnnxOutcome scan_batch(OnnxContext& context, const ScanPlan& plan,
                       std::span<const Tensor> sequences) {
  context.require(sequences[0].rank() >= 2, "a batch and a sequence dimension");
  const std::int64_t batch = sequences[0].dim(0);
  if (batch == 0) return OnnxOutcome::depends_on_data;
  OnnxValueList states;
  for (std::size_t i = 0; i < plan.states; ++i) states.push_back(context.value(1 + i));
  bool is_known = true;
  const std::int64_t units = 64 * context.reader().units(plan.body);
  LoopRun run(context, units, [&](std::optional<std::int64_t> number, const OnnxValueList&) {
    const std::int64_t at = number.value_or(0);
    OnnxValueList own;
    for (std::size_t i = 0; i < plan.states; ++i)
      own.push_back(tensor_value(select(context.in(1 + i), 0, at)));
    std::vector<Tensor> rows;
    for (const Tensor sequence : sequences) rows.push_back(select(sequence, 0, at));
    const std::optional<OnnxValueList> results = run_scan(context, plan, own, rows);
    is_known = is_known && results.has_value();
    return OnnxIteration{{}, {}, results.value_or(OnnxValueList(plan.body.outputs.size()))};
  });
  run.run(batch, {});
  if (!is_known) return OnnxOutcome::depends_on_data;
  for (std::size_t i = 0; i < context.output_count(); ++i) {
    if (context.wants(i)) context.out_value(i, run.collected(i, 0));
  }
  return OnnxOutcome::done;
}

OnnxOutcome emit_scan(OnnxContext& context) {
  ScanPlan plan;
  plan.body = body_of(context, "body");
  const bool has_batch = context.opset() < 9;  // and sequence lengths as the first input
  const std::size_t first = has_batch ? 1 : 0;
  const std::size_t inputs =
      context.node().inputs.size() - std::min(first, context.node().inputs.size());
  const auto scans = static_cast<std::size_t>(std::clamp<std::int64_t>(
      context.integer("num_scan_inputs", 0), 0, static_cast<std::int64_t>(inputs)));
  context.require(scans >= 1, "at least one scan input");
  plan.states = inputs - scans;
  context.require(plan.body.inputs.size() == inputs && plan.body.outputs.size() >= plan.states &&
                      context.output_count() <= plan.body.outputs.size(),
                  "a body that takes and gives the scan's values");
  const std::size_t outputs = plan.body.outputs.size() - plan.states;
  plan.input_axes =
      context.integers("scan_input_axes").value_or(std::vector<std::int64_t>(scans, 0));
  plan.output_axes =
      context.integers("scan_output_axes").value_or(std::vector<std::int64_t>(outputs, 0));
  context.require(plan.input_axes.size() == scans && plan.output_axes.size() == outputs,
                  "an axis per scan input and output");

  std::vector<Tensor> sequences;
  for (std::size_t i = 0; i < scans; ++i) sequences.push_back(context.in(first + plan.states + i));
  if (has_batch) return scan_batch(context, plan, sequences);
  OnnxValueList states;
  for (std::size_t i = 0; i < plan.states; ++i) states.push_back(context.value(i));
  const auto results = run_scan(context, plan, states, sequences);
  if (!results) return OnnxOutcome::depends_on_data;
  for (std::size_t i = 0; i < context.output_count(); ++i) context.out_value(i, (*results)[i]);
  return OnnxOutcome::done;
}

using enum Meaning;

constexpr NoEffect scan_no_effect[] = {
    {"directions", "from which end elements are taken"},
    {"scan_input_directions", "from which end elements are taken"},
    {"scan_output_directions", "from which end elements are written"},
};

constexpr OnnxOperator loop_rows[] = {
    {"Loop", same_cost, emit_loop, {.takes_anything = true}},
    {"Scan", same_cost, emit_scan, {.no_effect = scan_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_loop_operators = {"", loop_rows};

}  // namespace zoometer
