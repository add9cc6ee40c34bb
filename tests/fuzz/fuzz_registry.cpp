// The user's registry.toml, on any bytes: it is read or refused with Error, and what the editor
// makes of a file that can be read can be read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "memory_bound.hpp"
#include "outcome.hpp"
#include "registry/registry.hpp"
#include "registry/registry_file.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t memory_base = std::int64_t{16} << 20;
constexpr std::int64_t memory_factor = 4096;

// A folder that is not there, so that no plug-in is.
const std::string path = "/no/such/folder/registry.toml";

void read(std::string_view text) {
  if (!fuzz::is_taken([&] { const Registry registry(text, path); })) return;

  RegistryText edited{std::string(text), path};
  const bool is_edited = fuzz::is_taken([&] {
    edited.add_curated({"resnet18", "my \"model\""});
    edited.remove_curated({"resnet18"});
    edited.add_model("a_model_of_mine", {"file = \"model.onnx\""});
  });
  if (!is_edited) return;
  const Registry again(edited.text(), path);
  if (again.find("a_model_of_mine") == nullptr) std::abort();

  if (!fuzz::is_taken([&] { edited.remove_model("a_model_of_mine"); })) return;
  const Registry without(edited.text(), path);
  if (without.find("a_model_of_mine") != nullptr) std::abort();
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor,
                                [&] { zoometer::read(text); });
  return 0;
}
