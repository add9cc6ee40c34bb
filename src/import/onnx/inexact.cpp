#include "import/onnx/inexact.hpp"

#include <algorithm>

#include "import/onnx/fold.hpp"
#include "import/onnx/reader.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::size_t most_variables = 4;
constexpr int attempts = 4;  // of `adapt`

bool covers(const Shape& larger, const Shape& smaller) {
  if (larger.size() != smaller.size()) return false;
  for (std::size_t i = 0; i < larger.size(); ++i) {
    if (larger[i] < smaller[i]) return false;
  }
  return true;
}

std::uint32_t differences(const Shape& a, const Shape& b) {
  if (a.size() != b.size()) return (std::uint32_t{1} << a.size()) - 1;
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) mask |= std::uint32_t{1} << i;
  }
  return mask;
}

bool has_bit(std::uint32_t mask, std::int64_t index) {
  return (mask >> static_cast<unsigned>(index) & 1U) != 0;
}

}  // namespace

OnnxInexact::OnnxInexact(OnnxReader& reader, OnnxContext& context, const OnnxOperator& row)
    : reader_(reader),
      context_(context),
      row_(row),
      inputs_(context.inputs_),
      types_(inputs_.size(), nullptr) {
  find_variables();
}

void OnnxInexact::find_variables() {
  Variable of_graph;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const OnnxValue& value = inputs_[i];
    if (!reader_.is_inexact(value)) continue;
    if (value.id != no_id) {
      types_[i] = reader_.graph_.value(value.id).type;
      if (reader_.graph_.value(value.id).has(Value::assumed)) {
        is_guess_ = true;
        follows_batch_ |= reader_.other_shape(value.id, *types_[i]) == types_[i]->shape;
      }
      of_graph.inputs.push_back(i);
      continue;
    }
    is_guess_ |= value.known->assumed;
    const auto same = std::ranges::find(variables_, value.known, &Variable::known);
    if (same != variables_.end()) {
      same->inputs.push_back(i);
    } else {
      KnownTensor plain = *value.known;
      plain.bounded = plain.assumed = false;
      plain.other = nullptr;
      plain.id = no_id;
      variables_.push_back({{i}, value.known, reader_.graph_.keep(plain)});
    }
  }
  if (!of_graph.inputs.empty()) variables_.push_back(std::move(of_graph));
}

/// All combinations of bounds at their most and at their least; of guesses only two.
std::vector<OnnxInexact::World> OnnxInexact::worlds() const {
  const World all = (World{1} << variables_.size()) - 1;
  if (is_guess_ || variables_.size() > most_variables) return {0, all};
  std::vector<World> result;
  for (World world = 0; world <= all; ++world) result.push_back(world);
  return result;
}

void OnnxInexact::enter(World world) {
  for (std::size_t k = 0; k < variables_.size(); ++k) {
    const bool is_other = (world >> k & 1U) != 0;
    for (const std::size_t i : variables_[k].inputs) {
      if (variables_[k].known != nullptr) {
        context_.inputs_[i].known = is_other ? variables_[k].known->other : variables_[k].plain;
      } else if (is_other) {
        reader_.graph_.set_shape(inputs_[i].id, reader_.other_shape(inputs_[i].id, *types_[i]));
      }
    }
  }
}

void OnnxInexact::leave() {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (types_[i] != nullptr) reader_.graph_.set_shape(inputs_[i].id, types_[i]->shape);
    context_.inputs_[i].known = inputs_[i].known;
  }
}

void OnnxInexact::clear_outputs() {
  context_.outputs_.assign(context_.outputs_.size(), {});
  context_.own_bounds_.clear();
}

// -- elements -------------------------------------------------------------------------------------

bool OnnxInexact::fold() {
  for (const Variable& variable : variables_) {
    for (const std::size_t i : variable.inputs) {
      if (!row_.rest.fold_is_exact.has(i)) continue;
      return row_.rest.fold_ranges != nullptr && row_.rest.fold_ranges(context_);
    }
  }
  std::vector<std::vector<const KnownTensor*>> results(context_.outputs_.size());
  for (const World world : worlds()) {
    enter(world);
    clear_outputs();
    bool is_done = row_.rest.fold(context_);
    for (std::size_t i = 0; i < results.size(); ++i) {
      results[i].push_back(is_done ? reader_.known(context_.outputs_[i]) : nullptr);
      is_done = is_done && results[i].back() != nullptr;
    }
    leave();
    if (!is_done) return false;
  }
  std::vector<const KnownTensor*> outputs;
  for (const auto& result : results) outputs.push_back(combined(result));
  if (std::ranges::find(outputs, nullptr) != outputs.end()) return false;
  for (std::size_t i = 0; i < outputs.size(); ++i) context_.out(i, outputs[i]);
  return true;
}

