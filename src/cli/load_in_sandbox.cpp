#include "cli/load_in_sandbox.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include "import/hub/model.hpp"
#include "util/paths.hpp"
#include "util/sandbox.hpp"
#include "util/text.hpp"

namespace zoometer {

std::optional<int> load_in_sandbox(ModelWords& words, const std::string& output) {
  namespace fs = std::filesystem;
  if (!words.plugins.empty())
    throw Error(ErrorCode::usage, "--sandbox and --plugin contradict each other");
  // The sandbox has no network: only what was fetched is read in it.
  if (const Origin origin = parse_origin(words.model); origin.kind == OriginKind::hugging_face)
    words.model = hub_model(origin.target, words.live.is_offline).path;
  std::error_code problem;
  const fs::path real = fs::canonical(words.model, problem);
  if (problem || !(is_file(words.model) || is_folder(words.model)))
    throw Error(ErrorCode::usage, "--sandbox", {"a file", escape_controls(words.model)});
  const fs::path near = fs::absolute(words.model, problem).lexically_normal();
  std::set<std::string> readable;
  constexpr std::int64_t most = std::int64_t{1} << 60;
  std::int64_t bytes = 0;  // weights beside the file are mapped, too
  for (const fs::path& path : {real, near}) {
    const fs::path folder = is_folder(path.string()) ? path : path.parent_path();
    if (!readable.insert(folder.string()).second) continue;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, problem)) {
      std::error_code none;
      const std::uintmax_t size = entry.is_regular_file(none) ? entry.file_size(none) : 0;
      bytes =
          std::min(most, bytes + static_cast<std::int64_t>(std::min<std::uintmax_t>(size, most)));
      // Downloaded models have links to files of other folders.
      if (entry.is_symlink(none))
        readable.insert(fs::canonical(entry.path(), none).parent_path().string());
    }
  }
  if (const auto own = config_folder()) readable.insert(*own);
  const std::vector<std::string> folders(readable.begin(), readable.end());
  return continue_in_sandbox({folders, bytes}, output);
}

}  // namespace zoometer
