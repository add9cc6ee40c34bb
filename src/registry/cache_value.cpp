#include "registry/cache_value.hpp"

#include <zlib.h>

#include <new>

namespace zoometer {

std::string pack(const std::vector<std::string>& texts) {
  std::string value;
  for (const std::string& text : texts) value += std::to_string(text.size()) + ":" + text;
  return value;
}

std::optional<std::vector<std::string>> unpack(std::string_view value) {
  std::vector<std::string> texts;
  while (!value.empty()) {
    std::size_t size = 0;
    std::size_t digits = 0;
    constexpr std::size_t most_digits = 12;
    while (digits < value.size() && digits < most_digits && value[digits] >= '0' &&
           value[digits] <= '9')
      size = size * 10 + static_cast<std::size_t>(value[digits++] - '0');
    if (digits == 0 || digits >= value.size() || value[digits] != ':') return std::nullopt;
    value.remove_prefix(digits + 1);
    if (size > value.size()) return std::nullopt;
    texts.emplace_back(value.substr(0, size));
    value.remove_prefix(size);
  }
  return texts;
}

std::string deflate_text(std::string_view text) {
  const std::string head = std::to_string(text.size()) + ":";
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::string value = head;
  value.resize(head.size() + size);
  constexpr int quick = 1;
  const int code = compress2(reinterpret_cast<Bytef*>(value.data() + head.size()), &size,
                             reinterpret_cast<const Bytef*>(text.data()),
                             static_cast<uLong>(text.size()), quick);
  if (code != Z_OK) throw std::bad_alloc();
  value.resize(head.size() + size);
  return value;
}

std::optional<std::string> inflate_text(std::string_view value) {
  constexpr std::size_t largest_expansion = 1040;  // zlib's maximum, rounded up
  const std::size_t most = largest_expansion * value.size();
  std::size_t size = 0;
  while (!value.empty() && value.front() >= '0' && value.front() <= '9' && size < most) {
    size = size * 10 + static_cast<std::size_t>(value.front() - '0');
    value.remove_prefix(1);
  }
  if (value.empty() || value.front() != ':' || size >= most) return std::nullopt;
  value.remove_prefix(1);
  std::string text(size, '\0');
  auto filled = static_cast<uLongf>(size);
  const int code =
      uncompress(reinterpret_cast<Bytef*>(text.data()), &filled,
                 reinterpret_cast<const Bytef*>(value.data()), static_cast<uLong>(value.size()));
  if (code != Z_OK || filled != size) return std::nullopt;
  return text;
}

}  // namespace zoometer
