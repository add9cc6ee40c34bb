#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/cache.hpp"

namespace zoometer {

/// A model that a live source has.
struct LiveModel {
  std::string name, family, task;
  std::string digest;  ///< changes when the files that define it do; empty where there are none
};

/// What a Python told of itself and of the models of a source.
struct LiveListing {
  std::string source;    ///< "torchvision" or "python:MODULE"
  std::string folder;    ///< where a module of one's own was looked for; empty for torchvision
  std::string path;      ///< of the interpreter
  std::string identity;  ///< of the interpreter (Interpreter::identity)
  std::string python, torch, version;  ///< version: of the source, if it has one
  std::int64_t asked = 0;              ///< seconds since 1970
  std::vector<LiveModel> models;
  std::vector<std::string> stamps;  ///< of the files that define the models

  const LiveModel* find(std::string_view model) const noexcept;
  /// Whether the files that define the models are those that they were.
  bool is_current() const;
};

/// The script that runs in the user's Python, and what changes whenever it does.
std::string_view bridge_script();
std::string bridge_version();

void keep_listing(const LiveListing& listing, Cache& cache);
/// What is known of a source in an interpreter; nothing where that is not current any more.
std::optional<LiveListing> recall_listing(const LiveListing& like, Cache& cache);
/// Every listing that is kept, without starting a Python, current or not.
std::vector<LiveListing> known_listings(Cache& cache);

}  // namespace zoometer
