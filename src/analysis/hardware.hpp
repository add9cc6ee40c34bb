#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zoometer/ir/dtype.hpp"

namespace zoometer {

/// The types that a device computes in, each with a peak. tf32 is float32 multiplied with fewer
/// bits.
enum class NumberType : std::uint8_t {
  float64,
  float32,
  tf32,
  bfloat16,
  float16,
  float8,
  int8,
  int4,
};
inline constexpr std::size_t number_type_count = 8;

/// "float16": as in hardware files and in `--dtype`.
std::string_view name_of(NumberType type) noexcept;
std::optional<NumberType> number_type_from_name(std::string_view name) noexcept;

/// What elements of that type are computed in; nothing for those that have no peak (int64, bool).
std::optional<NumberType> number_type_of(DType dtype) noexcept;

/// A device for roofline models, as a file of data/hardware describes it.
struct Device {
  std::string name;   ///< "H100"
  std::string title;  ///< "NVIDIA H100 SXM5 80 GB"
  std::string kind;   ///< "GPU"
  std::vector<std::string> aliases;
  /// Operations per second by NumberType, dense; 0 if the device has no such units. A
  /// multiply-accumulate is two operations.
  std::array<double, number_type_count> peaks{};
  double bandwidth = 0;       ///< bytes per second, of the memory
  std::int64_t capacity = 0;  ///< bytes of memory; 0: unknown
  std::int64_t on_chip = 0;   ///< bytes that programs place data in, and that keep it between runs
  std::vector<std::pair<std::string, std::int64_t>> caches;  ///< level and bytes
  double tdp = 0;                                            ///< watts; 0: unknown
  std::vector<std::pair<std::string, std::string>> sources;  ///< of each section's figures

  double peak(NumberType type) const noexcept { return peaks[static_cast<std::size_t>(type)]; }
  double highest_peak() const noexcept;
  /// The largest of the caches; 0 if none is known.
  std::int64_t largest_cache() const noexcept;
  /// The type in which the device computes `type`: itself, or the first that is wide enough of
  /// those that the device has; nothing if it has none.
  std::optional<NumberType> computes_in(NumberType type) const noexcept;
};

/// A device from the text of its file. Throws Error{malformed} that names the file and the line.
Device parse_device(std::string_view text, const std::string& path);

/// The built-in devices and the user's own ($XDG_CONFIG_HOME/zoometer/hardware/*.toml), which take
/// the place of built-in ones of the same name. By name.
std::vector<Device> all_devices();

/// A device from a file. Throws Error{io} if it cannot be read.
Device read_device(const std::string& path);

/// The device of that name or alias, whatever its case, spaces, hyphens and underscores. Throws
/// Error{unknown_name} with a suggestion.
const Device& find_device(std::span<const Device> devices, std::string_view name);

}  // namespace zoometer