/// What the worlds' results say together; null where they differ in shape.
const KnownTensor* OnnxInexact::combined(std::span<const KnownTensor* const> results) const {
  const KnownTensor& first = *results.front();
  KnownTensor most{.dtype = first.dtype, .shape = first.shape, .uniform = true};
  for (const KnownTensor* result : results) {
    if (result->shape != first.shape || result->dtype != first.dtype || result->bounded ||
        result->assumed) {
      return nullptr;
    }
    most.uniform = most.uniform && result->uniform;
  }
  const std::size_t count = most.uniform ? std::min<std::size_t>(1, first.count()) : first.count();
  FoldElements high;
  FoldElements low;
  bool is_exact = true;
  const auto add = [&](auto element, auto& highs, auto& lows) {
    auto from = element(first);
    auto to = from;
    for (const KnownTensor* result : results) {
      from = std::min(from, element(*result));
      to = std::max(to, element(*result));
    }
    is_exact = is_exact && from == to;
    highs.push_back(is_guess_ ? element(first) : to);
    lows.push_back(is_guess_ ? element(*results.back()) : from);
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (first.is_real()) {
      add([&](const KnownTensor& tensor) { return tensor.real(i); }, high.reals, low.reals);
    } else {
      add([&](const KnownTensor& tensor) { return tensor.integer(i); }, high.integers,
          low.integers);
    }
  }
  if (!is_exact) {
    most.other = reader_.keep(most, low.integers, low.reals);
    most.bounded = !is_guess_;
    most.assumed = is_guess_;
    reader_.any_inexact_ = true;
  }
  return reader_.keep(most, high.integers, high.reals);
}

// -- nodes ----------------------------------------------------------------------------------------

bool OnnxInexact::emit() {
  const OnnxReader::Mark before = reader_.mark();
  const std::vector<World> all = worlds();
  std::vector<Shapes> others;
  World largest = 0;
  for (std::size_t k = all.size(); k-- > 0;) {  // ends with the sizes as they are
    auto shapes = try_world(all[k]);
    if (all[k] == 0 && !shapes) {
      leave();
      reader_.rewind(before);
      if (!depends_on_data_) context_.note(problem_);
      return false;
    }
    if (all[k] != 0) {
      leave();
      reader_.rewind(before);
    }
    others.push_back(shapes ? *std::move(shapes) : Shapes{});
  }
  const auto is_covered = [&](const Shapes& by) {
    return std::ranges::all_of(others, [&](const Shapes& shapes) {
      for (std::size_t i = 0; i < shapes.size(); ++i) {
        if (shapes[i] && (!by[i] || !covers(*by[i], *shapes[i]))) return false;
      }
      return true;
    });
  };
  // Others are in reverse order: the last one is the world as it is.
  if (!is_guess_ && !is_covered(others.back())) {
    for (std::size_t k = 0; k + 1 < others.size(); ++k) {
      if (!others[k].empty() && is_covered(others[k])) largest = all[all.size() - 1 - k];
    }
    if (largest == 0) is_guess_ = true;
  }
  if (largest != 0) {
    leave();
    reader_.rewind(before);
    try_world(largest);
  }
  const Shapes made = output_shapes();
  leave();
  if (largest == 0) keep_adapted();
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (made[i]) label_output(i, *made[i], others);
  }
  return true;
}

/// Makes the node with other sizes; nothing where they do not fit.
std::optional<OnnxInexact::Shapes> OnnxInexact::try_world(World world) {
  const OnnxReader::Mark before = reader_.mark();
  enter(world);
  adapted_.clear();
  problem_.clear();
  if (try_handler()) return output_shapes();
  if (depends_on_data_) return std::nullopt;
  const std::vector<Operand> given = operands();
  for (int attempt = 0; attempt < attempts; ++attempt) {
    std::vector<Operand> changed = given;
    if (!adapt(attempt, changed)) continue;
    reader_.rewind(before);
    apply(changed);
    if (!try_handler() || (row_.rest.fit == OnnxFit::broadcast && !is_pointwise_since(before)))
      continue;
    // What broadcasts may also have been 1.
    const bool is_sure = row_.rest.fit != OnnxFit::broadcast && row_.rest.fit != OnnxFit::expand;
    if (is_sure) adapted_ = std::move(changed);
    return output_shapes();
  }
  return std::nullopt;
}

