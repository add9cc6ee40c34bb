#include "util/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "util/error.hpp"

namespace zoometer {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
  Error error(ErrorCode::io, "cannot read the file: " + reason);
  error.place.model = path;
  throw error;
}

/// Closes the descriptor on every way out.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  // Without O_NONBLOCK a named pipe would wait for a writer.
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) refuse(path, std::strerror(errno));
  struct stat status {};
  if (fstat(file.fd, &status) != 0) refuse(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    refuse(path, S_ISDIR(status.st_mode) ? "it is a folder" : "it is no regular file");
  if (status.st_size == 0) return;

  size_ = static_cast<std::size_t>(status.st_size);
  void* mapped = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (mapped == MAP_FAILED) refuse(path, std::strerror(errno));
  data_ = static_cast<const std::byte*>(mapped);
  is_mapped_ = true;
  // The kernel's read-ahead would read the weights between the parts that are needed.
  madvise(mapped, size_, MADV_RANDOM);
}

MappedFile::MappedFile(std::string name, std::span<const std::byte> bytes)
    : path_(std::move(name)),
      data_(bytes.data()),
      size_(bytes.size()) {}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      is_mapped_(std::exchange(other.is_mapped_, false)) {}

MappedFile::~MappedFile() {
  if (is_mapped_) munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace zoometer
