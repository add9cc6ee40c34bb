#include "import/hub/model.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "import/hub/gguf_choice.hpp"
#include "import/hub/local_cache.hpp"
#include "import/hub/repository.hpp"
#include "import/language/folder.hpp"
#include "import/weights/json_scanner.hpp"
#include "import/weights/safetensors_index.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t most_configuration = std::int64_t{16} << 20;
constexpr std::int64_t most_index = std::int64_t{128} << 20;
constexpr std::size_t most_shards = 4096;
constexpr std::string_view index_ending = ".safetensors.index.json";
constexpr std::string_view weights_ending = ".safetensors";

bool is_pickle(std::string_view file) {
  return file.ends_with(".bin") || file.ends_with(".pt") || file.ends_with(".pth") ||
         file.ends_with(".ckpt");
}

/// The only one of the names at the root with that ending; empty if there are none or several.
std::string only_one(const std::vector<std::string>& files, std::string_view ending) {
  std::string found;
  for (const std::string& file : files) {
    if (!file.ends_with(ending) || file.find('/') != std::string::npos) continue;
    if (!found.empty()) return {};
    found = file;
  }
  return found;
}

/// Which weights a folder with these files is read by (as `weights_in` chooses).
std::string weights_among(const std::vector<std::string>& files) {
  for (const char* name : {"model.safetensors.index.json", "model.safetensors"}) {
    if (std::ranges::find(files, name) != files.end()) return name;
  }
  std::string weights = only_one(files, index_ending);
  return weights.empty() ? only_one(files, weights_ending) : weights;
}

std::string first_with(const std::vector<std::string>& files, std::string_view ending) {
  const auto found =
      std::ranges::find_if(files, [&](const std::string& file) { return file.ends_with(ending); });
  return found == files.end() ? std::string() : *found;
}

class ModelFetch {
 public:
  ModelFetch(const HubName& name, const HubAccess& access)
      : name_(name),
        access_(access),
        repository_(name, access, notes_) {}

  HubModel fetch() {
    const std::string path = fetch_path();
    notes_.insert(
        notes_.begin(),
        fmt::format("commit {} of {}/{}: its configuration and the headers of its weights",
                    repository_.commit().substr(0, 12), access_.endpoint, name_.repository));
    return {path, std::move(notes_)};
  }

 private:
  std::string fetch_path() {
    if (!name_.which.empty()) return fetch_which();
    if (!repository_.files()) return fetch_usual();
    const std::vector<std::string>& files = *repository_.files();
    const std::string weights = weights_among(files);
    std::vector<GgufModel> ggufs = gguf_models(files);
    if (weights.empty() && !ggufs.empty()) return fetch_gguf(choose_gguf(std::move(ggufs), name_));
    const bool has_configuration = fetch_configuration();
    if (!weights.empty()) {
      fetch_weights(weights);
    } else if (!has_configuration) {
      refuse_others(files);
    } else {
      note_pickles(files);
    }
    return repository_.folder();
  }

  /// Without a list, the usual names are tried.
  std::string fetch_usual() {
    const bool has_configuration = fetch_configuration();
    bool has_weights = false;
    for (const char* file :
         {"model.safetensors.index.json", "model.safetensors", "adapter_model.safetensors"}) {
      has_weights = has_weights || fetch_weights(file);
    }
    if (has_configuration || has_weights) return repository_.folder();
    Error error(ErrorCode::io, name_.text(),
                {"config.json or model.safetensors", "neither, and no list of its files"});
    error.place.model = access_.endpoint;
    error.hint = "name the file: hf:" + name_.repository + ":FILE";
    throw error;
  }

  bool fetch_configuration() {
    const bool has_own = repository_.whole("config.json", most_configuration).has_value();
    repository_.whole("hf_quant_config.json", most_configuration);
    const auto adapter = repository_.whole("adapter_config.json", most_configuration);
    if (adapter && !has_own) fetch_base(*adapter);
    return has_own;
  }

  /// False if there is no such file.
  bool fetch_weights(const std::string& file) {
    if (!file.ends_with(index_ending)) return repository_.header(file).has_value();
    const auto index = repository_.whole(file, most_index);
    if (!index) return false;
    const MappedFile opened(*index);
    std::vector<std::string> shards;
    try {
      shards = files_of_index(opened);
    } catch (Error& error) {
      error.place.model = name_.text() + ", " + file;
      throw;
    }
    if (shards.size() > most_shards) {
      throw Error(ErrorCode::limit, name_.text() + ": files of the index",
                  {fmt::format("at most {}", most_shards), std::to_string(shards.size())});
    }
    const std::string folder = file.substr(0, file.rfind('/') + 1);
    for (std::string& shard : shards) shard.insert(0, folder);
    repository_.headers(shards);  // the reader says which are missing
    return true;
  }

  std::string fetch_gguf(const GgufModel& model) {
    if (repository_.headers(model.files) > 0) refuse_file(model.files.front());
    return repository_.folder() + "/" + model.files.front();
  }