bool OnnxInexact::try_handler() {
  clear_outputs();
  context_.forget_reads();
  try {
    depends_on_data_ = row_.emit(context_) != OnnxOutcome::done;
    return !depends_on_data_;
  } catch (const Error& error) {
    if (error.code != ErrorCode::shape && error.code != ErrorCode::malformed) throw;
    if (problem_.empty()) {
      problem_ = node_title(context_.node()) +
                 " does not fit the sizes that are not known, and is not counted: " + error.what();
    }
    return false;
  }
}

/// Whether all nodes since then compute each element from those in the same place.
bool OnnxInexact::is_pointwise_since(const OnnxReader::Mark& before) const {
  const auto nodes = reader_.graph_.nodes().subspan(before.graph.nodes);
  return std::ranges::all_of(nodes, [](const Node& node) {
    return node.op->kind == OpKind::pointwise || node.op->kind == OpKind::movement ||
           node.op->kind == OpKind::constant;
  });
}

OnnxInexact::Shapes OnnxInexact::output_shapes() {
  Shapes shapes;
  for (const OnnxValue& value : context_.outputs_) {
    if (value.is_tensor() && !value.shapeless) {
      shapes.emplace_back(reader_.shape_of(value));
    } else {
      shapes.emplace_back(std::nullopt);
    }
  }
  return shapes;
}

// -- what must fit
// ----------------------------------------------------------------------------------

std::vector<OnnxInexact::Operand> OnnxInexact::operands() const {
  std::vector<Operand> result;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    Operand operand;
    if (inputs_[i].is_tensor()) operand.shape = reader_.shape_of(context_.inputs_[i]);
    if (types_[i] != nullptr) {
      operand.id = inputs_[i].id;
      operand.open = differences(types_[i]->shape, reader_.other_shape(operand.id, *types_[i]));
    }
    result.push_back(operand);
  }
  return result;
}

void OnnxInexact::apply(std::span<const Operand> operands) {
  for (const Operand& operand : operands) {
    if (operand.id != no_id) reader_.graph_.set_shape(operand.id, operand.shape);
  }
}

namespace {

/// Sets open sizes at one place to the exact size there, or to the largest if there is none.
struct Meeting {
  std::optional<std::int64_t> exact;
  std::int64_t largest = 0;

  void add(std::int64_t size, bool is_open, bool broadcasts) {
    if (is_open) largest = std::max(largest, size);
    if (!is_open && !(broadcasts && size == 1)) exact = size;
  }
  bool settle(Shape& shape, std::int64_t at) const {
    const std::int64_t size = exact.value_or(largest);
    if (shape.dim(at) == size) return false;
    shape.set_dim(at, size);
    return true;
  }
};

std::int64_t largest_rank(const auto& operands) {
  std::int64_t rank = 0;
  for (const auto& operand : operands) rank = std::max(rank, operand.shape.rank());
  return rank;
}

}  // namespace

bool OnnxInexact::adapt(int attempt, std::vector<Operand>& operands) const {
  switch (row_.rest.fit) {
  case OnnxFit::broadcast: return attempt == 0 && fit_broadcast(operands);
  case OnnxFit::product: return operands.size() >= 2 && fit_product(attempt, operands);
  case OnnxFit::concat: return attempt == 0 && fit_concat(operands);
  case OnnxFit::convolution: return attempt == 0 && fit_channels(operands);
  case OnnxFit::elements: return attempt == 0 && fit_elements(operands);
  case OnnxFit::expand: return attempt == 0 && fit_expanded(operands);
  case OnnxFit::squeeze: return attempt == 0 && fit_squeezed(operands);
  }
  return false;
}

/// Sets the open sizes at one place; `at` below 0 counts from the end.
bool OnnxInexact::meet(std::span<Operand> operands, std::int64_t at, bool broadcasts) {
  Meeting meeting;
  const auto place_in = [&](const Operand& operand) {
    const std::int64_t place = at < 0 ? operand.shape.rank() + at : at;
    return place < operand.shape.rank() ? place : -1;
  };
  for (const Operand& each : operands) {
    const std::int64_t place = place_in(each);
    if (place >= 0) meeting.add(each.shape.dim(place), has_bit(each.open, place), broadcasts);
  }
  bool is_changed = false;
  for (Operand& each : operands) {
    const std::int64_t place = place_in(each);
    if (place >= 0 && has_bit(each.open, place)) is_changed |= meeting.settle(each.shape, place);
  }
  return is_changed;
}

/// As NumPy broadcasts.
bool OnnxInexact::fit_broadcast(std::vector<Operand>& operands) {
  bool is_changed = false;
  for (std::int64_t at = 1; at <= largest_rank(operands); ++at)
    is_changed |= meet(operands, -at, true);
  return is_changed;
}

