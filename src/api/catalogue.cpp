#include "api/catalogue.hpp"

#include <algorithm>

#include "api/network.hpp"
#include "registry/zoo.hpp"
#include "util/text.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

constexpr std::string_view builtin = "builtin";

using Entry = CatalogueEntry;

ModelInfo info_of(const Entry& entry) {
  const Model& model = *entry.model;
  const Family& family = *entry.family;
  ModelInfo info;
  info.name = model.name;
  info.family = family.group.empty() ? family.name : family.group;
  info.task = name_of(family.task);
  info.source = entry.source;
  info.inputs = tensors_of(model.inputs.list());
  if (model.parameters > 0) info.parameters = model.parameters;
  if (model.macs > 0) info.macs = model.macs;
  return info;
}

const Entry* find(const std::vector<Entry>& entries, std::string_view name) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.model->name == name; });
  return found == entries.end() ? nullptr : &*found;
}

[[noreturn]] void refuse_taken(const Entry& taken, const Entry& added) {
  throw Error(ErrorCode::usage, "duplicate model name " + escape_controls(taken.model->name) +
                                    ": in " + taken.source + " and in " + added.source);
}

/// The entries and a family's models, by name.
std::vector<Entry> with(std::vector<Entry> entries, const Family& family, std::string_view source) {
  for (const Model& model : family.models) {
    const Entry entry{&model, &family, std::string(source)};
    if (const Entry* taken = find(entries, model.name)) refuse_taken(*taken, entry);
    entries.push_back(entry);
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.model->name < b.model->name; });
  return entries;
}

}  // namespace

std::string_view version() noexcept { return ZOOMETER_VERSION; }

const Entry* Catalogue::State::find(std::string_view name) const {
  return zoometer::find(entries, name);
}

void Catalogue::State::refuse(std::string_view name) const {
  Error error(ErrorCode::unknown_name, "no such model: " + escape_controls(name));
  std::vector<std::string_view> names;
  for (const Entry& entry : entries) names.push_back(entry.model->name);
  error.hint = did_you_mean(name, names);
  throw error;
}

Catalogue::Catalogue() : state_(std::make_unique<State>()) {
  for (const ZooEntry& entry : zoo())
    state_->entries.push_back({entry.model, entry.family, std::string(builtin)});
}
Catalogue::~Catalogue() = default;
Catalogue::Catalogue(Catalogue&&) noexcept = default;
Catalogue& Catalogue::operator=(Catalogue&&) noexcept = default;

void Catalogue::add(const Family& family, std::string_view source) {
  state_->entries = with(state_->entries, family, source);
}

void Catalogue::load_plugin(const std::string& path) {
  auto plugin = std::make_unique<Plugin>(path);
  std::vector<Entry> entries = state_->entries;
  for (const Family& family : plugin->families()) entries = with(entries, family, plugin->source());
  state_->plugins.push_back(std::move(plugin));
  state_->entries = std::move(entries);
}

std::vector<ModelInfo> Catalogue::models() const {
  std::vector<ModelInfo> infos;
  for (const Entry& entry : state_->entries) infos.push_back(info_of(entry));
  return infos;
}

Network Catalogue::trace(std::string_view model, const TraceOptions& options) const {
  const Entry* entry = state_->find(model);
  if (entry == nullptr) state_->refuse(model);
  return trace_network(*entry->model, entry->source, options);
}

std::vector<ModelInfo> models() { return Catalogue().models(); }

Network trace(std::string_view model, const TraceOptions& options) {
  return Catalogue().trace(model, options);
}

}  // namespace zoometer
