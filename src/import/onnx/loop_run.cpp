// How the iterations of a loop come into the graph.
#include "import/onnx/loop_run.hpp"

#include <algorithm>

#include "op/loop.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// What is unrolled: some thousands of nodes.
constexpr std::int64_t most_unrolled_units = 100'000;
constexpr std::int64_t most_unrolled_trips = 4096;
constexpr std::int64_t most_times = std::int64_t{1} << 48;  // of loops within loops

/// Whether sizes are exact, bounds or guesses.
int certainty_of(const Value& value) noexcept {
  return value.flags & (Value::bounded | Value::assumed);
}

bool is_even(const std::vector<Ints>& growth) {
  return std::ranges::all_of(growth, [](const Ints& sizes) {
    return std::ranges::all_of(sizes, [](std::int64_t size) { return size == 0; });
  });
}

}  // namespace

LoopRun::LoopRun(OnnxContext& context, std::int64_t units, Body body, std::function<void()> prepare)
    : context_(context),
      reader_(context.reader()),
      graph_(context.graph()),
      units_(units),
      body_(std::move(body)),
      prepare_(std::move(prepare)),
      loop_(reader_.modules().begin_loop()),
      first_node_(node_count()) {}

std::int64_t LoopRun::most_unrolled() const {
  return std::clamp<std::int64_t>(most_unrolled_units / units_, 1, most_unrolled_trips);
}

OnnxValueList LoopRun::run(std::int64_t count, const OnnxValueList& states) {
  if (count > most_unrolled() || !reader_.unroll(count * units_)) return repeat(count, states);
  OnnxValueList last = states;
  for (std::int64_t i = 0; i < count; ++i) last = step(i, last).states;
  return last;
}

/// Runs one iteration, which is in the graph by itself.
OnnxIteration LoopRun::step(std::int64_t number, const OnnxValueList& states) {
  reader_.modules().begin_iteration(loop_);
  OnnxIteration iteration = body_(number, states);
  pieces_.push_back({iteration.results, 1});
  return iteration;
}

/// What all iterations gave, along a new axis of an output.
OnnxValue LoopRun::collected(std::size_t index, std::int64_t axis) {
  const Piece* last = nullptr;
  bool is_once = true;
  std::int64_t total = 0;
  std::vector<Tensor> tensors;
  for (const Piece& piece : pieces_) {
    last = &piece;
    is_once = is_once && piece.times == 1;
    total = checked_add(total, piece.times);
  }
  if (last == nullptr) return {};
  if (last->results[index].shapeless) return last->results[index];
  const Tensor one = tensor(last->results[index]);
  const std::int64_t dim = context_.axis(axis, one.rank() + 1);
  if (!is_once) return tensor_value(collect(one, dim, total));
  for (const Piece& piece : pieces_) tensors.push_back(tensor(piece.results[index]));
  return tensor_value(stack(tensors, dim));
}

/// Everything that was appended runs at most as often as it was counted.
void LoopRun::mark_bound() {
  if (node_count() > first_node_) graph_.add_repeat({first_node_, node_count(), 1, true});
}

std::optional<LoopRun::Types> LoopRun::types(const OnnxValueList& states) {
  const OnnxReader::Mark before = reader_.mark();
  std::optional<Types> types;
  try {
    reader_.modules().begin_iteration(loop_);
    const OnnxIteration iteration = body_(0, states);
    types.emplace();
    for (const OnnxValue& value : iteration.results)
      types->results.emplace_back(reader_.shape_of(value), reader_.dtype_of(value));
    for (const OnnxValue& value : iteration.states) {
      const bool has_element = value.kind == OnnxValue::Kind::sequence && !value.sequence->empty();
      const OnnxValue element = has_element ? value.sequence->front() : OnnxValue{};
      types->elements.push_back(
          element.is_tensor() && !element.shapeless
              ? std::optional(Type(reader_.shape_of(element), reader_.dtype_of(element)))
              : std::nullopt);
    }
  } catch (const Error& error) {
    if (error.code == ErrorCode::limit) throw;
  }
  reader_.rewind(before);
  return types;
}

