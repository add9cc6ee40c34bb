#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace zoometer {

/// A file mapped read-only. Pages are read when they are touched and no earlier, so that a model's
/// weights cost nothing.
class MappedFile {
 public:
  /// Throws Error{io} where the file cannot be opened, is no regular file, or cannot be mapped.
  explicit MappedFile(const std::string& path);
  /// A file that lies in memory already, which must outlive this.
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

  /// To call when the bytes have been read: throws Error{io} where some of them could not be, as
  /// the device failed or the file was cut meanwhile. See `guard_mapped_files`.
  void check() const;

  /// What the guard notes of a mapped file.
  struct Guard;

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  bool is_mapped_ = false;
  Guard* guard_ = nullptr;
};

/// From now on a page of a mapped file that cannot be read gives zeros and is noted for `check`;
/// without this it ends the process (SIGBUS). For programs: it takes the signal's handler.
void guard_mapped_files() noexcept;

}  // namespace zoometer
