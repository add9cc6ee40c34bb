#include "import/weights/stored_weights.hpp"

#include <algorithm>

#include "util/seeded_hash.hpp"
#include "util/text.hpp"
#include "zoometer/ir/shape.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

std::uint32_t hash_of_name(std::string_view name) noexcept {
  return static_cast<std::uint32_t>(seeded_hash(name));
}

/// The last part of a dotted name.
std::string_view last_part(std::string_view name) noexcept {
  return name.substr(name.rfind('.') + 1);
}

/// Endings of what quantised checkpoints store beside their integers.
constexpr std::string_view quantisation_parts[] = {
    "qzeros",
    "g_idx",
    "scales",
    "weight_scale",
    "weight_scale_inv",
    "weight_scale_2",
    "k_scale",
    "v_scale",
    "input_scale",
    "weight_zero_point",
    "weight_shape",
    "weight_g_idx",
    "absmax",
    "quant_map",
    "nested_absmax",
    "nested_quant_map",
    "bitsandbytes__nf4",
    "bitsandbytes__fp4",
    "SCB",
    "weight_global_scale",
    "input_global_scale",
    "scale_inv",
};

/// Names of what classes compute: rotary frequencies, masks, positions.
constexpr std::string_view buffer_names[] = {
    "rotary_emb.inv_freq", ".attn.bias", ".attention.bias", "masked_bias", "position_ids",
};

bool is_quantisation(const StoredTensor& tensor) noexcept {
  if (tensor.is_known() && tensor.type->name == "F8_E8M0") return true;
  const std::string_view last = last_part(tensor.name);
  return std::ranges::find(quantisation_parts, last) != std::end(quantisation_parts) ||
         last.ends_with("_blocks_scale") || last.ends_with("_proj_scales") ||
         last.ends_with("proj_scale_inv");
}

bool is_buffer(const StoredTensor& tensor) noexcept {
  for (const std::string_view name : buffer_names) {
    if (!tensor.name.ends_with(name)) continue;
    // A mask has four dimensions or one element; a bias of a layer has one dimension.
    if (!name.ends_with(".bias") || tensor.shape.size() > 1) return true;
  }
  return false;
}

/// Whether a tensor of that name is there: the tensor's with another last part.
bool has_beside(const StoredWeights& weights, std::string_view name, std::string_view part) {
  std::string other(name.substr(0, name.rfind('.') + 1));
  other += part;
  return weights.find(other) != nullptr;
}

/// Numbers in a container: eight 4-bit integers in an int32.
std::int64_t packed_in(const StoredWeights& weights, const StoredTensor& tensor,
                       std::int64_t packed_bits) {
  const std::string_view type = tensor.type->name;
  const std::string_view last = last_part(tensor.name);
  const bool is_word = type == "I32" || type == "U32";
  if (is_word && (last == "qweight" || last == "weight_packed" ||
                  (last == "weight" && has_beside(weights, tensor.name, "scales"))))
    return 32 / packed_bits;
  if (type != "U8" && type != "I8") return 1;
  if (last.ends_with("_blocks") || last == "weight_packed") return 2;
  if (last != "weight") return 1;
  const bool is_half_byte = has_beside(weights, tensor.name, "weight_scale_2") ||
                            weights.find(std::string(tensor.name) + ".absmax") != nullptr ||
                            (type == "I8" && has_beside(weights, tensor.name, "scale"));
  return is_half_byte ? 2 : 1;
}

}  // namespace

std::string_view name_of(const StorageType& type) noexcept {
  return type.dtype == DType::unknown ? type.name : name_of(type.dtype);
}

std::int64_t StoredTensor::bytes() const noexcept {
  if (!is_known()) return 0;
  const std::int64_t blocks = ceil_div(elements, type->elements);
  return blocks / 8 * type->bits + (blocks % 8 * type->bits + 7) / 8;
}

StoredKind StoredTensor::kind() const noexcept {
  if (is_quantisation(*this)) return StoredKind::quantisation;
  return is_buffer(*this) ? StoredKind::buffer : StoredKind::parameter;
}

const StoredTensor* StoredWeights::find(std::string_view name) const noexcept {
  const std::uint32_t found = by_name_.find(
      hash_of_name(name), [&](std::uint32_t at) { return tensors_[at].name == name; });
  return found == HashIndex::none ? nullptr : &tensors_[found];
}

void StoredWeights::reserve(std::size_t count) {
  tensors_.reserve(count);
  by_name_.reserve(count);
}

void StoredWeights::add(StoredTensor tensor) {
  if (tensor.shape.size() > most_dimensions) {
    throw Error(ErrorCode::limit, "the tensor " + escape_controls(tensor.name),
                {"at most 16 dimensions", std::to_string(tensor.shape.size())});
  }
  tensor.elements = tensor.is_known() ? numel(tensor.shape) : 0;
  const auto position = static_cast<std::uint32_t>(tensors_.size());
  const std::uint32_t found =
      by_name_.find_or_insert(hash_of_name(tensor.name), position,
                              [&](std::uint32_t at) { return tensors_[at].name == tensor.name; });
  if (found != HashIndex::none)
    throw Error(ErrorCode::malformed, "duplicate tensor " + escape_controls(tensor.name));
  tensor.name = arena_.copy(tensor.name);
  const bool repeats_last =
      !tensors_.empty() && std::ranges::equal(tensors_.back().shape, tensor.shape);
  tensor.shape = repeats_last ? tensors_.back().shape : arena_.copy(tensor.shape);
  tensors_.push_back(tensor);
}

bool StoredWeights::has_unknown() const noexcept {
  return std::ranges::any_of(tensors_,
                             [](const StoredTensor& tensor) { return !tensor.is_known(); });
}

StoredCounts count_stored(const StoredWeights& weights, std::int64_t packed_bits) {
  StoredCounts counts;
  for (const StoredTensor& tensor : weights.tensors()) {
    if (!tensor.is_known()) continue;
    const std::int64_t elements = tensor.elements;
    counts.stored = checked_add(counts.stored, elements);
    counts.bytes = checked_add(counts.bytes, tensor.bytes());
    std::int64_t& of_type = counts.by_dtype[name_of(*tensor.type)];
    of_type = checked_add(of_type, elements);
    if (tensor.kind() != StoredKind::parameter) continue;
    const std::int64_t packed = packed_in(weights, tensor, packed_bits);
    counts.learned = checked_add(counts.learned, checked_mul(elements, packed));
  }
  return counts;
}

}  // namespace zoometer
