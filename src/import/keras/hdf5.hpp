#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

// The attributes of an HDF5 file's root group, read in place: Keras 1 and 2 keep a model's
// configuration there. Trees, chunks and filters are not read (HDF5 File Format Specification,
// version 3.0, sections II and IV).

namespace zoometer {

/// The place of HDF5's signature: byte 0, or a power of two from 512 to 4096, after what another
/// program wrote.
std::optional<std::uint64_t> find_hdf5(std::string_view bytes) noexcept;

/// One file. Every address and length is checked, each block of messages is read once, and there
/// are at most 64 blocks and 4,096 messages.
class Hdf5File {
 public:
  /// The bytes must outlive the file. Throws Error{malformed} with the place, and
  /// Error{unsupported} for a superblock of another version.
  explicit Hdf5File(std::string_view bytes);

  /// A text attribute of the root group, as a view of the file, or nothing. Throws
  /// Error{malformed}; Error{unsupported} for attributes in a tree of their own.
  std::optional<std::string_view> attribute(std::string_view name) const;

 private:
  void need(std::string_view what, std::uint64_t at, std::uint64_t count) const;
  std::uint64_t number(std::string_view what, std::uint64_t at, unsigned bytes) const;
  /// The place that an address means.
  std::uint64_t place(std::string_view what, std::uint64_t at) const;
  std::optional<std::string_view> text_of(std::uint64_t at, std::uint64_t size,
                                          std::string_view name) const;
  std::string_view heap_text(std::uint64_t at) const;

  std::string_view bytes_;
  std::uint64_t base_ = 0;  ///< addresses count from here
  std::uint64_t root_ = 0;  ///< the root group's object header
};

}  // namespace zoometer
