#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "registry/published_metrics.hpp"

namespace zoometer {

enum class Verdict : std::uint8_t {
  agrees,
  excepted,  ///< differs for a documented reason
  differs,
};
std::string_view name_of(Verdict verdict) noexcept;

/// One published figure against ours.
struct Comparison {
  double published = 0;
  double ours = 0;
  Verdict verdict = Verdict::agrees;
  std::string reason;  ///< of an exception or a difference
};

/// What a set of weights publishes against the traced model.
struct Verification {
  const PublishedMetrics* published = nullptr;
  Comparison parameters;  ///< num_params, exact
  Comparison giga_macs;   ///< _ops, to three decimals
  Comparison file_bytes;  ///< _file_size against the bytes of the state dict
  std::string error;      ///< of a model that could not be traced

  Verdict verdict() const noexcept;
};

/// Traces the model of the weights at the input that its figures were counted at, and compares.
Verification verify_published(const PublishedMetrics& published);

}  // namespace zoometer
