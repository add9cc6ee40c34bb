#pragma once

#include <string>
#include <string_view>

namespace zoometer {

/// Whether a user other than this one and root may put files into the folder. A group of the user's
/// own may: on many systems it has no other member.
bool is_open_to_others(const std::string& folder);

/// A folder of this user's below another, whose files are replaced as a whole: a reader sees the
/// old file or the new one. No link is followed below `root`.
class PrivateFolder {
 public:
  /// Makes what is missing of `root` and of `below`, a path of plain names. Throws Error{io} that
  /// names the folder, also if others may write to `root`, or if a part of the path is a link.
  PrivateFolder(const std::string& root, std::string_view below);
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  /// Throws Error{io}.
  void write(const std::string& name, std::string_view bytes);
  /// Opens a file for reading and writing, and makes it if it is missing. -1 if that fails, or if
  /// another process has it open this way.
  int open_alone(const std::string& name) noexcept;
  void remove(const std::string& name) noexcept;

 private:
  [[noreturn]] void fail(std::string_view what, int reason) const;

  std::string path_;
  int fd_ = -1;
};

}  // namespace zoometer
