#include "import/hub/repository.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>

#include "import/hub/download.hpp"
#include "import/weights/gguf.hpp"
#include "import/weights/json_scanner.hpp"
#include "import/weights/safetensors_header.hpp"
#include "util/status_line.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t mebi = std::int64_t{1} << 20;
constexpr std::int64_t most_in_all = 1024 * mebi;
constexpr std::int64_t most_listed = 16 * mebi;
constexpr std::int64_t most_header = 128 * mebi;
constexpr std::int64_t first_range = 128 << 10;  // most headers of safetensors are shorter
constexpr std::int64_t first_gguf_range = 2 * mebi;
constexpr std::chrono::minutes most_time{15};
constexpr std::size_t most_at_once = 4;  // connections
constexpr std::string_view pointer_start = "version https://git-lfs";

std::string escaped(std::string_view text, bool keeps_slashes) {
  std::string url;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~' ||
                          (c == '/' && keeps_slashes);
    if (is_plain) {
      url += c;
    } else {
      url += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return url;
}

bool is_commit(std::string_view text) {
  return text.size() >= 7 && text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

struct Listing {
  std::string commit;
  std::vector<std::string> files;
};

/// {"sha": ..., "siblings": [{"rfilename": ...}]}. Files whose paths leave the repository are left
/// out.
Listing read_listing(std::string_view text) {
  Listing listing;
  JsonScanner json(text);
  json.open('{');
  for (bool is_first = true; json.next('}', is_first); is_first = false) {
    const std::string_view key = json.key();
    if (key == "sha" && json.is_at('"')) {
      listing.commit = json.text();
    } else if (key == "siblings" && json.is_at('[')) {
      json.open('[');
      for (bool begins = true; json.next(']', begins); begins = false) {
        json.open('{');
        for (bool at_first = true; json.next('}', at_first); at_first = false) {
          const bool is_name = json.key() == "rfilename" && json.is_at('"');
          if (!is_name) {
            json.skip();
            continue;
          }
          const std::string_view file = json.text();
          if (is_inner_path(file)) listing.files.emplace_back(file);
        }
      }
    } else {
      json.skip();
    }
  }
  return listing;
}

/// The names of what a search found: [{"id": "ORG/NAME"}].
std::vector<std::string> read_names(std::string_view text) {
  std::vector<std::string> names;
  JsonScanner json(text);
  json.open('[');
  for (bool is_first = true; json.next(']', is_first); is_first = false) {
    json.open('{');
    for (bool begins = true; json.next('}', begins); begins = false) {
      const bool is_name = json.key() == "id" && json.is_at('"');
      if (!is_name) {
        json.skip();
        continue;
      }
      const std::string_view name = json.text();
      if (is_plain_name(name, 2)) names.emplace_back(name);
    }
  }
  return names;
}

/// How much of a file its header is, given what came of it.
std::optional<std::int64_t> wanted_of_safetensors(std::string_view came) {
  if (came.empty()) return first_range;
  if (came.starts_with(pointer_start)) return static_cast<std::int64_t>(came.size());
  const auto bytes = safetensors_header_bytes(came);
  return bytes ? static_cast<std::int64_t>(*bytes) : 8;
}

std::optional<std::int64_t> wanted_of_gguf(std::string_view came) {
  if (came.empty()) return first_gguf_range;
  if (came.size() >= 8 && !came.starts_with("GGUF")) return static_cast<std::int64_t>(came.size());
  const auto header = gguf_header(came);
  return static_cast<std::int64_t>(header ? header->bytes : came.size() * 2);
}

/// Throws Error{malformed} unless these bytes are the header of a file of that size.
void check_header(const Downloaded& file, bool is_gguf) {
  if (file.bytes.starts_with(pointer_start)) {
    Error error(ErrorCode::malformed, "the file",
                {"weights", "a Git LFS pointer, which stands for them"});
    error.hint = "the server does not have the file itself";
    throw error;
  }
  const auto refuse_size = [&](std::string expected) {
    throw Error(ErrorCode::malformed, "bytes of the file",
                {std::move(expected), std::to_string(*file.total)});
  };
  if (is_gguf) {
    const auto read = gguf_header(file.bytes);
    if (!read) throw Error(ErrorCode::malformed, "the file", {"GGUF", "something else"});
    if (file.total && *file.total < read->file_bytes)
      refuse_size(fmt::format("at least {}", read->file_bytes));
    return;
  }
  StoredWeights weights;
  const MappedFile header("header", std::as_bytes(std::span(file.bytes)));
  const auto data = static_cast<std::int64_t>(read_safetensors_header(header, weights));
  if (file.total == data && weights.headers_only > 0)
    refuse_size(fmt::format("more than {}", data));
  check_contiguous(weights.tensors(), file.total ? *file.total - data : std::int64_t{0});
}

/// Throws Error{malformed} unless the text is JSON: a page of a portal is not kept.
void check_json(std::string_view text) {
  JsonScanner json(text);
  if (!json.is_at('{')) json.fail("a JSON object");
  json.skip();
}

}  // namespace

HubRepository::HubRepository(const HubName& name, const HubAccess& access,
                             std::vector<std::string>& notes)
    : name_(name),
      access_(access),
      store_(access.endpoint, name.repository),
      deadline_(std::chrono::steady_clock::now() + most_time),
      left_(most_in_all) {
  find_commit(notes);
}

HubRepository::~HubRepository() = default;

std::unique_ptr<HttpClient> HubRepository::make_client() const {
  return std::make_unique<HttpClient>(HttpLimits{access_.idle_seconds, deadline_});
}

HttpClient& HubRepository::client() {
  if (!client_) client_ = make_client();
  return *client_;
}

void HubRepository::take(const std::string& commit) {
  commit_ = commit;
  files_ = store_.files(commit_);
  if (files_) std::ranges::sort(*files_);
}

void HubRepository::find_commit(std::vector<std::string>& notes) {
  const auto known = store_.commit_of(name_.revision);
  const bool is_fixed = known && is_commit(name_.revision);
  if (is_fixed || access_.is_offline) {
    if (!known) {
      Error error(ErrorCode::io, name_.text() + " was not fetched before");
      error.place.model = store_.root() + "/" + store_.below("", "");
      error.hint = "without --offline and HF_HUB_OFFLINE it is fetched";
      throw error;
    }
    take(*known);
    return;
  }
  if (ask_list(notes)) return;
  // A server of files without the hub's lists: what it has is asked for by name, each time.
  commit_ = is_commit(name_.revision) ? name_.revision : "unknown-" + name_.revision;
  std::ranges::replace(commit_, '/', '-');
  is_current_ = is_commit(name_.revision);
  store_.set_commit(name_.revision, commit_);
}

/// Asks for the list of files. False if the server has no such lists. Without an answer, what was
/// fetched before is taken, and the hub not asked again.
bool HubRepository::ask_list(std::vector<std::string>& notes) {
  DownloadRequest request;
  request.url = fmt::format("{}/api/models/{}/revision/{}", access_.endpoint, name_.repository,
                            escaped(name_.revision, false));
  request.token = access_.token;
  request.part = part_name("list");
  request.most_bytes = most_listed;
  PrivateFolder folder(store_.root(), store_.below("", ""));
  folder.remove(request.part);  // a list is of one moment
  Downloaded list;
  try {
    list = download(client(), request, folder);
    if (list.answer.status >= 500 && list.answer.status != 501) refuse(list.answer);
  } catch (const Error& error) {
    const auto known = store_.commit_of(name_.revision);
    if (error.code != ErrorCode::io || !known) throw;
    notes.push_back(fmt::format("{}: this is what was fetched before", error.what()));
    access_.is_offline = true;
    take(*known);
    return true;
  }
  const int status = list.answer.status;
  const bool is_of_hub = !list.answer.header("x-error-code").empty();
  if ((status == 404 || status == 405 || status == 501) && !is_of_hub) return false;
  if (status != 200) refuse(list.answer);
  Listing listing;
  try {
    listing = read_listing(list.bytes);
  } catch (Error& error) {
    error.place.model = list.answer.url;
    throw;
  }
  if (!is_commit(listing.commit)) {
    Error error(ErrorCode::malformed, "sha in the list of files",
                {"the digits of a commit", escape_controls(listing.commit)});
    error.place.model = list.answer.url;
    throw error;
  }
  commit_ = listing.commit;
  std::ranges::sort(listing.files);
  store_.set_files(commit_, listing.files);
  store_.set_commit(name_.revision, commit_);
  files_ = std::move(listing.files);
  return true;
}

bool HubRepository::may_have(std::string_view file) const {
  return !files_ || std::ranges::binary_search(*files_, file);
}

std::string HubRepository::address(const std::string& file) const {
  const std::string& revision = is_commit(commit_) ? commit_ : name_.revision;
  return fmt::format("{}/{}/resolve/{}/{}", access_.endpoint, name_.repository,
                     escaped(revision, false), escaped(file, true));
}

std::optional<std::string> HubRepository::whole(const std::string& file, std::int64_t most_bytes) {
  return get(file, Part::whole, most_bytes);
}

std::optional<std::string> HubRepository::header(const std::string& file) {
  return get(file, part_of(file), most_header);
}

HubRepository::Part HubRepository::part_of(const std::string& file) {
  return file.ends_with(".gguf") ? Part::gguf : Part::safetensors;
}

std::size_t HubRepository::headers(std::span<const std::string> files) {
  std::atomic<std::size_t> next = 0;
  std::size_t missing = 0;
  std::size_t done = 0;
  std::exception_ptr failure;
  std::mutex turn;
  StatusLine line;
  const auto work = [&](HttpClient* own) {
    for (std::size_t i = next++; i < files.size(); i = next++) {
      try {
        const bool is_there = get(files[i], part_of(files[i]), most_header, own).has_value();
        const std::lock_guard lock(turn);
        if (!is_there) ++missing;
        line.show(++done, files.size(), files[i]);
      } catch (...) {
        const std::lock_guard lock(turn);
        if (!failure) failure = std::current_exception();
        next = files.size();
      }
    }
  };
  if (access_.is_offline || files.size() < 2) {
    work(nullptr);
  } else {
    client();  // libcurl is loaded before there are threads
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(files.size(), most_at_once); ++i)
      threads.emplace_back([&] { work(make_client().get()); });
  }
  if (failure) std::rethrow_exception(failure);
  return missing;
}

