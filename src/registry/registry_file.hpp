#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/toml.hpp"

namespace zoometer {

/// The text of a registry.toml while it is edited. Comments, order and layout of what is not edited
/// stay.
class RegistryText {
 public:
  /// `path` is for messages. Throws Error{malformed}.
  RegistryText(std::string text, std::string path);

  /// Adds names to the array `curated`, or removes them from it. Where the file has no such array
  /// it first gets the one that zoometer comes with.
  void add_curated(const std::vector<std::string>& names);
  void remove_curated(const std::vector<std::string>& names);

  /// Adds an entry [models.NAME] with these lines ("file = \"...\"").
  void add_model(std::string_view name, const std::vector<std::string>& lines);
  void remove_model(std::string_view name);

  const std::string& text() const noexcept { return text_; }
  const std::string& path() const noexcept { return path_; }

 private:
  TomlValue parse() const;
  /// The array `curated`; makes it where there is none.
  TomlValue curated();

  std::string path_, text_;
};

/// The user's registry.toml while it is edited. Holds a lock, so that two editors follow one
/// another; `save` replaces the file whole.
class RegistryFile {
 public:
  /// Creates the folder, takes the lock, reads the file. Throws Error{io} or Error{malformed}.
  explicit RegistryFile(const std::string& path);

  RegistryText& text() noexcept { return text_; }
  void save() const;

 private:
  class Lock {
   public:
    explicit Lock(const std::string& file);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    int fd_ = -1;
  };

  Lock lock_;
  RegistryText text_;
};

}  // namespace zoometer
