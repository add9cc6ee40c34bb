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

/// A published figure and zoometer's figure.
struct Comparison {
  double published = 0;
  double ours = 0;
  Verdict verdict = Verdict::agrees;
  std::string reason;  ///< the reason of an exception or a difference
};

/// The published figures of a set of weights, compared with the traced model.
struct Verification {
  const PublishedMetrics* published = nullptr;
  Comparison parameters;  ///< num_params, exact
  Comparison giga_macs;   ///< _ops, to three decimals
  Comparison file_bytes;  ///< _file_size, compared with the bytes of the state dict
  std::string error;      ///< why the model could not be traced

  Verdict verdict() const noexcept;
};

/// Traces the model of the weights with the input of the published figures, and compares.
Verification verify_published(const PublishedMetrics& published);

}  // namespace zoometer