std::optional<std::string> HubRepository::get(const std::string& file, Part part,
                                              std::int64_t most_bytes, HttpClient* own) {
  if (!is_inner_path(file) || !may_have(file)) return {};
  auto known = store_.find(commit_, file);
  if (known && (is_current_ || access_.is_offline)) return known;
  if (access_.is_offline) {
    if (!files_) return {};
    Error error(ErrorCode::io, escape_controls(file) + " was not fetched before");
    error.place.model = name_.text();
    error.hint = "without --offline and HF_HUB_OFFLINE it is fetched";
    throw error;
  }
  DownloadRequest request;
  request.url = address(file);
  request.token = access_.token;
  request.part = part_name(file);
  request.most_bytes = std::min(most_bytes, left_.load());
  if (part == Part::safetensors) request.wanted = wanted_of_safetensors;
  if (part == Part::gguf) request.wanted = wanted_of_gguf;
  PrivateFolder folder(store_.root(), store_.below(commit_, file));
  try {
    const Downloaded got = download(own != nullptr ? *own : client(), request, folder);
    const int status = got.answer.status;
    if (status == 404 && !files_ && got.answer.first_header("x-error-code") != "RepoNotFound")
      return {};
    if (status != 200 && status != 206) refuse(got.answer);
    const std::string_view commit = got.answer.first_header("x-repo-commit");
    if (is_commit(commit_) && !commit.empty() && !commit.starts_with(commit_)) {
      throw Error(ErrorCode::malformed, "x-repo-commit of the answer",
                  {commit_, escape_controls(commit)});
    }
    if (part == Part::whole) {
      check_json(got.bytes);
    } else {
      check_header(got, part == Part::gguf);
    }
    left_ -= static_cast<std::int64_t>(got.bytes.size());
    folder.write(file_name(file), got.bytes);
  } catch (Error& error) {
    if (error.place.model.empty() || error.place.model == "header")
      error.place.model = shown_url(request.url);
    throw;
  }
  return store_.folder(commit_) + "/" + file;
}

