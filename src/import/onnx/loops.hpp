#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/onnx/context.hpp"

namespace zoometer {

/// The graph that a node has as an attribute. Throws Error{malformed} where it has none.
OnnxGraph body_of(OnnxContext& context, std::string_view name);

/// What the options call a loop: its name, else its first output.
std::string_view loop_name(const OnnxNode& node);

inline OnnxValue known_value(const KnownTensor* known) {
  OnnxValue value;
  value.kind = OnnxValue::Kind::tensor;
  value.known = known;
  return value;
}

/// How often a Loop runs, and its carried values after that.
struct LoopEnd {
  std::int64_t trips = 0;
  /// By carried value: its elements, where the condition depends on them; else null.
  std::vector<const KnownTensor*> states;
};

/// Runs a Loop's condition, and the numbers that it depends on, without the rest of the body: as
/// `i < n`, `k < 10` with `k = k + 1`, `not done`. The body's inputs are the iteration number, the
/// condition and the carried values, of which `states` are the first; it runs at most `limit`
/// times. Nothing where the condition depends on data, on what is not one number, or is true for
/// too long; `trips` is `limit` where it can never become false.
std::optional<LoopEnd> run_condition(OnnxContext& context, const OnnxGraph& body,
                                     std::span<const OnnxValue> states, std::int64_t limit);

}  // namespace zoometer
