#include "registry/live_listing.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

#include "registry/cache_value.hpp"
#include "util/embedded.hpp"
#include "util/json_writer.hpp"

namespace zoometer {
namespace {

constexpr std::string_view listing_kind = "listing";

std::string scope_of(const LiveListing& listing) {
  return pack({listing.source, listing.folder, bridge_version()});
}

std::string pack_listing(const LiveListing& listing) {
  std::vector<std::string> models;
  for (const LiveModel& model : listing.models) {
    for (const std::string& text : {model.name, model.family, model.task, model.builder})
      models.push_back(text);
  }
  return pack({listing.identity, listing.python, listing.torch, listing.version,
               std::to_string(listing.asked), pack(models), pack(listing.rests.files),
               pack(listing.rests.variables), listing.rests.unseen});
}

std::optional<LiveListing> unpack_listing(std::string_view scope, const std::string& path,
                                          std::string_view value) {
  const auto heads = unpack(scope);
  const auto parts = unpack(value);
  constexpr std::size_t scope_parts = 3;
  constexpr std::size_t value_parts = 9;
  if (!heads || heads->size() != scope_parts || (*heads)[2] != bridge_version() || !parts ||
      parts->size() != value_parts)
    return std::nullopt;
  LiveListing listing;
  listing.source = (*heads)[0];
  listing.folder = (*heads)[1];
  listing.path = path;
  listing.identity = (*parts)[0];
  listing.python = (*parts)[1];
  listing.torch = (*parts)[2];
  listing.version = (*parts)[3];
  listing.asked = std::strtoll((*parts)[4].c_str(), nullptr, 10);
  const auto models = unpack((*parts)[5]);
  const auto files = unpack((*parts)[6]);
  const auto variables = unpack((*parts)[7]);
  if (!models || !files || !variables) return std::nullopt;
  constexpr std::size_t fields = 4;
  for (std::size_t i = 0; i + fields <= models->size(); i += fields)
    listing.models.push_back({(*models)[i], (*models)[i + 1], (*models)[i + 2], (*models)[i + 3]});
  listing.rests = {*files, *variables, (*parts)[8]};
  return listing;
}

/// The text of the bridge after a table of its parts, whose modules are made of it.
std::string make_bridge_script() {
  constexpr std::string_view folder = "python/zoometer/";
  JsonWriter json;  // whose texts are literals of Python, too
  json.object([&] {
    for (const EmbeddedFile& file : embedded_files()) {
      if (!file.name.starts_with(folder) || !file.name.ends_with(".py")) continue;
      json.field(file.name.substr(folder.size()), file.text);
    }
  });
  std::string parts = json.text();
  while (parts.ends_with('\n')) parts.pop_back();
  return fmt::format("_PARTS = {}\n{}", parts, embedded_file("python/zoometer_bridge.py"));
}

}  // namespace

const std::string& bridge_script() {
  static const std::string script = make_bridge_script();
  return script;
}

std::string bridge_version() {
  return fmt::format("{:x}", std::hash<std::string_view>{}(bridge_script()));
}

const LiveModel* LiveListing::find(std::string_view model) const noexcept {
  const auto found = std::find_if(models.begin(), models.end(),
                                  [&](const LiveModel& each) { return each.name == model; });
  return found == models.end() ? nullptr : &*found;
}

bool LiveListing::is_current() const { return rests.are_current(); }

void keep_listing(const LiveListing& listing, Cache& cache) {
  cache.put(listing_kind, scope_of(listing), listing.path, pack_listing(listing));
}

std::optional<LiveListing> recall_listing(const LiveListing& like, Cache& cache) {
  const std::string scope = scope_of(like);
  const auto value = cache.get(listing_kind, scope, like.path);
  auto listing = value ? unpack_listing(scope, like.path, *value) : std::nullopt;
  if (!listing || listing->identity != like.identity || !listing->is_current()) return std::nullopt;
  return listing;
}

std::vector<LiveListing> known_listings(Cache& cache) {
  std::vector<LiveListing> listings;
  for (const Cache::Entry& entry : cache.all(listing_kind)) {
    if (auto listing = unpack_listing(entry.scope, entry.name, entry.value))
      listings.push_back(std::move(*listing));
  }
  return listings;
}

}  // namespace zoometer
