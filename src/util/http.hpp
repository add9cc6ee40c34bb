#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/curl.hpp"

namespace zoometer {

/// A file, or a part of it.
struct HttpRequest {
  std::string url;
  std::string token;                  ///< of the host of `url`, and sent to no other
  std::int64_t begin = 0;             ///< the first byte that is wanted
  std::optional<std::int64_t> end{};  ///< after the last one
  std::string validator{};            ///< for If-Range: another file is sent from its start
};

/// What came. Headers are those of the last answer, those of the first host's first answer apart.
struct HttpAnswer {
  using Headers = std::vector<std::pair<std::string, std::string>>;

  int status = 0;                       ///< 0: nothing came
  std::string url;                      ///< that answered, without its query, which may be a secret
  Headers headers;                      ///< names in lower case
  Headers of_first;                     ///< before redirections
  std::int64_t begin = 0;               ///< where the body begins in the file
  std::optional<std::int64_t> total{};  ///< the size of the whole file
  std::string problem;                  ///< why the body has not come as a whole; empty if it has
  bool may_go_on = false;  ///< the connection was cut: another request may get the rest

  /// The header of that name, or empty.
  std::string_view header(std::string_view name) const noexcept;
  std::string_view first_header(std::string_view name) const noexcept;
};

/// Where the body of a status of 200 or 206 goes.
struct HttpReceiver {
  std::function<void(const HttpAnswer& answer)> start;  ///< before the first byte, or at the end
  std::function<bool(std::string_view bytes)> bytes;    ///< false: no more are wanted
};

struct HttpLimits {
  double idle_seconds = 10;  ///< at less than 1,000 bytes a second, and for connecting
  std::chrono::steady_clock::time_point deadline{};  ///< of all requests
};

/// Requests by libcurl, which takes proxies from its usual variables. HTTPS only, or HTTP to this
/// machine; at most 5 redirections, of which those to another host, port or scheme get no token.
class HttpClient {
 public:
  /// Throws as CurlLibrary.
  explicit HttpClient(HttpLimits limits);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Throws Error{io} for an address that must not be asked and for too many redirections,
  /// Error{limit} for headers of more than 256 KiB and after the deadline, and what the receiver
  /// throws. A host that cannot be reached is a `problem` of the answer.
  HttpAnswer get(const HttpRequest& request, const HttpReceiver& receiver);

 private:
  struct Origin;
  struct Transfer;
  Origin origin_of(const std::string& url) const;
  /// One request. Returns the address of a redirection.
  std::string perform(const HttpRequest& request, bool has_token, const HttpReceiver& receiver,
                      HttpAnswer& answer);

  CurlLibrary curl_;
  HttpLimits limits_;
  CurlLibrary::Handle* handle_;
};

/// The address without its query and fragment, for messages.
std::string shown_url(std::string_view url);

}  // namespace zoometer
