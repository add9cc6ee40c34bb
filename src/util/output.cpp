#include "util/output.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "util/error.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

[[noreturn]] void refuse(const std::string& path, int reason) {
  Error error(ErrorCode::io, reason == EPIPE
                                 ? "the reader closed the pipe before everything was written"
                                 : "cannot write: " + std::string(std::strerror(reason)));
  error.place.model = path;
  throw error;
}

/// Returns 0, or the errno that ended the writing.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

/// A device or pipe is written in place: it cannot be renamed over.
bool is_special(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

void write_in_place(const std::string& path, std::string_view text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) refuse(path, errno);
  const int reason = write_all(fd, text);
  close(fd);
  if (reason != 0) refuse(path, reason);
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path), beside_(path + ".XXXXXX") {
  fd_ = mkostemp(beside_.data(), O_CLOEXEC);
  if (fd_ < 0) refuse(path_, errno);
  const mode_t mask = umask(0);
  umask(mask);
  if (fchmod(fd_, 0666 & ~mask) != 0) fail(errno);
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) discard();
}

void OutputFile::write(std::string_view bytes) {
  const int reason = write_all(fd_, bytes);
  if (reason != 0) fail(reason);
}

void OutputFile::finish() {
  const int fd = std::exchange(fd_, -1);
  int reason = close(fd) == 0 ? 0 : errno;
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
  const int reason = write_all(STDOUT_FILENO, text);
  if (reason != 0) refuse("standard output", reason);
}

void write_note(std::string_view text) noexcept {
  write_all(STDERR_FILENO, "zoometer: " + escape_controls(text) + "\n");
}

void write_output(const std::string& path, std::string_view text) {
  if (path.empty() || path == "-") return write_stdout(text);
  if (is_special(path)) return write_in_place(path, text);
  OutputFile file(path);
  file.write(text);
  file.finish();
}

int terminal_width() noexcept {
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
