#include "util/private_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "util/output.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr mode_t own = 0700;
constexpr int no_link = O_NOFOLLOW | O_CLOEXEC;

}  // namespace

bool is_open_to_others(const std::string& folder) {
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) return false;
  const bool is_own = status.st_uid == geteuid() || status.st_uid == 0;
  const bool is_of_group = (status.st_mode & S_IWGRP) != 0 && status.st_gid != getegid();
  return !is_own || is_of_group || (status.st_mode & S_IWOTH) != 0;
}

PrivateFolder::PrivateFolder(const std::string& root, std::string_view below) : path_(root) {
  std::error_code problem;
  std::filesystem::create_directories(root, problem);
  fd_ = open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0) fail("cannot open the folder", errno);
  if (is_open_to_others(root)) fail("other users may write to the folder", 0);
  while (!below.empty()) {
    const std::size_t slash = below.find('/');
    const std::string part(below.substr(0, slash));
    below.remove_prefix(slash == std::string_view::npos ? below.size() : slash + 1);
    path_.append("/").append(part);
    if (mkdirat(fd_, part.c_str(), own) != 0 && errno != EEXIST)
      fail("cannot make the folder", errno);
    const int inner = openat(fd_, part.c_str(), O_RDONLY | O_DIRECTORY | no_link);
    const int reason = errno;
    close(fd_);
    fd_ = inner;
    if (fd_ < 0) fail("cannot open the folder", reason);
  }
}

PrivateFolder::~PrivateFolder() {
  if (fd_ >= 0) close(fd_);
}

void PrivateFolder::fail(std::string_view what, int reason) const {
  std::string message(what);
  if (reason != 0) message.append(": ").append(std::strerror(reason));
  Error error(ErrorCode::io, std::move(message));
  error.place.model = path_;
  throw error;
}

void PrivateFolder::write(const std::string& name, std::string_view bytes) {
  const std::string beside = "." + name + "." + std::to_string(getpid()) + ".new";
  unlinkat(fd_, beside.c_str(), 0);
  const int file = openat(fd_, beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | no_link, 0600);
  if (file < 0) fail("cannot write " + name, errno);
  int reason = write_fully(file, bytes);
  const int at_end = close_safely(file);
  if (reason == 0) reason = at_end;
  if (reason == 0 && renameat(fd_, beside.c_str(), fd_, name.c_str()) != 0) reason = errno;
  if (reason == 0) return;
  unlinkat(fd_, beside.c_str(), 0);
  fail("cannot write " + name, reason);
}

int PrivateFolder::open_alone(const std::string& name) noexcept {
  const int file = openat(fd_, name.c_str(), O_RDWR | O_CREAT | no_link | O_NONBLOCK, 0600);
  if (file < 0) return -1;
  struct stat status {};
  const bool is_ours =
      fstat(file, &status) == 0 && S_ISREG(status.st_mode) && flock(file, LOCK_EX | LOCK_NB) == 0;
  if (is_ours) return file;
  close(file);
  return -1;
}

void PrivateFolder::remove(const std::string& name) noexcept { unlinkat(fd_, name.c_str(), 0); }

}  // namespace zoometer
