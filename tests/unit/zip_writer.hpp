#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer::testing {

/// Writes valid and invalid zip archives in memory.
class ZipWriter {
 public:
  struct Options {
    bool deflate = false;
    bool zip64 = false;  ///< sizes and offset in the extra field
    std::uint16_t flags = 0;
    std::uint16_t method = 0xFFFF;  ///< another one than was used
  };

  void add(std::string_view name, std::string_view content, const Options& options);
  void add(std::string_view name, std::string_view content) { add(name, content, {}); }
  /// The archive, with a comment; `zip64` writes the larger end records.
  std::string finish(std::string_view comment = {}, bool zip64 = false) const;

 private:
  struct Entry {
    std::string name;
    Options options;
    std::uint64_t offset = 0;
    std::uint64_t compressed_size = 0;
    std::uint64_t size = 0;
    std::uint32_t checksum = 0;
    std::uint16_t method = 0;
  };
  std::string bytes_;
  std::vector<Entry> entries_;
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Overwrites a little-endian number.
void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t width);

}  // namespace zoometer::testing
