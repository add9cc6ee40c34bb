// The values of an ONNX file: what is known of their elements, and how they enter the graph.
#include "import/onnx/reader.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

/// The usual names of buffers: a file does not distinguish them from parameters.
bool has_buffer_name(std::string_view name) {
  return name.ends_with("running_mean") || name.ends_with("running_var") ||
         name.ends_with("num_batches_tracked") || name.ends_with("relative_coords_table");
}

}  // namespace

const KnownTensor* OnnxReader::known(const OnnxValue& value) {
  if (value.id != no_id && value.stored == nullptr) return nullptr;
  if (value.known != nullptr) return value.known;
  if (value.stored == nullptr) return nullptr;
  StoredTensor& stored = *value.stored;
  if (stored.known != nullptr) return stored.known;
  if (stored.message.empty() || static_cast<std::size_t>(stored.type->numel) > most_known)
    return nullptr;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  if (!records_.elements(records_.tensor(stored.message), integers, reals)) return nullptr;
  stored.known = keep({.dtype = stored.dtype, .shape = stored.type->shape}, integers, reals);
  return stored.known;
}

const KnownTensor* OnnxReader::keep(KnownTensor known, std::span<const std::int64_t> integers,
                                    std::span<const double> reals) {
  known_left_ -= static_cast<std::int64_t>(integers.size() + reals.size()) + 8;
  if (known_left_ < 0) {
    throw Error(ErrorCode::limit, "the file computes too many constants to keep them all");
  }
  known.integers = graph_.arena().copy(integers);
  known.reals = graph_.arena().copy(reals);
  return graph_.keep(known);
}

StoredTensor* OnnxReader::store(const OnnxTensor& tensor, bool is_constant) {
  // Loops and functions come here again and again.
  const bool is_repeated = depth_ > 1 || (depth_ == 1 && !is_constant);
  if (is_repeated) {
    const auto found = stored_by_place_.find(tensor.message.data());
    if (found != stored_by_place_.end()) return found->second;
  }
  if (tensor.is_external) check_external(tensor);
  StoredTensor* stored = add_stored({.name = tensor.name,
                                     .message = tensor.message,
                                     .type = graph_.intern(tensor.shape),
                                     .dtype = tensor.dtype,
                                     .is_constant = is_constant});
  if (is_repeated && !tensor.message.empty()) {
    stored_by_place_.emplace(tensor.message.data(), stored);
  }
  return stored;
}

StoredTensor* OnnxReader::add_stored(const StoredTensor& stored) {
  stored_.push_back(stored_arena_.make<StoredTensor>(stored));
  return stored_.back();
}

OnnxValue OnnxReader::alias(const OnnxValue& weight, std::string_view name) {
  StoredTensor* owner =
      weight.stored->shared_with != nullptr ? weight.stored->shared_with : weight.stored;
  return OnnxValue::of(add_stored({.name = name,
                                   .message = owner->message,
                                   .type = owner->type,
                                   .dtype = owner->dtype,
                                   .shared_with = owner}));
}

const std::vector<OnnxValue>* OnnxReader::keep_sequence(std::vector<OnnxValue> elements) {
  spend(static_cast<std::int64_t>(elements.size()) + 1);
  sequences_.push_back(std::move(elements));
  return &sequences_.back();
}

ParameterKind OnnxReader::parameter_kind(const OnnxValue& value, Role role,
                                         std::string_view name) const {
  const auto declared = declared_kinds_.find(name);
  if (declared != declared_kinds_.end()) return declared->second;
  if (!declared_names_.empty()) return ParameterKind::transient_buffer;
  const bool is_weight = value.stored != nullptr && !value.stored->is_constant;
  const bool is_learnt = (is_weight || role == Role::weight) && is_floating(dtype_of(value));
  if (is_learnt && role != Role::statistic && !has_buffer_name(name))
    return ParameterKind::parameter;
  return is_weight || role == Role::statistic ? ParameterKind::buffer
                                              : ParameterKind::transient_buffer;
}

ValueId OnnxReader::enter(const OnnxValue& value, Role role, std::string_view name) {
  if (!value.is_tensor()) {
    throw Error(ErrorCode::malformed, "wrong type of the value " + in_quotes(name),
                {"a tensor", "a sequence, or nothing"});
  }
  if (value.id != no_id) return value.id;
  ValueId& id = value.stored != nullptr ? value.stored->id : value.known->id;
  if (id != no_id) return id;

  const bool is_weight = value.stored != nullptr && !value.stored->is_constant;
  const KnownTensor* number = is_weight || role != Role::data ? nullptr : known(value);
  if (number != nullptr && (number->uniform || number->count() == 1)) {
    id = full(graph_, number->shape, number->real(0), number->dtype).id;
    entered_.push_back(&id);
    return id;
  }
  ParameterId shared_with = no_id;
  if (value.stored != nullptr && value.stored->shared_with != nullptr) {
    StoredTensor* owner = value.stored->shared_with;
    shared_with = graph_.value(enter(OnnxValue::of(owner), Role::weight, owner->name)).producer;
  }
  const bool has_name = value.stored != nullptr && !value.stored->name.empty();
  const std::string_view own = has_name ? value.stored->name : name;
  const auto [home, short_name] = modules_.home(own, graph_.current_module());
  const auto index = static_cast<ParameterId>(graph_.parameters().size());
  const SharedShape* type =
      value.stored != nullptr ? value.stored->type : graph_.intern(value.known->shape);
  id = graph_.add_parameter(home, graph_.arena().copy(short_name), type, dtype_of(value),
                            parameter_kind(value, role, own));
  if (shared_with != no_id) graph_.share_parameter(index, shared_with);
  entered_.push_back(&id);
  return id;
}

OnnxReader::Mark OnnxReader::mark() const {
  return {graph_.mark(), entered_.size(), ignored_.counts()};
}

void OnnxReader::rewind(const Mark& mark) {
  while (entered_.size() > mark.entered) {
    *entered_.back() = no_id;
    entered_.pop_back();
  }
  graph_.rewind(mark.graph);
  ignored_.restore(mark.ignored);
  modules_.rewind(static_cast<NodeId>(mark.graph.nodes));
}

}  // namespace zoometer
