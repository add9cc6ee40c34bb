#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// A model of a hub, ready to be read.
struct HubModel {
  std::string path;                ///< a folder, or one file of weights
  std::vector<std::string> notes;  ///< where it is from, and what was not fetched
};

/// The model of a name: "ORG/NAME", "ORG/NAME@REVISION", "ORG/NAME:Q4_K_M", "ORG/NAME:FILE". What
/// is in the cache of Hugging Face's programs is taken from there. Otherwise the configuration, the
/// index and the headers of the weights are fetched, and kept (import/hub/store.hpp). Pickles are
/// named, and never fetched. `is_offline`: nothing is fetched. Throws Error{usage} for an invalid
/// name and where several models fit, and as HubRepository.
HubModel hub_model(std::string_view name, bool is_offline);

}  // namespace zoometer
