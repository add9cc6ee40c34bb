#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "util/http.hpp"
#include "util/private_folder.hpp"

namespace zoometer {

/// A file to fetch, or its beginning.
struct DownloadRequest {
  std::string url;
  std::string token;
  std::string part;  ///< the file of the folder that keeps what came, for the next try
  std::int64_t most_bytes = 0;
  /// How many bytes are wanted in all, given those that came. Nothing: the whole file.
  std::function<std::optional<std::int64_t>(std::string_view came)> wanted;
};

/// What came.
struct Downloaded {
  std::string bytes;
  std::optional<std::int64_t> total{};  ///< the size of the whole file, if the server says it
  HttpAnswer answer;                    ///< the last one: its status is 200 or 206, or an error
};

/// Fetches it with ranges. What is cut is continued with If-Range, up to 3 times, also by the next
/// process: the file `part` of the folder has what came. A server that ignores ranges is stopped
/// when enough has come. Throws Error{io} where the connection fails or the file changes between
/// requests, Error{limit} for more than `most_bytes`, and as HttpClient. An error's status is in
/// the answer.
Downloaded download(HttpClient& client, const DownloadRequest& request, PrivateFolder& folder);

}  // namespace zoometer
