#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>

#include "zoometer/models/model.hpp"
#include "zoometer/plugin.hpp"

namespace zoometer {

/// A shared library with models, made by ZOOMETER_PLUGIN. Its rows trace like built-in ones.
class Plugin {
 public:
  /// Loads the library. Throws Error{io} for a missing file, Error{unsupported} for a file that is
  /// not a plug-in or was built with another version.
  explicit Plugin(const std::string& path);
  /// Takes a table of the program itself, with a name for messages.
  Plugin(const PluginTable& table, const std::string& name);
  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  const std::string& path() const noexcept { return path_; }
  /// "plugin:/path/libtiny.so".
  const std::string& source() const noexcept { return source_; }
  /// One family for each model, in the plug-in's order.
  const std::deque<Family>& families() const noexcept { return families_; }

 private:
  /// A row that its plug-in traces.
  struct Row : Model {
    const PluginTable* table = nullptr;
    std::size_t index = 0;
  };

  const PluginTable& open();
  void check(const PluginTable& table) const;
  void take_models(const PluginTable& table);
  void take_model(const PluginTable& table, const PluginModel& model);
  InputSpecs specs_of(const PluginTensor* tensors, std::size_t count);
  static void build(Trace& trace);

  std::string path_, source_;
  void* library_ = nullptr;
  Arena texts_;  // of the rows; the library's own are unloaded with it
  std::deque<std::vector<InputSpec>> inputs_;  // of the rows, which refer to them
  std::deque<Row> rows_;
  std::deque<Family> families_;
};

}  // namespace zoometer
