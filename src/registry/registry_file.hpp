#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/toml.hpp"

namespace zoometer {

/// The version of torchvision that has all built-in models: those of the list that a new file
/// begins with.
inline constexpr std::string_view builtin_torchvision = "0.26";

/// Edits the text of a registry.toml. Keeps comments, order and layout of everything else.
class RegistryText {
 public:
  /// `path` is for messages. Throws Error{malformed}.
  RegistryText(std::string text, std::string path);

  /// Adds names to the array `curated`, or removes them. If the file has no such array, it first
  /// gets the default one. The array `removed` remembers what was removed.
  void add_curated(const std::vector<std::string>& names);
  void remove_curated(const std::vector<std::string>& names);

  /// Sets a key at the top of the file to a text: registry = "auto".
  void set(std::string_view key, std::string_view value);

  /// Adds an entry [models.NAME] with these lines ("file = \"...\"").
  void add_model(std::string_view name, const std::vector<std::string>& lines);
  void remove_model(std::string_view name);

  const std::string& text() const noexcept { return text_; }
  const std::string& path() const noexcept { return path_; }

 private:
  TomlValue parse() const;
  /// The array of that key; creates it if it is missing.
  TomlValue list_of(std::string_view key);
  void add_to(std::string_view key, const std::vector<std::string>& names);
  void remove_from(std::string_view key, const std::vector<std::string>& names);
  void insert_at_top(const std::string& text);

  std::string path_, text_;
};

/// Edits the user's registry.toml. Holds a lock, so that two processes edit it one after the other.
/// `save` replaces the file atomically.
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