std::string LoopRun::text_of_loop() const {
  return "the " + std::string(context_.node().op_type) + " " +
         in_quotes(loop_name(context_.node()));
}

Tensor LoopRun::tensor(const OnnxValue& value) {
  return {&graph_, reader_.enter(value, OnnxReader::Role::data, loop_name(context_.node()))};
}

/// Runs many iterations. Those that are alike are in the graph once.
OnnxValueList LoopRun::repeat(std::int64_t count, OnnxValueList states) {
  constexpr std::int64_t most_peeled = 2;
  std::int64_t times = 0;
  if (__builtin_mul_overflow(reader_.repeated(), count, &times) || times > most_times) {
    note(text_of_loop() + " runs too often to be counted: its figures are per iteration");
    return step(0, states).states;
  }
  const OnnxReader::Repeated around(reader_, times);
  for (std::int64_t done = 0;; ++done) {
    if (count - done == 1) return step(done, states).states;
    const Trial trial = run_alike(done, states);
    if (trial.is_steady) {
      note_repeats(count - done);
      return finish(trial, states, count - done);
    }
    reader_.rewind(trial.before);
    if (done == most_peeled) return run_samples(done, count, states);
    states = step(done, states).states;
  }
}

void LoopRun::note_repeats(std::int64_t times) {
  note(text_of_loop() + ": its body is in the graph once and counted " + std::to_string(times) +
       " times");
}

/// A value of which only the type is known: that of any iteration.
OnnxValue LoopRun::opaque(const OnnxValue& value) {
  if (!value.is_tensor() || value.id != no_id) return value;
  OnnxValue result = tensor_value(tensor(value));
  result.shapeless = value.shapeless;
  return result;
}

bool LoopRun::is_same_constant(const OnnxValue& a, const OnnxValue& b) {
  if (a.stored != nullptr && a.stored == b.stored) return true;
  const KnownTensor* x = reader_.known(a);
  const KnownTensor* y = reader_.known(b);
  if (x == nullptr || y == nullptr) return false;
  return x == y ||
         (x->dtype == y->dtype && x->shape == y->shape && x->uniform == y->uniform &&
          std::ranges::equal(x->integers, y->integers) && std::ranges::equal(x->reals, y->reals));
}

bool LoopRun::has_same_type(const OnnxValue& a, const OnnxValue& b) const {
  if (a.kind != b.kind || a.shapeless != b.shapeless) return false;
  if (a.kind == OnnxValue::Kind::absent) return true;
  if (a.kind == OnnxValue::Kind::sequence) {
    return a.sequence->size() == b.sequence->size() &&
           std::ranges::equal(*a.sequence, *b.sequence,
                              [&](const auto& x, const auto& y) { return has_same_type(x, y); });
  }
  const auto certainty = [&](const OnnxValue& value) {
    return value.id == no_id ? 0 : certainty_of(graph_.value(value.id));
  };
  return reader_.shape_of(a) == reader_.shape_of(b) && reader_.dtype_of(a) == reader_.dtype_of(b) &&
         certainty(a) == certainty(b);
}

bool LoopRun::have_same_types(const OnnxValueList& a, const OnnxValueList& b) const {
  return std::ranges::equal(a, b,
                            [&](const auto& x, const auto& y) { return has_same_type(x, y); });
}

/// Leaves out single numbers, which are nodes only where they are not known.
LoopRun::Signature LoopRun::signature(const Trial& trial) const {
  Signature signature;
  const auto is_number = [&](ValueId value) { return value == no_id || graph_.numel(value) <= 1; };
  for (NodeId id = trial.first_node; id < node_count(); ++id) {
    const Node& node = graph_.nodes()[id];
    bool is_small = std::ranges::all_of(graph_.inputs_of(node), is_number);
    for (std::uint32_t k = 0; k < node.output_count; ++k)
      is_small = is_small && is_number(node.first_output + k);
    if (is_small) continue;
    signature.emplace_back(node.op, graph_.runs_of(node).times);
    for (std::uint32_t k = 0; k < node.output_count; ++k) {
      const Value& value = graph_.value(node.first_output + k);
      signature.emplace_back(value.type,
                             static_cast<std::int64_t>(value.dtype) * 256 + certainty_of(value));
    }
  }
  return signature;
}

