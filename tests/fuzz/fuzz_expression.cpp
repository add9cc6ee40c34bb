// The language of --where and --assert, on any text: it is refused with Error, or evaluates to the
// same value twice, whatever the fields contain.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "memory_bound.hpp"
#include "outcome.hpp"
#include "util/expression.hpp"

namespace zoometer {
namespace {

using Type = ExpressionField::Type;

constexpr std::int64_t memory_base = std::int64_t{1} << 20;
constexpr std::int64_t memory_factor = 1024;

constexpr ExpressionField fields[] = {
    {.name = "macs", .summary = ""},
    {.name = "top1", .type = Type::percent, .summary = ""},
    {.name = "task", .type = Type::text, .summary = ""},
    {.name = "input.height", .summary = ""},
    {.name = "macs_change", .summary = ""},
    {.name = "macs_relative", .type = Type::percent, .summary = ""},
};

std::size_t choose(std::size_t field, LiteralForm form) {
  if (field != 0) return field;
  return form == LiteralForm::percent ? 5 : 4;
}

void read(std::string_view text) {
  const std::array<ExpressionValue, 6> all = {
      ExpressionValue::of(4.09e9L),     ExpressionValue::of(80.9L),
      ExpressionValue::of("detection"), ExpressionValue{},
      ExpressionValue::pending(),       ExpressionValue::of(-0.5L)};
  fuzz::is_taken([&] {
    const Expression expression(text, fields, "--where", choose);
    std::vector<ExpressionValue> values;
    for (const std::size_t field : expression.fields()) values.push_back(all[field]);
    if (expression.is_condition()) {
      if (expression.holds(values) != expression.holds(values)) std::abort();
    } else {
      expression.evaluate(values);
    }
    Expression(expression.text(), fields, "--where", choose);
  });
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::read(text); });
  return 0;
}
