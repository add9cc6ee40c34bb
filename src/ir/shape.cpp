#include "zoometer/ir/shape.hpp"

#include <algorithm>

#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

void throw_too_long(std::size_t length, std::size_t capacity) {
  throw Error(ErrorCode::limit, "a list of sizes is too long",
              {"at most " + std::to_string(capacity) + " dimensions", std::to_string(length)});
}

std::int64_t numel(std::span<const std::int64_t> sizes) {
  constexpr std::int64_t largest = std::int64_t{1} << 56;
  std::int64_t result = 1;
  bool has_zero = false;
  for (const std::int64_t size : sizes) {
    if (size < 0) [[unlikely]] {
      throw Error(ErrorCode::shape, "a tensor has a negative size",
                  {"sizes of at least 0", to_string(sizes)});
    }
    if (size == 0) {
      has_zero = true;
      continue;
    }
    std::int64_t next = 0;
    if (__builtin_mul_overflow(result, size, &next) || next > largest) [[unlikely]] {
      throw Error(ErrorCode::overflow, "a tensor is too large",
                  {"at most 2^56 elements", to_string(sizes)});
    }
    result = next;
  }
  return has_zero ? 0 : result;
}

std::string to_string(std::span<const std::int64_t> sizes) {
  std::string text = "(";
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(sizes[i]);
  }
  if (sizes.size() == 1) text += ",";
  return text + ")";
}

std::string to_short_string(std::span<const std::int64_t> sizes) {
  if (sizes.empty()) return "()";
  std::string text;
  for (const std::int64_t size : sizes) {
    if (!text.empty()) text += 'x';
    text += std::to_string(size);
  }
  return text;
}

bool broadcast(const Shape& a, const Shape& b, Shape& result) noexcept {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  result = longer;
  for (std::int64_t i = 1; i <= shorter.rank(); ++i) {
    const std::int64_t left = longer.dim(-i);
    const std::int64_t right = shorter.dim(-i);
    if (left != right && left != 1 && right != 1) return false;
    result.set_dim(-i, left == 1 ? right : left);
  }
  return true;
}

}  // namespace zoometer
