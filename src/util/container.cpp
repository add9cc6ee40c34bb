#include "util/container.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>

namespace zoometer {
namespace {

/// The first bytes of a small file of the kernel; empty if it cannot be read.
std::string start_of(const std::string& path) {
  std::array<char, 4096> buffer;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t count = read(fd, buffer.data(), buffer.size());
  close(fd);
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

/// The number in a file; the largest one for "max" and where there is none.
std::int64_t limit_in(const std::string& path) {
  constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
  const std::string text = start_of(path);
  std::int64_t number = none;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && number > 0 ? number : none;
}

/// The least limit of a group and of those above it.
std::int64_t least_limit(const std::string& mount, std::string_view group, std::string_view file) {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (;;) {
    while (group.ends_with('/')) group.remove_suffix(1);
    least = std::min(least, limit_in(std::string(mount).append(group).append("/").append(file)));
    if (group.empty()) return least;
    group = group.substr(0, group.rfind('/'));
  }
}

/// Whether "cpu,memory" names the controller of memory.
bool has_memory(std::string_view controllers) {
  for (;;) {
    const std::size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == "memory") return true;
    if (comma == controllers.size()) return false;
    controllers.remove_prefix(comma + 1);
  }
}

}  // namespace

std::int64_t container_memory(const std::string& root) {
  constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
  std::int64_t least = none;
  const std::string groups = start_of(root + "/proc/self/cgroup");
  // Lines of "number:controllers:path"; version 2 has no controllers.
  for (std::string_view rest = groups; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, least_limit(root + "/sys/fs/cgroup", group, "memory.max"));
    } else if (has_memory(controllers)) {
      least = std::min(least,
                       least_limit(root + "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
  }
  return least == none ? 0 : least;
}

}  // namespace zoometer
