#include "import/stablehlo/program.hpp"

#include <bit>
#include <cmath>

#include "zoometer/util/error.hpp"

namespace zoometer {

void fail_hlo(std::string_view what, std::uint64_t at, std::string expected, std::string got) {
  Error error(ErrorCode::malformed, std::string(what), {std::move(expected), std::move(got)});
  error.place.byte_offset = at;
  throw error;
}

const HloAttribute* HloProgram::find(const HloOperation& operation, std::string_view name) const {
  for (const auto& [key, index] : operation.attributes)
    if (key == name) return &attributes[index];
  return nullptr;
}

std::vector<HloFunction> HloProgram::functions() const {
  std::vector<HloFunction> found;
  const auto add = [&](const HloBlock& block) {
    for (const HloOperation& operation : block.operations) {
      if (operation.name != "func") continue;
      const HloAttribute* name = find(operation, "sym_name");
      const bool has_body = !operation.regions.empty() && !operation.regions[0].blocks.empty();
      if (name == nullptr || name->text.empty())
        fail_hlo("a function", operation.at, "a name", "none");
      if (has_body && !operation.regions[0].is_isolated)
        fail_hlo("a function", operation.at, "values of its own", "those around it");
      found.push_back(
          {name->text, &operation, has_body ? &operation.regions[0].blocks[0] : nullptr});
    }
  };
  add(top);
  for (const HloOperation& operation : top.operations)
    if (operation.name == "module" && !operation.regions.empty() &&
        !operation.regions[0].blocks.empty())
      add(operation.regions[0].blocks[0]);
  return found;
}

namespace {

/// One little-endian number of so many bytes.
std::int64_t stored_number(std::string_view bytes, std::size_t at, std::size_t size,
                           bool is_signed) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < size; ++i)
    bits |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  if (is_signed && size < 8 && (bits >> (8 * size - 1) & 1U) != 0)
    bits |= ~std::uint64_t{0} << (8 * size);
  return static_cast<std::int64_t>(bits);
}

bool is_unsigned(DType dtype) {
  return dtype == DType::uint8 || dtype == DType::uint16 || dtype == DType::uint32 ||
         dtype == DType::uint64 || dtype == DType::boolean;
}

}  // namespace

std::vector<std::int64_t> HloProgram::integers(const HloAttribute& attribute,
                                               std::size_t most) const {
  using Kind = HloAttribute::Kind;
  if (attribute.kind == Kind::number) return {attribute.number};
  std::vector<std::int64_t> numbers;
  if (attribute.kind == Kind::list) {
    for (const std::uint32_t item : attribute.items) {
      if (numbers.size() >= most) break;
      numbers.push_back(attributes[item].number);
    }
  }
  if (attribute.kind != Kind::tensor || attribute.type == hlo_none) return numbers;
  const HloType& stored = types[attribute.type];
  const std::int64_t bits = bits_of(stored.dtype);
  const std::int64_t elements = numel(stored.shape);
  if (is_floating(stored.dtype) || is_complex(stored.dtype) || bits == 0 || stored.unknown != 0)
    return numbers;
  const auto count = static_cast<std::size_t>(elements);
  if (elements < 0 || count > most) return numbers;
  const auto size = static_cast<std::size_t>(bits / 8);
  if (stored.dtype == DType::boolean && attribute.text.size() != count) {
    const bool is_splat = attribute.text.size() == 1 && attribute.text[0] == '\xFF';
    for (std::size_t i = 0; i < count && i / 8 < attribute.text.size(); ++i)
      numbers.push_back(
          is_splat ? 1 : static_cast<unsigned char>(attribute.text[i / 8]) >> (i % 8) & 1);
    return numbers.size() == count ? numbers : std::vector<std::int64_t>{};
  }
  if (size == 0) return numbers;
  const bool is_signed = !is_unsigned(stored.dtype);
  if (attribute.text.size() == size) {
    numbers.assign(count, stored_number(attribute.text, 0, size, is_signed));
  } else if (attribute.text.size() == size * count) {
    for (std::size_t i = 0; i < count; ++i)
      numbers.push_back(stored_number(attribute.text, i * size, size, is_signed));
  }
  return numbers;
}

std::optional<double> HloProgram::repeated(const HloAttribute& attribute) const {
  if (attribute.kind != HloAttribute::Kind::tensor || attribute.type == hlo_none)
    return std::nullopt;
  const std::string_view bytes = attribute.text;
  const DType dtype = types[attribute.type].dtype;
  if (static_cast<std::int64_t>(bytes.size()) != bytes_of(1, dtype)) return std::nullopt;
  const auto bits = [&] {
    return static_cast<std::uint64_t>(stored_number(bytes, 0, bytes.size(), false));
  };
  if (dtype == DType::float32) return std::bit_cast<float>(static_cast<std::uint32_t>(bits()));
  if (dtype == DType::float64) return std::bit_cast<double>(bits());
  if (dtype == DType::bfloat16)
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits() << 16U));
  if (dtype != DType::float16) return std::nullopt;
  const auto exponent = static_cast<int>(bits() >> 10U & 0x1FU);
  const auto fraction = static_cast<double>(bits() & 0x3FFU);
  const double sign = (bits() >> 15U) != 0 ? -1 : 1;
  if (exponent == 0x1F) return fraction != 0 ? std::nan("") : sign * HUGE_VAL;
  return sign *
         (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

std::string_view HloProgram::location_name(std::uint32_t location) const {
  constexpr int deepest = 64;
  for (int depth = 0; location != hlo_none && depth < deepest; ++depth) {
    const HloAttribute& found = attributes[location];
    if (found.kind != HloAttribute::Kind::location) return {};
    if (!found.text.empty()) return found.text;
    location = found.items.empty() ? hlo_none : found.items[0];
  }
  return {};
}

}  // namespace zoometer