  std::string fetch_which() {
    const std::string& which = name_.which;
    const auto& files = repository_.files();
    const bool is_listed = files && std::ranges::find(*files, which) != files->end();
    if (!is_listed && files) {
      std::vector<GgufModel> ggufs = gguf_models(*files);
      if (ggufs.empty()) refuse_file(which);
      return fetch_gguf(choose_gguf(std::move(ggufs), name_));
    }
    if (which.ends_with(".gguf"))
      return fetch_gguf(files ? choose_gguf(gguf_models(*files), name_) : GgufModel{"", {which}});
    const std::string folder = which.substr(0, which.rfind('/') + 1);
    if (which.ends_with(weights_ending) || which.ends_with(index_ending)) {
      repository_.whole(folder + "config.json", most_configuration);
      if (!fetch_weights(which)) refuse_file(which);
    } else if (which.ends_with(".json")) {
      if (!repository_.whole(which, most_configuration)) refuse_file(which);
    } else {
      Error error(ErrorCode::unsupported, name_.text(),
                  {"a file of .safetensors, .gguf or .json", escape_controls(which)});
      error.hint = fmt::format("hf download {} {} fetches it", name_.repository, which);
      throw error;
    }
    return repository_.folder() + "/" + which;
  }

  /// The configuration of the model that an adapter changes. Without it, a note.
  void fetch_base(const std::string& adapter_config) {
    std::string base;
    const MappedFile file(adapter_config);
    JsonScanner json(file.text());
    json.open('{');
    for (bool is_first = true; json.next('}', is_first); is_first = false) {
      const bool is_base = json.key() == "base_model_name_or_path" && json.is_at('"');
      if (is_base) {
        base = json.text();
      } else {
        json.skip();
      }
    }
    if (!is_plain_name(base, 2) || base == name_.repository || hub_folder(base)) return;
    try {
      HubRepository of_base(parse_hub_name(base), access_, notes_);
      of_base.whole("config.json", most_configuration);
    } catch (const Error& error) {
      notes_.push_back(fmt::format("the adapter's model: {}", error.what()));
    }
  }

  void note_pickles(const std::vector<std::string>& files) {
    const auto pickle = std::ranges::find_if(files, is_pickle);
    if (pickle == files.end()) return;
    notes_.push_back(fmt::format("its weights are pickles ({}), which are never loaded: figures "
                                 "follow from config.json",
                                 escape_controls(*pickle)));
  }

  [[noreturn]] void refuse_file(const std::string& file) const {
    Error error(ErrorCode::io, name_.text() + " has no file " + escape_controls(file));
    if (repository_.files()) {
      const std::vector<std::string_view> names(repository_.files()->begin(),
                                                repository_.files()->end());
      error.hint = did_you_mean(file, names);
    }
    throw error;
  }

  /// A repository of something else.
  [[noreturn]] void refuse_others(const std::vector<std::string>& files) const {
    Error error(ErrorCode::unsupported, name_.text(), {"config.json, *.safetensors or *.gguf", ""});
    const std::string part = first_with(files, weights_ending);
    const std::string graph = first_with(files, ".onnx");
    const auto pickle = std::ranges::find_if(files, is_pickle);
    if (!part.empty()) {
      error.detail.got = "weights of several models, such as " + escape_controls(part);
      error.hint = fmt::format("name one: hf:{}:{}", name_.repository, escape_controls(part));
    } else if (!graph.empty()) {
      error.detail.got = escape_controls(graph);
      error.hint = fmt::format("hf download {} {} fetches the graph", name_.repository,
                               escape_controls(graph));
    } else if (pickle != files.end()) {
      error.detail.got =
          fmt::format("a pickle ({}), which is never loaded", escape_controls(*pickle));
      error.hint = "convert it to safetensors";
    } else {
      error.detail.got = counted(files.size(), "other file");
    }
    throw error;
  }

  const HubName& name_;
  const HubAccess& access_;
  std::vector<std::string> notes_;
  HubRepository repository_;
};

/// What the cache of Hugging Face's programs has of the model; empty if that is nothing to read.
std::string path_in_cache(const HubName& name) {
  const auto folder = hub_snapshot(name);
  if (!folder) return {};
  if (name.which.empty() && !model_in(*folder).empty()) return *folder;
  const std::vector<std::string> files = files_below(*folder);
  if (!name.which.empty() && std::ranges::find(files, name.which) != files.end())
    return *folder + "/" + name.which;
  std::vector<GgufModel> models = gguf_models(files);
  if (models.empty()) return {};
  try {
    return *folder + "/" + choose_gguf(std::move(models), name).files.front();
  } catch (const Error&) {
    return {};  // the hub may have more
  }
}

}  // namespace

HubModel hub_model(std::string_view text, bool is_offline) {
  const HubName name = parse_hub_name(text);
  if (std::string path = path_in_cache(name); !path.empty()) return {std::move(path), {}};
  const HubAccess access = hub_access(is_offline);
  return ModelFetch(name, access).fetch();
}

}  // namespace zoometer
