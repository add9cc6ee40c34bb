// The discovery cache, with any bytes as its file: it is read, or reported and replaced, and what
// is put there afterwards is there. The values of its entries are read from any bytes, too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "memory_bound.hpp"
#include "registry/cache.hpp"
#include "registry/cache_value.hpp"
#include "registry/discovery.hpp"
#include "registry/live_listing.hpp"
#include "scratch_folder.hpp"

namespace zoometer {
namespace {

// SQLite lists the pages of an entry before it looks at them: 72 MB where a page of 480 bytes
// claims an entry of 4 GiB.
constexpr std::int64_t memory_base = std::int64_t{80} << 20;
constexpr std::int64_t memory_factor = 4096;

/// Where the cache is: a folder of this process alone.
std::string cache_file() {
  static const fuzz::ScratchFolder folder;
  setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  const std::string path = Cache::path();
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  return path;
}

void read_values(std::string_view bytes) {
  unpack(bytes);
  inflate_text(bytes);
  Finding finding;
  unpack_finding(bytes, finding);
}

void read_file(std::string_view bytes) {
  static const std::string path = cache_file();
  for (const char* suffix : {"-journal", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bool is_kept = true;
  const auto notify = [&](std::string_view text) {
    if (text.starts_with("answers are not kept")) is_kept = false;
  };
  {
    Cache cache(notify);
    cache.get("verdict", "scope", "name");
    cache.all("verdict");
    cache.usage();
    known_listings(cache);
    cache.put("verdict", "scope", "name", "value");
    if (is_kept && cache.get("verdict", "scope", "name") != "value") std::abort();
  }
  if (!is_kept) return;
  Cache again(notify);
  if (is_kept && again.get("verdict", "scope", "name") != "value") std::abort();
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  zoometer::fuzz::within_memory(size, zoometer::memory_base, zoometer::memory_factor, [&] {
    if (bytes.starts_with("SQLite")) {
      zoometer::read_file(bytes);
    } else {
      zoometer::read_values(bytes);
    }
  });
  return 0;
}
