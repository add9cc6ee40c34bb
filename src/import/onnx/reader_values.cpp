// The values of an ONNX file: what is known of their elements, and how they enter the graph.
#include <algorithm>

#include "import/onnx/reader.hpp"
#include "util/text.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

/// Whether quantised numbers may have this type.
bool is_small_integer(DType dtype) noexcept {
  return !is_floating(dtype) && dtype != DType::boolean && bits_of(dtype) > 0 &&
         bits_of(dtype) <= 32;
}

/// Whether tensors of this type may be weights of the usual or of quantised networks.
bool may_be_learnt(DType dtype) noexcept {
  return is_floating(dtype) || (is_small_integer(dtype) && bits_of(dtype) <= 8);
}

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
  read_integers_.clear();
  read_reals_.clear();
  OnnxTensor tensor = records_.tensor(stored.message);
  std::string data;
  if (tensor.is_external && !read_external(tensor, data)) return nullptr;
  if (!records_.elements(tensor, read_integers_, read_reals_)) return nullptr;
  stored.known =
      keep({.dtype = stored.dtype, .shape = stored.type->shape}, read_integers_, read_reals_);
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

StoredTensor* OnnxReader::store(const OnnxTensor& tensor, bool is_constant,
                                std::string_view place) {
  const bool is_repeated = depth_ > 1 || (depth_ == 1 && !is_constant);
  if (is_repeated) {
    const auto found = stored_by_place_.find(place.data());
    if (found != stored_by_place_.end()) return found->second;
  }
  if (tensor.is_external) check_external(tensor);
  StoredTensor* stored = add_stored({.name = tensor.name,
                                     .message = tensor.message,
                                     .type = graph_.intern(tensor.shape),
                                     .dtype = tensor.dtype,
                                     .is_constant = is_constant});
  if (is_repeated && !place.empty()) stored_by_place_.emplace(place.data(), stored);
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

OnnxValue OnnxReader::unpacked(const OnnxValue& value, const Shape& shape, DType dtype) {
  StoredTensor* packed = value.stored;
  const bool is_same = packed != nullptr && packed->dtype == dtype && packed->type->shape == shape;
  if (packed == nullptr || value.id != no_id || is_same) return value;
  if (packed->unpacked == nullptr) {
    // The memory is that of the tensor as it is stored, if another operator read it before.
    StoredTensor* owner = packed->id != no_id ? packed : nullptr;
    if (packed->shared_with != nullptr)
      owner = unpacked(OnnxValue::of(packed->shared_with), shape, dtype).stored;
    packed->unpacked = add_stored({.name = packed->name,
                                   .message = {},
                                   .type = graph_.intern(shape),
                                   .dtype = dtype,
                                   .is_constant = packed->is_constant,
                                   .shared_with = owner});
    packed->was_read = true;
    // Operators after this one may read it as it is stored.
    if (owner == nullptr) packed->shared_with = packed->unpacked;
  }
  return OnnxValue::of(packed->unpacked);
}

const std::vector<OnnxValue>* OnnxReader::keep_sequence(std::vector<OnnxValue> elements) {
  spend(static_cast<std::int64_t>(elements.size()) + 1);
  sequences_.push_back(std::move(elements));
  return &sequences_.back();
}

OnnxValue OnnxReader::empty_sequence(const Shape& shape, DType dtype) {
  OnnxValue value;
  value.kind = OnnxValue::Kind::sequence;
  value.sequence = keep_sequence({});
  value.stored = add_stored({.name = {},
                             .message = {},
                             .type = graph_.intern(shape),
                             .dtype = dtype,
                             .is_constant = true});
  return value;
}

void OnnxReader::replace_elements(std::string_view name, OnnxValue& value) {
  if (name.empty() || !value.is_tensor() || value.shapeless) return;
  const SharedShape* type = graph_.intern(shape_of(value));
  if (static_cast<std::size_t>(type->numel) > most_known) return;
  given_.add_candidate(name);
  const NamedValue* given = given_.value(name);
  if (given == nullptr) return;
  const std::size_t count = given->numbers.size();
  if (count != 1 && static_cast<std::int64_t>(count) != type->numel) {
    throw Error(ErrorCode::usage, "--value " + escape_controls(given->name),
                {"one number, or " + std::to_string(type->numel), std::to_string(count)});
  }
  KnownTensor known{.dtype = dtype_of(value), .shape = type->shape};
  known.uniform = count == 1 && type->numel != 1;
  known.id = value.id;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  for (const long double number : given->numbers) {
    if (known.is_real()) {
      reals.push_back(static_cast<double>(number));
    } else {
      integers.push_back(static_cast<std::int64_t>(std::clamp(number, -0x1p63L, 0x1p63L - 1)));
    }
  }
  value.id = no_id;
  value.stored = nullptr;
  value.known = keep(known, integers, reals);
  note("the tensor " + in_quotes(name) + " has the elements that --value gives");
}

/// One number (an epsilon, the exponent of a square) is learnt only where its name says so.
bool OnnxReader::is_learnt(const StoredTensor& stored) const {
  if (!may_be_learnt(stored.dtype)) return false;
  if (stored.type->numel != 1) return stored.type->numel > 1;
  if (stored.is_constant) return false;
  const bool is_input = stored.message.empty();  // of a file without weights
  return is_input || has_weight_name(stored.name) || has_own_weight_name(stored.name) ||
         (stored.shared_with != nullptr && is_learnt(*stored.shared_with));
}

bool OnnxReader::is_learnt(const OnnxValue& value) const {
  if (value.stored != nullptr) return is_learnt(*value.stored);
  return value.known != nullptr && value.known->skipped != nullptr;
}

/// Whether the elements that the file has of a tensor all pass a test. The first ones are enough of
/// most weights, and many are enough to see what a tensor is.
template <class Test>
bool OnnxReader::all_elements(const StoredTensor& stored, Test test) const {
  if (stored.message.empty()) return false;
  const OnnxTensor tensor = records_.tensor(stored.message);
  for (const std::int64_t count : {16, 65536}) {
    std::vector<std::int64_t> integers;
    std::vector<double> reals;
    if (!records_.first_elements(tensor, count, integers, reals)) return false;
    if (!std::ranges::all_of(reals, test)) return false;
  }
  return true;
}

/// A mask to be added: zeros, and numbers so small that softmax makes nothing of them.
bool OnnxReader::is_mask(const StoredTensor& stored) const {
  if (stored.name.ends_with("mask")) return true;
  if (stored.type->shape.rank() < 2) return false;
  constexpr double small = -100;  // as of Swin Transformers
  bool is_masking = false;
  const auto belongs = [&](double x) {
    is_masking |= x <= small;
    return x == 0 || x <= small;
  };
  return all_elements(stored, belongs) && is_masking;
}

bool OnnxReader::is_filled(const OnnxValue& value, double number) const {
  if (!is_learnt(value)) return false;
  const auto is_number = [&](double x) { return x == number; };
  if (value.known != nullptr)
    return value.known->is_real() && std::ranges::all_of(value.known->reals, is_number);
  return is_floating(value.stored->dtype) && all_elements(*value.stored, is_number);
}

/// The one place that decides what a constant of the file is. What it is to its first reader
/// decides first, then what it is itself.
ParameterKind OnnxReader::parameter_kind(const OnnxValue& value, Role role,
                                         std::string_view name) const {
  const auto declared = declared_kinds_.find(name);
  if (declared != declared_kinds_.end()) return declared->second;
  if (!declared_names_.empty()) return ParameterKind::constant;
  const bool is_initializer = value.stored != nullptr && !value.stored->is_constant;
  const ParameterKind other =
      is_initializer || role == Role::statistic ? ParameterKind::buffer : ParameterKind::constant;
  if (role == Role::quantisation) return ParameterKind::quantisation;
  if (role == Role::statistic || role == Role::setting || has_buffer_name(name)) return other;
  if (role == Role::weight) return ParameterKind::parameter;
  const bool is_learnt_number = is_learnt(value) && is_floating(value.stored->dtype);
  return is_learnt_number && !is_mask(*value.stored) ? ParameterKind::parameter : other;
}

ValueId OnnxReader::enter(const OnnxValue& value, Role role, std::string_view name) {
  if (!value.is_tensor()) {
    throw Error(ErrorCode::malformed, "wrong type of the value " + in_quotes(name),
                {"a tensor", "a sequence, or nothing"});
  }
  if (value.id != no_id) return value.id;
  ValueId& id = value.stored != nullptr ? value.stored->id : value.known->id;
  if (id != no_id) return id;
  if (value.stored == nullptr && value.known->skipped != nullptr && role != Role::setting)
    return append_skipped(*value.known);

  if (role == Role::data && !is_learnt(value)) {
    const bool is_buffer =
        value.stored != nullptr && !value.stored->is_constant && !is_floating(value.stored->dtype);
    const KnownTensor* number = is_buffer ? nullptr : known(value);
    if (number != nullptr && (number->uniform || number->count() == 1)) {
      id = full(graph_, number->shape, number->real(0), number->dtype).id;
      entered_.push_back(&id);
      return id;
    }
  }
  ParameterId shared_with = no_id;
  if (value.stored != nullptr && value.stored->shared_with != nullptr) {
    StoredTensor* owner = value.stored->shared_with;
    const Role owners = owner->type->numel == 1 ? Role::weight : role;  // also under another name
    shared_with = graph_.value(enter(OnnxValue::of(owner), owners, owner->name)).producer;
  }
  const bool has_name = value.stored != nullptr && !value.stored->name.empty();
  const std::string_view own = has_name ? value.stored->name : name;
  const auto [home, short_name] = modules_.home(own, graph_.current_module());
  const auto index = static_cast<ParameterId>(graph_.parameters().size());
  const SharedShape* type =
      value.stored != nullptr ? value.stored->type : graph_.intern(value.known->shape);
  const ParameterKind kind = parameter_kind(value, role, own);
  id = graph_.add_parameter(home, graph_.arena().copy(short_name), type, dtype_of(value), kind);
  if (shared_with != no_id) graph_.share_parameter(index, shared_with);
  if (role == Role::data && is_small_integer(dtype_of(value))) integers_.push_back(id);
  entered_.push_back(&id);
  return id;
}

OnnxReader::Mark OnnxReader::mark() const {
  return {graph_.mark(), entered_.size(), ignored_.counts(), modules_.mark(), depth_};
}

void OnnxReader::rewind(const Mark& mark) {
  while (entered_.size() > mark.entered) {
    *entered_.back() = no_id;
    entered_.pop_back();
  }
  graph_.rewind(mark.graph);
  others_.erase(others_.lower_bound(static_cast<ValueId>(mark.graph.values)), others_.end());
  ignored_.restore(mark.ignored);
  while (!integers_.empty() && integers_.back() >= mark.graph.values) integers_.pop_back();
  modules_.rewind(static_cast<NodeId>(mark.graph.nodes), mark.modules);
  depth_ = mark.depth;
}

}  // namespace zoometer
