// JSON in place, on any bytes: it is parsed or refused with Error, within 40 bytes for each byte of
// text beside the text itself, and every string is inside the text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "import/json.hpp"
#include "memory_bound.hpp"
#include "outcome.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t memory_base = std::int64_t{1} << 17;
constexpr std::int64_t memory_factor = 41;

void walk(const Json& value, std::string_view text, int depth) {
  constexpr int deepest = 1000;  // of this walk, not of the parser
  if (depth == deepest) return;
  if (value.IsString()) {
    const std::string_view found = view_of(value);
    // A short string is stored in its value.
    const auto* own = reinterpret_cast<const char*>(&value);
    const bool is_short = found.data() >= own && found.data() < own + sizeof value;
    const bool lies_inside =
        found.data() >= text.data() && found.data() + found.size() <= text.data() + text.size();
    if (!is_short && !lies_inside) std::abort();
  } else if (value.IsArray()) {
    for (const Json& item : value.GetArray()) walk(item, text, depth + 1);
  } else if (value.IsObject()) {
    for (const auto& member : value.GetObject()) walk(member.value, text, depth + 1);
  }
}

void read(std::string_view bytes) {
  fuzz::is_taken([&] {
    std::string text(bytes);
    const JsonDocument document(text);
    const Json& root = document.root();
    walk(root, text, 0);
    find_text(root, "a");
    get_array(get_member(root, "a"), "b");
  });
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::read(bytes); });
  return 0;
}
