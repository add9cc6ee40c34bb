#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>

#include "zoometer/models/model.hpp"
#include "zoometer/plugin.hpp"

namespace zoometer {

/// A shared library that gives models: what ZOOMETER_PLUGIN made. Its rows trace like built-in
/// ones.
class Plugin {
 public:
  /// Loads the library. Throws Error{io} where there is no such file, Error{unsupported} for one
  /// that is no plug-in or was built for another zoometer.
  explicit Plugin(const std::string& path);
  /// A table that the program itself holds, under a name for messages.
  Plugin(const PluginTable& table, const std::string& name);
  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  const std::string& path() const noexcept { return path_; }
  /// "plugin:/path/libtiny.so".
  const std::string& source() const noexcept { return source_; }
  /// One family for each model, as the plug-in told them.
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
  void take_model(const PluginTable& table, const PluginModel& told);
  InputSpecs specs_of(const PluginTensor* tensors, std::size_t count);
  static void build(Trace& trace);

  std::string path_, source_;
  void* library_ = nullptr;
  Arena texts_;                                // of the rows: the library's own would go with it
  std::deque<std::vector<InputSpec>> inputs_;  // of the rows, which refer to them
  std::deque<Row> rows_;
  std::deque<Family> families_;
};

}  // namespace zoometer
