#pragma once

#include <string>
#include <string_view>

namespace zoometer {

/// The file of weights of a model in ollama's store: "llama3.2", "llama3.2:3b", "user/model:tag".
/// The store is OLLAMA_MODELS, or ~/.ollama/models. Throws Error{usage} for
/// an invalid name, and Error{io} that says what to do if it is not there.
std::string ollama_file(std::string_view model);

}  // namespace zoometer
