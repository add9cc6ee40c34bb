#include "util/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

#include "zoometer/util/error.hpp"
#include "zoometer/util/process.hpp"

namespace zoometer {

/// Atomic, since the signal handler reads it. Unused while `end` is 0.
struct MappedFile::Guard {
  std::atomic<std::uintptr_t> begin = UINTPTR_MAX;
  std::atomic<std::uintptr_t> end = 0;
  std::atomic<bool> has_failed = false;
};

namespace {

// The number of files that are mapped at the same time: one per thread, and a few more. Further
// files are not guarded.
constexpr std::size_t most_guarded = 64;
constinit std::array<MappedFile::Guard, most_guarded> guards;

MappedFile::Guard* guard_area(std::uintptr_t begin, std::size_t size) noexcept {
  for (MappedFile::Guard& guard : guards) {
    std::uintptr_t free = 0;
    if (!guard.end.compare_exchange_strong(free, begin + size)) continue;
    guard.has_failed = false;
    guard.begin = begin;
    return &guard;
  }
  return nullptr;
}

/// Replaces the page that cannot be read by a page of zeros.
extern "C" void stand_in(int signal, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto found = std::find_if(guards.begin(), guards.end(), [&](const auto& guard) {
    return address >= guard.begin && address - address % page < guard.end;
  });
  void* place = reinterpret_cast<void*>(address - address % page);  // NOLINT: it is an address
  if (found != guards.end() &&
      mmap(place, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
    found->has_failed = true;
    return;
  }
  std::signal(signal, SIG_DFL);  // the access is repeated and ends the process
}

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
  Error error(ErrorCode::io, "cannot read the file: " + reason);
  error.place.model = path;
  throw error;
}

/// Closes a file descriptor at the end of the scope.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) refuse(path, std::strerror(errno));
  struct stat status {};
  if (fstat(file.fd, &status) != 0) refuse(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    refuse(path, S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a regular file");
  if (status.st_size == 0) return;

  size_ = static_cast<std::size_t>(status.st_size);
  void* mapped = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (mapped == MAP_FAILED) refuse(path, std::strerror(errno));
  data_ = static_cast<const std::byte*>(mapped);
  is_mapped_ = true;
  guard_ = guard_area(reinterpret_cast<std::uintptr_t>(mapped), size_);
  // The kernel's read-ahead would read weights that are not needed.
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
      is_mapped_(std::exchange(other.is_mapped_, false)),
      guard_(std::exchange(other.guard_, nullptr)) {}

MappedFile::~MappedFile() {
  if (guard_ != nullptr) {
    guard_->begin = UINTPTR_MAX;
    guard_->end = 0;
  }
  if (is_mapped_) munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::check() const {
  if (guard_ != nullptr && guard_->has_failed)
    refuse(path_, "the device failed, or the file was truncated while it was read");
}

void guard_mapped_files() noexcept {
  struct sigaction action {};
  action.sa_sigaction = stand_in;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace zoometer
