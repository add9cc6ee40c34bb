#include "util/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "util/paths.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

[[noreturn]] void refuse(const std::string& path, int reason) {
  Error error(ErrorCode::io, reason == EPIPE
                                 ? "the reader closed the pipe before everything was written"
                                 : "cannot write: " + std::string(std::strerror(reason)));
  error.place.model = path;
  throw error;
}

/// Whether to repeat a write; waits if the descriptor is not ready.
bool may_go_on(int fd, int reason) noexcept {
  if (reason == EINTR) return true;
  if (reason != EAGAIN) return false;
  pollfd room{fd, POLLOUT, 0};
  return poll(&room, 1, -1) >= 0 || errno == EINTR;
}

/// The number of the open descriptor that a path names: "/dev/stdout", "/dev/fd/3".
std::optional<int> descriptor_of(std::string_view path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    const std::string_view digits = path.substr(folder.size());
    int number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc{} && end == digits.data() + digits.size()) return number;
  }
  return std::nullopt;
}

mode_t usual_mode() {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

}  // namespace

bool is_written_in_place(const std::string& path) {
  if (descriptor_of(path)) return true;
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

int open_in_place(const std::string& path) {
  const std::optional<int> own = descriptor_of(path);
  const int fd = own ? fcntl(*own, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                     : open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) refuse(path, errno);
  return fd;
}

int write_fully(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && may_go_on(fd, errno)) continue;
    if (written < 0) return errno;
    if (written == 0) return EIO;  // a device that accepts no bytes and reports no error
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

int close_safely(int fd) noexcept {
  int synced = 0;
  do synced = fsync(fd);
  while (synced != 0 && errno == EINTR);
  int reason = synced == 0 ? 0 : errno;
  if (reason == EINVAL || reason == ENOSYS || reason == ENOTSUP || reason == EROFS) reason = 0;
  if (close(fd) != 0 && errno != EINTR && reason == 0) reason = errno;
  return reason;
}

void check_replaceable(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return;
  if (S_ISDIR(status.st_mode)) refuse(path, EISDIR);
  if (access(path.c_str(), W_OK) != 0) refuse(path, errno);
}

OutputFile::OutputFile(const std::string& path) : path_(resolve_links(path)) {
  check_replaceable(path_);
  struct stat before {};
  const bool is_there = stat(path_.c_str(), &before) == 0;
  beside_ = path_ + ".XXXXXX";
  fd_ = mkostemp(beside_.data(), O_CLOEXEC);
  if (fd_ < 0) refuse(path_, errno);
  // Only root can give a file away; for others it has the right owner already.
  if (is_there && fchown(fd_, before.st_uid, before.st_gid) != 0 && errno != EPERM) fail(errno);
  if (fchmod(fd_, is_there ? before.st_mode & 0777 : usual_mode()) != 0) fail(errno);
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) discard();
}

void OutputFile::write(std::string_view bytes) {
  const int reason = write_fully(fd_, bytes);
  if (reason != 0) fail(reason);
}

void OutputFile::finish() {
  const int fd = std::exchange(fd_, -1);
  int reason = close_safely(fd);
  if (reason == 0 && rename(beside_.c_str(), path_.c_str()) != 0) reason = errno;
  if (reason == 0) return;
  unlink(beside_.c_str());
  refuse(path_, reason);
}

void OutputFile::fail(int reason) {
  discard();
  refuse(path_, reason);
}

void OutputFile::discard() noexcept {
  close(fd_);
  fd_ = -1;
  unlink(beside_.c_str());
}

void write_stdout(std::string_view text) {
  const int reason = write_fully(STDOUT_FILENO, text);
  if (reason == EPIPE) throw ClosedPipe();
  if (reason != 0) refuse("standard output", reason);
}

void write_note(std::string_view text) noexcept {
  write_fully(STDERR_FILENO, "zoometer: " + escape_controls(text) + "\n");
}

void write_output(const std::string& path, std::string_view text) {
  if (path.empty() || path == "-") return write_stdout(text);
  if (is_written_in_place(path)) {
    const int fd = open_in_place(path);
    const int reason = write_fully(fd, text);
    close(fd);
    if (reason != 0) refuse(path, reason);
    return;
  }
  OutputFile file(path);
  file.write(text);
  file.finish();
}

int terminal_width() noexcept {
  const char* columns = std::getenv("COLUMNS");
  if (columns != nullptr) {
    int width = 0;
    const char* end = columns + std::strlen(columns);
    const auto [last, problem] = std::from_chars(columns, end, width);
    if (problem == std::errc{} && last == end && width > 0) return width;
  }
  if (isatty(STDOUT_FILENO) == 0) return 0;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  constexpr int usual_width = 80;
  return usual_width;
}

bool wants_colour() noexcept {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no_colour == nullptr || *no_colour == '\0');
}

}  // namespace zoometer
