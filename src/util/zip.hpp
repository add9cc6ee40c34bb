#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace zoometer {

/// A file in a zip archive, as described by the central directory.
struct ZipEntry {
  std::string_view name;  ///< its path; valid as long as the archive's bytes
  std::uint64_t header_offset = 0;
  std::uint64_t compressed_size = 0;
  std::uint64_t size = 0;
  std::uint32_t checksum = 0;
  std::uint16_t method = 0;  ///< 0: stored, 8: deflated
  std::uint16_t flags = 0;
};

/// A text that may be changed in place. Zeros follow its end, for parsers that need a terminating
/// zero or read several bytes at a time.
class ZipText {
 public:
  static constexpr std::size_t zeros = 17;
  ZipText(std::size_t size, std::size_t packed_size);
  char* data() noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  /// The bytes that it takes in the archive.
  std::size_t packed_size() const noexcept { return packed_size_; }
  std::string_view view() const noexcept { return {data_.get(), size_}; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_;
  std::size_t packed_size_;
};

/// A zip archive in memory, with or without ZIP64. The bytes are hostile input: errors in them
/// throw Error{malformed} with the byte offset, and no entry takes more memory than
/// `largest_expansion` times its compressed size.
class ZipArchive {
 public:
  /// The largest ratio of an entry's size to its compressed size, beyond the first MiB. Real
  /// archives reach 40.
  static constexpr std::uint64_t largest_expansion = 200;

  /// Whether the bytes begin as a zip archive does.
  static bool recognises(std::span<const std::byte> bytes) noexcept;

  /// Reads the central directory. The bytes must outlive the archive.
  explicit ZipArchive(std::span<const std::byte> bytes);

  /// The entries in the order of the central directory.
  std::span<const ZipEntry> entries() const noexcept { return entries_; }

  /// The entry with this name, or null. Throws if two entries have it.
  const ZipEntry* find(std::string_view name) const;

  /// The content of an entry; verifies its checksum. Throws Error{unsupported} if it is encrypted
  /// or not compressed by deflate, Error{limit} if it is too large.
  ZipText read(const ZipEntry& entry) const;

  /// The bytes of an entry that is not compressed, in place: its checksum is not verified. Throws
  /// Error{unsupported} if it is compressed or encrypted.
  std::span<const std::byte> stored(const ZipEntry& entry) const;

 private:
  std::span<const std::byte> content(const ZipEntry& entry) const;

  std::span<const std::byte> bytes_;
  std::vector<ZipEntry> entries_;
};

}  // namespace zoometer