/// Names of the hub that are like this one.
std::string HubRepository::similar_names() {
  try {
    const std::string_view repository = name_.repository;
    DownloadRequest request;
    request.url = fmt::format("{}/api/models?search={}&limit=5", access_.endpoint,
                              escaped(repository.substr(repository.find('/') + 1), false));
    request.token = access_.token;
    request.part = part_name("search");
    request.most_bytes = mebi;
    PrivateFolder folder(store_.root(), "hub");
    const Downloaded found = download(client(), request, folder);
    if (found.answer.status != 200) return {};
    std::string text;
    for (const std::string& each : read_names(found.bytes))
      text.append(text.empty() ? "did you mean hf:" : " or hf:").append(each);
    return text.empty() ? text : text + "?";
  } catch (const Error&) {
    return {};  // the first error is the one to show
  }
}

void HubRepository::refuse(const HttpAnswer& answer) {
  const std::string_view code = answer.first_header("x-error-code");
  const std::string_view reason = answer.first_header("x-error-message");
  std::string found = std::to_string(answer.status);
  if (!code.empty()) found.append(" ").append(escape_controls(code.substr(0, 60)));
  if (!reason.empty()) found.append(": ").append(escape_controls(reason.substr(0, 300)));
  Error error(ErrorCode::io, name_.text(), {"200", std::move(found)});
  error.place.model = answer.url;
  const std::string page = access_.endpoint + "/" + name_.repository;
  const bool has_token = !access_.token.empty();
  const bool is_gated = code == "GatedRepo" || (answer.status == 403 && code.empty());
  if (is_gated) {
    error.hint = fmt::format("the repository is gated: accept its conditions at {} and {}", page,
                             has_token ? "use a token (HF_TOKEN) of that account"
                                       : "set HF_TOKEN to a token of that account");
  } else if (code == "RevisionNotFound") {
    error.hint =
        fmt::format("the repository has no revision {}; see {}/tree/main", name_.revision, page);
  } else if (answer.status == 401 || answer.status == 404 || code == "RepoNotFound") {
    error.hint = has_token ? "if it is private, the token (HF_TOKEN) must be allowed to read it"
                           : "if it is private or gated, set HF_TOKEN to a token that may read it";
    const bool is_first = commit_.empty();  // a repository that is there has another mistake
    if (const std::string names = is_first ? similar_names() : ""; !names.empty())
      error.hint.append("; ").append(names);
  } else if (answer.status == 429) {
    const std::string_view after = answer.header("retry-after");
    error.hint = after.empty()
                     ? "too many requests: try again later"
                     : fmt::format("too many requests: Retry-After is {} (seconds or a date)",
                                   escape_controls(after.substr(0, 40)));
    if (!has_token) error.hint += "; with a token (HF_TOKEN) more are allowed";
  } else if (answer.status >= 500) {
    error.hint = "the server fails: try again later";
  }
  throw error;
}

}  // namespace zoometer
