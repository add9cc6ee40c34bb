#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/cache.hpp"
#include "registry/rests.hpp"

namespace zoometer {

/// A model of a live source.
struct LiveModel {
  std::string name, family, task;
  std::string builder;  ///< Python: an import, a line break and an expression; empty if unknown
};

/// What a Python reports about itself and the models of a source.
struct LiveListing {
  std::string source;    ///< "torchvision", "timm", "python:MODULE", ...
  std::string folder;    ///< where the user's module was searched; empty for a library
  std::string path;      ///< the interpreter
  std::string identity;  ///< of the interpreter (Interpreter::identity)
  std::string python, torch, version;  ///< version: of the source, if it has one
  std::int64_t asked = 0;              ///< seconds since 1970
  std::vector<LiveModel> models;
  Rests rests;  ///< what the list of models depends on

  const LiveModel* find(std::string_view model) const noexcept;
  /// Whether what the list depends on is unchanged.
  bool is_current() const;
};

/// The script that runs in the user's Python, with its parts, and a digest of it.
const std::string& bridge_script();
std::string bridge_version();

void keep_listing(const LiveListing& listing, Cache& cache);
/// The cached listing of a source in an interpreter; nothing if it is out of date.
std::optional<LiveListing> recall_listing(const LiveListing& like, Cache& cache);
/// All cached listings, including those that are out of date.
std::vector<LiveListing> known_listings(Cache& cache);

}  // namespace zoometer
