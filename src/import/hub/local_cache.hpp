#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "import/hub/name.hpp"

namespace zoometer {

/// The folder of a model in the cache of Hugging Face's programs, which is where these keep what
/// they downloaded. Nothing if it is not there.
std::optional<std::string> hub_snapshot(const HubName& name);

/// The folder of a model's configuration on this machine: there, or among what was fetched before.
/// Nothing is fetched. Nothing also for a word that cannot be a model's name.
std::optional<std::string> hub_folder(std::string_view name);

/// The files of a folder and its folders, as paths within it: at most 10,000.
std::vector<std::string> files_below(const std::string& folder);

}  // namespace zoometer
