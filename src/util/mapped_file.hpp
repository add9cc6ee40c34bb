#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace zoometer {

/// A file that is mapped read-only. The system reads a page only when it is accessed, so the
/// weights of a model are not read.
class MappedFile {
 public:
  /// Throws Error{io} if the file cannot be opened or mapped, or is not a regular file.
  explicit MappedFile(const std::string& path);
  /// A file that is already in memory. The bytes must outlive this object.
  MappedFile(std::string name, std::span<const std::byte> bytes);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  const std::string& path() const noexcept { return path_; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }
  std::size_t size() const noexcept { return size_; }
  /// Whether it was made of bytes: then `path` is a name and no file.
  bool is_in_memory() const noexcept { return !is_mapped_; }

  /// Call it after reading the bytes. Throws Error{io} if some of them could not be read because
  /// the device failed or the file was truncated. See `guard_mapped_files`.
  void check() const;

  /// The entry of a mapped file in the table of the signal handler.
  struct Guard;

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  bool is_mapped_ = false;
  Guard* guard_ = nullptr;
};

}  // namespace zoometer