/// The inner sizes of a product, of which either operand may be transposed.
bool OnnxInexact::fit_product(int attempt, std::vector<Operand>& operands) {
  constexpr std::int64_t pairs[][2] = {{-1, -2}, {-1, -1}, {-2, -2}, {-2, -1}};
  Operand& a = operands[0];
  Operand& b = operands[1];
  const std::int64_t left = a.shape.rank() + pairs[attempt][0];
  const std::int64_t right = b.shape.rank() == 1 ? 0 : b.shape.rank() + pairs[attempt][1];
  if (left < 0 || right < 0) return false;
  const std::int64_t k = a.shape.dim(left), other = b.shape.dim(right);
  const bool takes_left = !has_bit(a.open, left) || (has_bit(b.open, right) && k < other);
  if (k == other || (takes_left ? !has_bit(b.open, right) : !has_bit(a.open, left))) return false;
  (takes_left ? b.shape : a.shape).set_dim(takes_left ? right : left, takes_left ? k : other);
  for (std::int64_t at = 3; at <= largest_rank(operands); ++at)
    meet(std::span(operands).first(2), -at, true);
  return true;
}

/// All sizes but those along the axis.
bool OnnxInexact::fit_concat(std::vector<Operand>& operands) const {
  const std::int64_t rank = largest_rank(operands);
  const std::int64_t given = context_.integer("axis", 0);
  bool is_changed = false;
  for (std::int64_t at = 0; at < rank; ++at) {
    if (at != (given < 0 ? given + rank : given)) is_changed |= meet(operands, at, false);
  }
  return is_changed;
}

/// The channels that a weight takes.
bool OnnxInexact::fit_channels(std::vector<Operand>& operands) const {
  if (operands.size() < 2) return false;
  Operand& x = operands[0];
  const Operand& weight = operands[1];
  if (x.shape.rank() < 3 || weight.shape.rank() != x.shape.rank()) return false;
  const std::int64_t channels = checked_mul(weight.shape.dim(1), context_.integer("group", 1));
  if (!has_bit(x.open, 1) || has_bit(weight.open, 1) || x.shape.dim(1) == channels) return false;
  x.shape.set_dim(1, channels);
  return true;
}

/// 1 where a size is squeezed.
bool OnnxInexact::fit_squeezed(std::vector<Operand>& operands) const {
  Operand& x = operands[0];
  const OnnxList axes = context_.list("axes", 1, 13);
  if (!axes) return false;
  bool is_changed = false;
  for (const std::int64_t given : *axes) {
    const std::int64_t axis = context_.axis(given, x.shape.rank());
    if (!has_bit(x.open, axis)) continue;
    x.shape.set_dim(axis, 1);
    is_changed = true;
  }
  return is_changed;
}

/// What broadcasts to a shape that is known: 1 or the size there, of which 1 always fits.
bool OnnxInexact::fit_expanded(std::vector<Operand>& operands) const {
  if (operands.size() < 2) return false;
  const KnownTensor* sizes = reader_.known(context_.inputs_[1]);
  if (sizes == nullptr) return false;
  Operand& x = operands[0];
  const auto count = static_cast<std::int64_t>(sizes->count());
  bool is_changed = false;
  for (std::int64_t i = 1; i <= std::min(x.shape.rank(), count); ++i) {
    const std::int64_t size = sizes->integer(static_cast<std::size_t>(count - i));
    if (!has_bit(x.open, x.shape.rank() - i) || size == 1 || x.shape.dim(-i) == size) continue;
    x.shape.set_dim(-i, 1);
    is_changed = true;
  }
  return is_changed;
}

/// The input of a Reshape: its one open size where the others decide it, else any that fit.
bool OnnxInexact::fit_elements(std::vector<Operand>& operands) const {
  if (operands.size() < 2 || operands[0].open == 0) return false;
  const KnownTensor* sizes = reader_.known(context_.inputs_[1]);
  if (sizes == nullptr || sizes->bounded || sizes->assumed || sizes->is_real()) return false;
  if (sizes->count() > 8) return false;
  Operand& x = operands[0];
  Shape target;
  std::int64_t free = -1;  // the size that follows from the others
  for (std::size_t i = 0; i < sizes->count(); ++i) {
    if (sizes->integer(i) == -1 && free < 0) free = static_cast<std::int64_t>(i);
    if (sizes->integer(i) < 1 && free != static_cast<std::int64_t>(i)) return false;
    target.push_back(std::max<std::int64_t>(1, sizes->integer(i)));
  }
  const std::int64_t wanted = numel(target);
  if (free >= 0) {
    const bool is_real = x.shape == types_[0]->shape;
    target.set_dim(free, is_guess_ ? (is_real ? 1 : 7) : numel(x.shape) / wanted);
    x.shape = target;
    return true;
  }
  std::int64_t rest = 1;
  std::int64_t open = -1;
  int count = 0;
  for (std::int64_t i = 0; i < x.shape.rank(); ++i) {
    if (has_bit(x.open, i)) {
      open = i;
      ++count;
    } else {
      rest = checked_mul(rest, x.shape.dim(i));
    }
  }
  if (count == 1 && rest > 0 && wanted % rest == 0) {
    x.shape.set_dim(open, wanted / rest);
  } else {
    x.shape = target;
  }
  return true;
}