LoopRun::Trial LoopRun::run_once(std::optional<std::int64_t> number, const OnnxValueList& states) {
  if (!number) prepare_();
  Trial trial;
  trial.before = reader_.mark();
  trial.first_call = reader_.modules().begin_iteration(loop_);
  trial.first_node = node_count();
  trial.iteration = body_(number, states);
  return trial;
}

/// Reads the body until it is known which states are the same constants in every iteration. Of
/// the others only the types are known in the iteration that stays in the graph.
LoopRun::Trial LoopRun::run_any(std::optional<std::int64_t> number, OnnxValueList& states) {
  for (;;) {
    Trial trial = run_once(number, states);
    std::vector<bool> varies(states.size(), false);
    for (std::size_t i = 0; i < states.size(); ++i) {
      varies[i] = states[i].is_tensor() && states[i].id == no_id &&
                  !is_same_constant(states[i], trial.iteration.states[i]);
    }
    if (std::ranges::find(varies, true) == varies.end()) return trial;
    reader_.rewind(trial.before);
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (varies[i]) states[i] = opaque(states[i]);
    }
  }
}

/// An iteration that is known exactly. It stands for all later ones if one of which only the
/// types are known costs the same and leaves the same types.
LoopRun::Trial LoopRun::run_alike(std::int64_t number, const OnnxValueList& states) {
  const OnnxReader::Mark before = reader_.mark();
  std::optional<Signature> expected;
  try {
    OnnxValueList any = states;
    const Trial trial = run_any(std::nullopt, any);
    if (have_same_types(any, trial.iteration.states)) expected = signature(trial);
  } catch (const Error& error) {
    if (error.code == ErrorCode::limit) throw;
  }
  reader_.rewind(before);
  Trial exact = run_once(number, states);
  exact.is_steady =
      expected && *expected == signature(exact) && have_same_types(states, exact.iteration.states);
  return exact;
}

/// Makes an iteration that is in the graph stand for several.
OnnxValueList LoopRun::finish(const Trial& trial, const OnnxValueList& states, std::int64_t times) {
  reader_.modules().end_iterations(loop_, trial.first_call, times);
  if (node_count() > trial.first_node && times > 1)
    graph_.add_repeat({trial.first_node, node_count(), times, false});
  pieces_.push_back({trial.iteration.results, times});
  OnnxValueList result = trial.iteration.states;
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (!is_same_constant(states[i], result[i])) result[i] = opaque(result[i]);
  }
  return result;
}

/// By how much each state grows in each dimension from one iteration to the next; nothing where
/// it does so unevenly.
std::optional<LoopRun::Growth> LoopRun::growth_of(const OnnxValueList& a, const OnnxValueList& b,
                                                  const OnnxValueList& c) {
  Growth growth(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i].is_tensor() || !b[i].is_tensor() || !c[i].is_tensor()) continue;
    const Shape& x = reader_.shape_of(a[i]);
    const Shape& y = reader_.shape_of(b[i]);
    const Shape& z = reader_.shape_of(c[i]);
    if (x.size() != y.size() || y.size() != z.size()) return std::nullopt;
    for (std::size_t k = 0; k < x.size(); ++k) {
      if (y[k] - x[k] != z[k] - y[k]) return std::nullopt;
      growth[i].push_back(y[k] - x[k]);
    }
  }
  return growth;
}

/// The states before an iteration that is `distance` after the one that they belong to.
OnnxValueList LoopRun::grown(const OnnxValueList& states, const Growth& growth,
                             std::int64_t distance) {
  OnnxValueList result = states;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (std::ranges::all_of(growth[i], [](std::int64_t size) { return size == 0; })) continue;
    Ints sizes(reader_.shape_of(states[i]));
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      sizes[k] = checked_add(sizes[k], checked_mul(growth[i][k], distance));
      context_.require(sizes[k] >= 0, "states that keep a size of at least 0");
    }
    result[i] = tensor_value(loop_state(tensor(states[i]), sizes));
  }
  return result;
}

