#include "import/onnx/values.hpp"

#include <algorithm>
#include <string>

#include "util/seeded_hash.hpp"
#include "util/to_integer.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

std::uint32_t hash_of(std::string_view name) noexcept {
  return static_cast<std::uint32_t>(seeded_hash(name));
}

/// Where an element is stored. Operators ask for the first one of tensors that may be empty.
std::size_t place_of(const KnownTensor& tensor, std::size_t index) {
  const std::size_t at = tensor.uniform ? 0 : index;
  if (at < (tensor.is_real() ? tensor.reals.size() : tensor.integers.size())) return at;
  throw Error(ErrorCode::malformed, "a constant has too few elements",
              {std::to_string(index + 1), std::to_string(tensor.count())});
}

}  // namespace

std::int64_t KnownTensor::integer(std::size_t index) const {
  const std::size_t at = place_of(*this, index);
  return is_real() ? to_integer<std::int64_t>(reals[at]) : integers[at];
}

double KnownTensor::real(std::size_t index) const {
  const std::size_t at = place_of(*this, index);
  return is_real() ? reals[at] : static_cast<double>(integers[at]);
}

std::vector<std::int64_t> KnownTensor::all_integers() const {
  std::vector<std::int64_t> result(count());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = integer(i);
  return result;
}

bool has_own_weight_name(std::string_view name) noexcept {
  constexpr std::string_view endings[] = {"_token", "_embedding", "_embed",
                                          "_scale", "_weight",    "_bias"};
  return std::any_of(std::begin(endings), std::end(endings),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

bool has_weight_name(std::string_view name) noexcept {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == name.size()) return false;
  if (name.find('/') != std::string_view::npos) return false;
  return name.substr(dot + 1).find_first_not_of("0123456789") != std::string_view::npos;
}

const OnnxValue* OnnxScope::find(std::string_view name) {
  // Most nodes read the output of the node before them, and weights in the order of the file.
  for (const std::size_t guess : {entries_.size() - 1, next_weight_}) {
    if (!is_at(guess, name)) continue;
    if (guess == next_weight_) ++next_weight_;
    return &entries_[guess].value;
  }
  const std::uint32_t hash = hash_of(name);
  for (OnnxScope* scope = this; scope != nullptr; scope = scope->outer_) {
    const std::uint32_t found = scope->position_of(name, hash);
    if (found == HashIndex::none) continue;
    if (scope == this && entries_[found].value.stored != nullptr) next_weight_ = found + 1;
    return &scope->entries_[found].value;
  }
  return nullptr;
}

std::uint32_t OnnxScope::position_of(std::string_view name, std::uint32_t hash) {
  const std::uint32_t recent = recent_[hash % recent_.size()];
  if (is_at(recent, name)) return recent;
  update_index();
  return index_.find(hash, [&](std::uint32_t at) { return entries_[at].name == name; });
}

void OnnxScope::define(std::string_view name, const OnnxValue& value) {
  const std::uint32_t hash = hash_of(name);
  recent_[hash % recent_.size()] = static_cast<std::uint32_t>(entries_.size());
  hashes_.push_back(hash);
  entries_.push_back({name, value});
}

std::optional<std::string_view> OnnxScope::duplicate_name() {
  update_index();
  return duplicate_;
}

void OnnxScope::update_index() {
  for (; indexed_ < entries_.size(); ++indexed_) {
    const std::string_view name = entries_[indexed_].name;
    const std::uint32_t found = index_.find_or_insert(
        hashes_[indexed_], indexed_, [&](std::uint32_t at) { return entries_[at].name == name; });
    if (found != HashIndex::none && !duplicate_) duplicate_ = name;
  }
}

}  // namespace zoometer
