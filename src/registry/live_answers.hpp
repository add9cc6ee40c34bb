#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "import/torch/fx.hpp"
#include "registry/bridge_process.hpp"
#include "registry/cache.hpp"
#include "registry/discovery.hpp"
#include "registry/rests.hpp"

namespace zoometer {

/// How much of an answer must be in the cache, so that the model is not traced again.
enum class Needs : std::uint8_t {
  verdict,  ///< whether the model is traceable, and its figures
  graph,    ///< the graph, or why there is none
  record,   ///< everything that the bridge reported
};

/// The answers of a live source in the cache. The bridge's lines are kept as they are ("graph"), so
/// that a later version of zoometer can read them again; what this version made of them is kept
/// beside them ("verdict").
class LiveAnswers {
 public:
  /// `scope` identifies the versions that the lines depend on. `graph` and `notes` receive the
  /// graph of the last answer.
  LiveAnswers(Cache& cache, std::string scope, double time_limit, Graph& graph, ImportNotes& notes);

  /// Fills the finding from the cache; nothing where the model must be traced, or where what the
  /// answer depends on has changed. The record is empty where the verdict is enough.
  std::optional<FxRecord> recall(const std::string& key, Needs needs, Finding& finding);
  /// A link of a RestsChain; nothing: the answer is not kept.
  using Link = std::optional<std::string>;
  /// Fills the finding from a new answer, and keeps both.
  FxRecord add(const std::string& key, const Link& link, const BridgeAnswer& answer,
               Finding& finding);
  /// Keeps a verdict without a line of the bridge.
  void keep(const std::string& key, const Link& link, const Finding& finding);

 private:
  /// The value of an entry, if what it depends on is as it was, and the link to that.
  struct Kept {
    std::string link;
    std::string value;
  };
  std::optional<Kept> get(std::string_view kind, std::string_view scope, const std::string& key);
  FxRecord read(std::string_view line, bool is_known, Finding& finding);

  Cache& cache_;
  RestsCheck check_;
  std::string scope_;
  std::string verdict_scope_;
  double time_limit_;
  Graph& graph_;
  ImportNotes& notes_;
  std::string buffer_;
};

}  // namespace zoometer