/// Gives sequences the elements of the iterations that are not in the graph.
void LoopRun::grow_sequences(const OnnxValueList& before, OnnxValueList& after,
                             std::int64_t times) {
  constexpr std::size_t most_elements = 0xFFFF;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (after[i].kind != OnnxValue::Kind::sequence || before[i].kind != after[i].kind) continue;
    const std::size_t own = before[i].sequence->size();
    OnnxValueList elements = *after[i].sequence;
    if (elements.size() <= own) continue;
    const std::size_t more = elements.size() - own;
    if (times > static_cast<std::int64_t>((most_elements - own) / more)) {
      note(text_of_loop() + ": a sequence of more than 65535 elements is cut off");
      times = static_cast<std::int64_t>((most_elements - own) / more);
    }
    const std::size_t end = elements.size();
    for (std::int64_t k = 1; k < times; ++k) {
      for (std::size_t at = own; at < end; ++at) elements.push_back(OnnxValue(elements[at]));
    }
    after[i].sequence = reader_.keep_sequence(std::move(elements));
  }
}

/// Marks the sizes that change unevenly: those after the last iteration are not known.
void LoopRun::mark_changed(const OnnxValueList& before, const OnnxValueList& after) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (!before[i].is_tensor() || !after[i].is_tensor() || after[i].id == no_id) continue;
    const Shape from = reader_.shape_of(before[i]);
    const Shape to = reader_.shape_of(after[i]);
    UnknownSizes changed = 0;
    for (std::size_t k = 0; k < to.size(); ++k) {
      if (from.size() != to.size() || from[k] != to[k]) changed |= UnknownSizes{1} << k;
    }
    if (changed != 0)
      reader_.set_inexact(after[i].id, from.size() == to.size() ? from : to, changed, true);
  }
}

/// Iterations whose sizes change evenly, or depend on their number: the one in the middle stands
/// for all but the last. That is exact where costs grow evenly.
OnnxValueList LoopRun::run_samples(std::int64_t done, std::int64_t count,
                                   const OnnxValueList& states) {
  OnnxValueList varying = states;
  const OnnxReader::Mark before = reader_.mark();
  const OnnxValueList first = run_any(done, varying).iteration.states;
  OnnxValueList next = first;
  const OnnxValueList second = run_any(done + 1, next).iteration.states;
  std::optional<Growth> growth = growth_of(varying, first, second);
  reader_.rewind(before);
  const bool is_uneven = !growth;
  if (is_uneven) growth = Growth(states.size());
  const std::int64_t left = count - done;
  const auto run_at = [&](std::int64_t number, std::int64_t times) {
    OnnxValueList own = grown(states, *growth, number - done);
    const Trial trial = run_any(number, own);
    return finish(trial, own, times);
  };
  const auto signature_at = [&](std::int64_t number) {
    const OnnxReader::Mark mark = reader_.mark();
    OnnxValueList own = grown(states, *growth, number - done);
    Signature signature = this->signature(run_any(number, own));
    reader_.rewind(mark);
    return signature;
  };
  const Signature signature = signature_at(done);
  const bool are_alike =
      signature == signature_at(done + left / 2) && signature == signature_at(count - 1);
  if (is_even(*growth) && are_alike) {
    if (is_uneven) {
      note(text_of_loop() + ": the sizes of its iterations change unevenly; all " +
           std::to_string(count) + " are counted like one");
    } else {
      note_repeats(left);
    }
    OnnxValueList result = run_at(done, left);
    if (is_uneven) mark_changed(states, result);
    grow_sequences(states, result, left);
    return result;
  }
  note(text_of_loop() + ": its " + std::to_string(count) +
       " iterations are not alike; the middle one and the last are counted for all, which is "
       "exact where costs grow evenly");
  const std::int64_t others = left - 1;
  const std::int64_t middle = done + (others - 1) / 2;
  if (others % 2 == 1) {
    run_at(middle, others);
  } else {
    run_at(middle, others / 2);
    run_at(middle + 1, others / 2);
  }
  OnnxValueList result = run_at(count - 1, 1);
  grow_sequences(states, result, left);
  return result;
}

void LoopRun::note(std::string text) {
  reader_.note_some("loop", std::move(text),
                    "further loops are counted by the same rules, with one iteration where their "
                    "trip count is not known");
}

}  // namespace zoometer
