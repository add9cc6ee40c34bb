#include "util/paths.hpp"

#include <fcntl.h>
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

[[noreturn]] void cannot_read(const std::string& path, int reason) {
  Error error(ErrorCode::io, "cannot read: " + std::string(std::strerror(reason)));
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
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (fd < 0) cannot_read(path, errno);
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int reason = errno;
      close(fd);
      cannot_read(path, reason);
    }
    if (count == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  close(fd);
  return text;
}

}  // namespace zoometer
