#include "registry/source_list.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "registry/live_listing.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

SourceInfo builtin_source(const Registry& registry) {
  SourceInfo info;
  info.name = "builtin";
  info.version = ZOOMETER_VERSION;
  info.where = "this program";
  const auto models = registry.models();
  info.models = static_cast<std::size_t>(std::count_if(
      models.begin(), models.end(), [](const auto& model) { return model.builtin != nullptr; }));
  return info;
}

SourceInfo live_source(const LiveListing& listing) {
  SourceInfo info;
  info.name = listing.source;
  info.version = listing.version;
  info.where = listing.path + ", Python " + listing.python + ", torch " + listing.torch;
  if (!listing.folder.empty()) info.where += ", in " + listing.folder;
  info.models = listing.models.size();
  info.since = listing.asked;
  if (!listing.is_current()) info.advice = "changed since: discover --source " + listing.source;
  return info;
}

std::optional<std::int64_t> written(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_mtim.tv_sec;
}

SourceInfo own_source(const UserModel& model) {
  SourceInfo info;
  info.name = model.source;
  info.where = model.name + ", " + model.declared_in;
  info.models = 1;
  if (model.origin.kind != OriginKind::file) return info;
  info.since = written(model.origin.target);
  if (!info.since) info.advice = "missing file";
  return info;
}

}  // namespace

std::vector<SourceInfo> list_sources(const Registry& registry, Cache& cache) {
  std::vector<SourceInfo> sources = {builtin_source(registry)};
  constexpr std::string_view torchvision = "torchvision";
  for (const LiveListing& listing : known_listings(cache)) sources.push_back(live_source(listing));
  const bool has_asked = std::any_of(sources.begin(), sources.end(), [&](const SourceInfo& each) {
    return each.name == torchvision;
  });
  if (!has_asked) {
    SourceInfo unasked;
    unasked.name = torchvision;
    unasked.advice = "not listed yet: discover --source torchvision";
    sources.push_back(unasked);
  }
  for (const RegistryModel& model : registry.models()) {
    if (model.user != nullptr) sources.push_back(own_source(*model.user));
  }
  return sources;
}

}  // namespace zoometer
