#pragma once

#include <string>
#include <string_view>

namespace zoometer {

/// The folder of a model in the cache of Hugging Face's hub, which is where its programs keep what
/// they downloaded: "ORG/NAME" or "ORG/NAME@REVISION", a branch, a tag or the start of a commit.
/// Nothing is downloaded. The cache is HF_HUB_CACHE, HF_HOME/hub, or ~/.cache/huggingface/hub.
/// Throws Error{usage} for an invalid name, and Error{io} that says what to do if it is not
/// there.
std::string hub_folder(std::string_view model);

/// The file of weights of a model in ollama's store: "llama3.2", "llama3.2:3b", "user/model:tag".
/// The store is OLLAMA_MODELS, or ~/.ollama/models. Throws as above.
std::string ollama_file(std::string_view model);

}  // namespace zoometer
