#pragma once

#include <string>

namespace zoometer {

/// How the hub is asked, from the variables of Hugging Face's own programs.
struct HubAccess {
  std::string endpoint;      ///< HF_ENDPOINT, or https://huggingface.co; without a slash at its end
  std::string token;         ///< HF_TOKEN, or the file that `hf auth login` writes; empty: none
  bool is_offline = false;   ///< HF_HUB_OFFLINE, or asked for
  double idle_seconds = 10;  ///< HF_HUB_DOWNLOAD_TIMEOUT: without an answer
};

/// Throws Error{usage} for a variable that cannot be used.
HubAccess hub_access(bool is_offline);

/// The cache of Hugging Face's programs: HF_HUB_CACHE, HF_HOME/hub, ~/.cache/huggingface/hub.
std::string hub_cache_folder();

}  // namespace zoometer
