#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zoometer/models/trace_options.hpp"

namespace zoometer {

/// What the user says of a file beyond its sizes: how often loops run, and the elements of tensors.
/// Remembers which names the file has, so that others are reported.
class OnnxGiven {
 public:
  explicit OnnxGiven(const TraceOptions& options) noexcept : options_(options) {}

  /// How often a loop runs; nothing where the user does not say so.
  std::optional<std::int64_t> trips(std::string_view loop);

  bool has_values() const noexcept { return !options_.values.empty(); }
  /// The elements of a tensor; null where the user does not give them.
  const NamedValue* value(std::string_view tensor);
  /// A tensor of few elements, which could be given.
  void add_candidate(std::string_view tensor);

  /// Throws Error{unknown_name} where the user names what the file does not have.
  void check() const;

 private:
  const TraceOptions& options_;
  std::set<std::string, std::less<>> loops_;
  std::set<std::string, std::less<>> candidates_;
  std::set<std::string, std::less<>> used_;  // values
};

}  // namespace zoometer
