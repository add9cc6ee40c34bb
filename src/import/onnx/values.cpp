#include "import/onnx/values.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

std::uint32_t hash_of(std::string_view name) noexcept {
  const std::uint64_t hash = std::hash<std::string_view>{}(name);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

/// A real number as an integer, without the undefined behaviour of one out of range.
std::int64_t to_integer(double value) noexcept {
  if (std::isnan(value)) return 0;
  if (value >= 0x1p63) return INT64_MAX;
  if (value <= -0x1p63) return INT64_MIN;
  return static_cast<std::int64_t>(value);
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
  return is_real() ? to_integer(reals[at]) : integers[at];
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

std::uint32_t OnnxScope::place_of(std::string_view name, std::uint32_t hash) {
  const std::uint32_t recent = recent_[hash % recent_.size()];
  if (is_at(recent, name)) return recent;
  // Files whose weights are in the order of their use ask for hardly any other name, and the index
  // of a large one takes its time.
  constexpr std::size_t last = 64;
  constexpr std::size_t few = 16;
  if (indexed_ == 0) {
    const std::uint32_t found =
        look_through(hashes_.size() - std::min(last, hashes_.size()), name, hash);
    if (found != HashIndex::none) return found;
    if (++looked_through_ <= few) return look_through(0, name, hash);
  }
  update_index();
  return index_.find(hash, [&](std::uint32_t at) { return entries_[at].name == name; });
}

std::uint32_t OnnxScope::look_through(std::size_t from, std::string_view name,
                                      std::uint32_t hash) const {
  auto at = hashes_.begin() + static_cast<std::ptrdiff_t>(from);
  while ((at = std::find(at, hashes_.end(), hash)) != hashes_.end()) {
    const auto place = static_cast<std::uint32_t>(at++ - hashes_.begin());
    if (entries_[place].name == name) return place;
  }
  return HashIndex::none;
}

const OnnxValue* OnnxScope::find(std::string_view name) {
  // Exporters write weights in the order of their use, and a node behind the one that it reads.
  for (const std::size_t guess : {entries_.size() - 1, next_}) {
    if (!is_at(guess, name)) continue;
    if (guess == next_) ++next_;
    return &entries_[guess].value;
  }
  const std::uint32_t hash = hash_of(name);
  for (OnnxScope* scope = this; scope != nullptr; scope = scope->outer_) {
    const std::uint32_t place = scope->place_of(name, hash);
    if (place == HashIndex::none) continue;
    if (scope == this && entries_[place].value.stored != nullptr) next_ = place + 1;
    return &scope->entries_[place].value;
  }
  return nullptr;
}

void OnnxScope::define(std::string_view name, const OnnxValue& value) {
  const std::uint32_t hash = hash_of(name);
  recent_[hash % recent_.size()] = static_cast<std::uint32_t>(entries_.size());
  hashes_.push_back(hash);
  entries_.push_back({name, value});
}

std::optional<std::string_view> OnnxScope::taken_name() {
  if (indexed_ == 0) return taken_of_unindexed();
  update_index();
  if (taken_ == HashIndex::none) return std::nullopt;
  return entries_[taken_].name;
}

std::optional<std::string_view> OnnxScope::taken_of_unindexed() const {
  const std::vector<std::uint32_t> repeated = repeated_hashes(hashes_);
  if (repeated.empty()) return std::nullopt;
  std::vector<bool> may_be(std::size_t{1} << 16U, false);  // by the lower half of the hash
  for (const std::uint32_t hash : repeated) may_be[hash & 0xFFFFU] = true;
  HashIndex index;
  for (std::uint32_t place = 0; place < entries_.size(); ++place) {
    const std::uint32_t hash = hashes_[place];
    if (!may_be[hash & 0xFFFFU] || !std::ranges::binary_search(repeated, hash)) continue;
    const auto is_it = [&](std::uint32_t at) { return entries_[at].name == entries_[place].name; };
    if (index.find_or_insert(hash, place, is_it) != HashIndex::none) return entries_[place].name;
  }
  return std::nullopt;
}

void OnnxScope::update_index() {
  const std::uint32_t taken =
      index_.insert_all(std::span(hashes_).subspan(indexed_), static_cast<std::uint32_t>(indexed_),
                        [&](std::uint32_t at, std::uint32_t earlier) {
                          return entries_[at].name == entries_[earlier].name;
                        });
  taken_ = std::min(taken_, taken);
  indexed_ = entries_.size();
}

}  // namespace zoometer
