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

/// The number formats that devices compute in. Each has a peak of its own.
enum class NumberType : std::uint8_t {
  float64,   ///< IEEE 754 double precision
  float32,   ///< IEEE 754 single precision
  tf32,      ///< float32 tensors, multiplied with 10 bits of fraction
  bfloat16,  ///< the upper half of a float32
  float16,   ///< IEEE 754 half precision
  float8,    ///< either float8 format
  float4,    ///< 4 bits with scales of blocks
  int8,      ///< 8-bit integers
  int4,      ///< 4-bit integers
};
/// How many number types there are.
inline constexpr std::size_t number_type_count = 9;

/// "float16": as in hardware files and in `--dtype`.
std::string_view name_of(NumberType type) noexcept;
/// The number type of that name, or nothing.
std::optional<NumberType> number_type_from_name(std::string_view name) noexcept;

/// The number type that elements of a dtype are computed in; nothing for those without a peak
/// (int64, bool).
std::optional<NumberType> number_type_of(DType dtype) noexcept;

/// The dtype that tensors of a number type are stored in: float32 for tf32, float8_e4m3fn for
/// float8.
DType dtype_of(NumberType type) noexcept;

/// How devices of one kind are connected.
struct DeviceLinks {
  double node = 0;           ///< bytes per second that a device sends to others of its machine
  double network = 0;        ///< to other machines
  double latency = 0;        ///< seconds that each message takes in addition
  std::int64_t devices = 0;  ///< of one machine; 0: unknown
};

/// A device for roofline models, as a file of data/hardware describes it. Every figure there has
/// its source.
struct Device {
  std::string name;                  ///< "H100"
  std::string title;                 ///< "NVIDIA H100 SXM5 80 GB"
  std::string kind;                  ///< "GPU"
  std::vector<std::string> aliases;  ///< other names that `find_device` knows it by
  /// Operations per second by NumberType, dense; 0 if the device does not compute in that type. A
  /// multiply-accumulate is two operations.
  std::array<double, number_type_count> peaks{};
  double bandwidth = 0;       ///< of the memory, in bytes per second
  std::int64_t capacity = 0;  ///< of the memory, in bytes; 0: unknown
  std::int64_t on_chip = 0;   ///< bytes of memory that programs manage, which keeps its contents
  std::vector<std::pair<std::string, std::int64_t>> caches;  ///< level and size in bytes
  DeviceLinks links;                                         ///< zeros: unknown
  double tdp = 0;                                            ///< in watts; 0: unknown
  std::vector<std::pair<std::string, std::string>> sources;  ///< section and where it comes from

  /// Operations per second in that type; 0 if the device does not compute in it.
  double peak(NumberType type) const noexcept { return peaks[static_cast<std::size_t>(type)]; }
  /// The highest of its peaks.
  double highest_peak() const noexcept;
  /// Bytes of the largest cache; 0: unknown.
  std::int64_t largest_cache() const noexcept;
  /// The type in which the device computes `type`: itself, or the next wider one that it has;
  /// nothing if there is none.
  std::optional<NumberType> computes_in(NumberType type) const noexcept;
};

/// A device from the text of its file, in TOML; docs/roofline.md has the format. `path` is for
/// messages. Throws Error{malformed} that names the file and the line.
Device parse_device(std::string_view text, const std::string& path);

/// A device from a file. Throws Error{io} if it cannot be read, and what `parse_device` throws.
Device read_device(const std::string& path);

/// The built-in devices, by name.
std::vector<Device> builtin_devices();

/// The built-in devices and the user's own ($XDG_CONFIG_HOME/zoometer/hardware/*.toml), which
/// replace built-in ones of the same name. By name. Throws what `read_device` throws.
std::vector<Device> all_devices();

/// The device with that name or alias, whatever its case, spaces, hyphens and underscores. Throws
/// Error{unknown_name} with a suggestion.
const Device& find_device(std::span<const Device> devices, std::string_view name);

}  // namespace zoometer
