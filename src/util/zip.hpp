#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace zoometer {

/// One file inside a zip archive, as the central directory tells it.
struct ZipEntry {
  std::string_view name;  ///< with its folders; lives as long as the archive's bytes
  std::uint64_t header_offset = 0;
  std::uint64_t compressed_size = 0;
  std::uint64_t size = 0;
  std::uint32_t checksum = 0;
  std::uint16_t method = 0;  ///< 0: stored, 8: deflated
  std::uint16_t flags = 0;
};

/// Text of an archive's own, which may be changed in place. Behind its end there are zeros, for
/// readers that look for one, or take several bytes at a time.
class ZipText {
 public:
  static constexpr std::size_t zeros = 17;
  explicit ZipText(std::size_t size);
  char* data() noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::string_view view() const noexcept { return {data_.get(), size_}; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_;
};

/// A zip archive in memory, with or without ZIP64. The bytes are hostile input: whatever is wrong
/// with them throws Error{malformed} with the byte offset, and no entry takes more memory than
/// `largest_expansion` times its compressed size.
class ZipArchive {
 public:
  /// The most that an entry may grow by inflating, beyond its first MiB. The text of real archives
  /// grows up to 40 times.
  static constexpr std::uint64_t largest_expansion = 200;

  /// Whether the bytes begin like a zip archive.
  static bool recognises(std::span<const std::byte> bytes) noexcept;

  /// Reads the central directory. The bytes must outlive the archive.
  explicit ZipArchive(std::span<const std::byte> bytes);

  /// In the order of the central directory.
  std::span<const ZipEntry> entries() const noexcept { return entries_; }

  /// The entry of that name, or null. Throws where two have it.
  const ZipEntry* find(std::string_view name) const;

  /// The content of an entry, its checksum compared. Throws Error{unsupported} where it is
  /// encrypted or compressed by another method than deflate, Error{limit} where it grows too much.
  ZipText read(const ZipEntry& entry) const;

 private:
  std::span<const std::byte> content(const ZipEntry& entry) const;

  std::span<const std::byte> bytes_;
  std::vector<ZipEntry> entries_;
};

}  // namespace zoometer