/// What an exact size has shown is so for all readers of the value.
void OnnxInexact::keep_adapted() {
  if (reader_.depth_ > 1) return;  // a branch may be dropped again
  for (const Operand& operand : adapted_) {
    if (operand.id == no_id) continue;
    const SharedShape* before = reader_.graph_.value(operand.id).type;
    Shape other = reader_.other_shape(operand.id, *before);
    const std::uint32_t changed = differences(operand.shape, before->shape);
    if (changed == 0 || operand.shape.size() != before->shape.size()) continue;
    for (std::size_t i = 0; i < other.size(); ++i) {
      if (has_bit(changed, static_cast<std::int64_t>(i))) other[i] = operand.shape[i];
    }
    reader_.graph_.set_shape(operand.id, operand.shape);
    reader_.set_inexact(operand.id, other, differences(operand.shape, other) & operand.open,
                        reader_.graph_.value(operand.id).has(Value::assumed));
  }
}

// -- what is exact
// ----------------------------------------------------------------------------------

/// An output that the handler made with this shape.
void OnnxInexact::label_output(std::size_t index, const Shape& shape,
                               const std::vector<Shapes>& others) {
  OnnxValue& output = context_.outputs_[index];
  if (output.stored != nullptr) return;
  const auto is_passed_on = [&](const OnnxValue& input) {
    return input.id == output.id && (input.id != no_id || input.known == output.known);
  };
  const auto passed_on = std::ranges::find_if(inputs_, is_passed_on);
  Shape other = shape;
  std::uint32_t open = 0;
  for (const Shapes& shapes : others) {
    const bool has_shape =
        !shapes.empty() && shapes[index] && shapes[index]->size() == shape.size();
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const std::int64_t size = has_shape ? (*shapes[index])[i] : is_guess_ ? shape[i] + 6 : 0;
      if (size == shape[i]) continue;
      open |= std::uint32_t{1} << i;
      other[i] = is_guess_ ? size : std::min(other[i], size);
    }
  }
  const auto& bounds = context_.own_bounds_;
  for (auto bound = std::ranges::lower_bound(bounds, std::pair(index, std::int64_t{0}));
       bound != bounds.end() && bound->first == index; ++bound) {
    const std::int64_t axis = bound->second;
    open |= std::uint32_t{1} << static_cast<unsigned>(axis);
    other.set_dim(axis, is_guess_ ? shape.dim(axis) + 6 : 0);
  }
  if (row_.rest.keeps_shape && index == 0 && inputs_[0].is_tensor()) {
    const bool is_inexact = types_[0] != nullptr;
    other = is_inexact ? reader_.other_shape(inputs_[0].id, *types_[0]) : shape;
    open = differences(shape, other);
  }
  if (passed_on != inputs_.end()) {
    if (output.id == no_id || shape.empty()) return;
    const SharedShape& type = *reader_.graph_.value(output.id).type;
    const Shape before = reader_.is_inexact(output) ? reader_.other_shape(output.id, type) : shape;
    if (type.shape == shape && differences(shape, before) == open) return;
    // All of the input with the sizes that were tried, but perhaps only a part of it.
    Tensor part = slice({&reader_.graph_, output.id}, 0, 0, shape.dim(0));
    for (std::int64_t axis = 1; axis < shape.rank(); ++axis) {
      if (part.dim(axis) > shape.dim(axis)) part = slice(part, axis, 0, shape.dim(axis));
    }
    output.id = part.id;
  }
  if (open == 0 && output.id == no_id) return;
  if (output.id == no_id) {
    const ValueId id =
        reader_.enter(output, OnnxReader::Role::data, context_.node().outputs[index]);
    output = {.kind = OnnxValue::Kind::tensor, .id = id};
  }
  reader_.set_inexact(output.id, other, open, is_guess_ && (open != 0 || follows_batch_));
  if (open != 0) reader_.settle(context_, index);
}

}  // namespace zoometer
