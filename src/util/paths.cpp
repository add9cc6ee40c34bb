#include "util/paths.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// The XDG rules: a relative path in the variable counts as unset.
std::optional<std::string> folder(const char* variable, const char* below_home) {
  const char* base = std::getenv(variable);
  if (base != nullptr && *base == '/') return std::string(base) + "/zoometer";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') return std::nullopt;
  return std::string(home) + below_home + "/zoometer";
}

constexpr off_t most_bytes = off_t{16} << 20U;  // of a file that is read whole

[[noreturn]] void cannot_read(const std::string& path, std::string_view reason) {
  Error error(ErrorCode::io, std::string("cannot read: ").append(reason));
  error.place.model = path;
  throw error;
}

}  // namespace

std::string resolve_links(const std::string& path) {
  std::error_code none;
  const auto real = std::filesystem::canonical(path, none);
  return none ? path : real.string();
}

bool is_file(const std::string& path) noexcept {
  std::error_code none;
  return std::filesystem::is_regular_file(path, none);
}

bool is_folder(const std::string& path) noexcept {
  std::error_code none;
  return std::filesystem::is_directory(path, none);
}

bool is_anything(const std::string& path) noexcept {
  std::error_code none;
  return std::filesystem::exists(std::filesystem::symlink_status(path, none));
}

std::optional<std::string> config_folder() { return folder("XDG_CONFIG_HOME", "/.config"); }

std::optional<std::string> cache_folder() { return folder("XDG_CACHE_HOME", "/.cache"); }

std::optional<std::string> read_file(const std::string& path) {
  // A pipe without a writer would keep the program waiting.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (fd < 0) cannot_read(path, std::strerror(errno));
  struct stat status {};
  const bool is_regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  if (!is_regular || status.st_size > most_bytes) {
    close(fd);
    cannot_read(path, is_regular ? "it has more than 16 MiB" : "it is not a regular file");
  }
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int reason = errno;
      close(fd);
      cannot_read(path, std::strerror(reason));
    }
    if (count == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  close(fd);
  return text;
}

}  // namespace zoometer
