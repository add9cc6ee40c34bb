#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/toml.hpp"

namespace zoometer {

/// The user's registry.toml while it is edited. Comments, order and layout of what is not edited
/// stay. Holds a lock, so that two editors follow one another; `save` replaces the file whole.
class RegistryFile {
 public:
  /// Creates the folder, takes the lock, reads the file. Throws Error{io} or Error{malformed}.
  explicit RegistryFile(const std::string& path);
  ~RegistryFile();
  RegistryFile(const RegistryFile&) = delete;
  RegistryFile& operator=(const RegistryFile&) = delete;

  /// Adds names to the array `curated`, or removes them from it. Where the file has no such array
  /// it first gets the one that zoometer comes with.
  void add_curated(const std::vector<std::string>& names);
  void remove_curated(const std::vector<std::string>& names);

  /// Adds an entry [models.NAME] with these lines ("file = \"...\"").
  void add_model(std::string_view name, const std::vector<std::string>& lines);
  void remove_model(std::string_view name);

  const std::string& text() const noexcept { return text_; }
  void save() const;

 private:
  TomlValue parse() const;
  /// The array `curated`; makes it where there is none.
  TomlValue curated();

  std::string path_, text_;
  int lock_ = -1;
};

}  // namespace zoometer
