// Symbolic sizes as torch.export writes them, on any text: they have the same value twice, or none,
// and whole numbers are the same as numbers.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "import/torch/symbolic.hpp"
#include "memory_bound.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t memory_base = std::int64_t{1} << 17;
constexpr std::int64_t memory_factor = 64;

SymbolValues some_symbols() {
  SymbolValues symbols;
  symbols.set("s0", 3);
  symbols.set("s1", 224);
  symbols.set("u0", 0);
  symbols.set("big", INT64_MAX);
  symbols.set("least", INT64_MIN);
  return symbols;
}

void read(std::string_view text) {
  static const SymbolValues symbols = some_symbols();
  const std::optional<std::int64_t> size = evaluate_size(text, symbols);
  if (evaluate_size(text, symbols) != size) std::abort();
  const std::optional<double> number = evaluate_number(text, symbols);
  if (size && (!number || std::llround(*number - static_cast<double>(*size)) != 0)) std::abort();
  const std::string_view lone = lone_symbol(text);
  bool is_mentioned = lone.empty();
  for (const std::string_view symbol : symbols_in(text)) is_mentioned |= symbol == lone;
  if (!is_mentioned) std::abort();
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::read(text); });
  return 0;
}
