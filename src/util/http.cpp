#include "util/http.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <memory>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_header_bytes = std::size_t{256} << 10;
constexpr std::size_t most_error_body = std::size_t{64} << 10;
constexpr int most_redirections = 5;
constexpr long slowest = 1000;  // bytes a second

std::string lower(std::string_view text) {
  std::string small(text);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return small;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

std::optional<std::int64_t> size_in(std::string_view text) {
  std::int64_t size = 0;
  const char* const end = text.data() + text.size();
  const auto [after, problem] = std::from_chars(text.data(), end, size);
  const bool is_size = problem == std::errc() && after == end && size >= 0;
  return is_size ? std::optional(size) : std::nullopt;
}

std::string_view find_header(const HttpAnswer::Headers& headers, std::string_view name) noexcept {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

/// Names and addresses of this machine alone.
bool is_loopback(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost") || host == "[::1]") return true;
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

[[noreturn]] void refuse_answer(const HttpAnswer& answer, std::string what, std::string expected,
                                std::string_view found) {
  Error error(ErrorCode::io, std::move(what), {std::move(expected), escape_controls(found)});
  error.place.model = answer.url;
  throw error;
}

/// Where the body of a range begins, and the size of the file: "bytes 0-99/12345".
void read_content_range(HttpAnswer& answer, std::int64_t wanted) {
  const std::string_view text = answer.header("content-range");
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  std::optional<std::int64_t> begin;
  if (text.starts_with("bytes ") && dash != std::string_view::npos)
    begin = size_in(text.substr(6, dash - 6));
  if (slash != std::string_view::npos) answer.total = size_in(text.substr(slash + 1));
  if (begin != wanted) {
    refuse_answer(answer, "content-range of the answer", fmt::format("bytes {}-", wanted),
                  text.empty() ? "none" : text.substr(0, 100));
  }
  answer.begin = *begin;
}

}  // namespace

std::string_view HttpAnswer::header(std::string_view name) const noexcept {
  return find_header(headers, name);
}

std::string_view HttpAnswer::first_header(std::string_view name) const noexcept {
  return find_header(of_first.empty() ? headers : of_first, name);
}

std::string shown_url(std::string_view url) {
  return escape_controls(url.substr(0, url.find_first_of("?#")));
}

/// Who is asked: a token belongs to all three.
struct HttpClient::Origin {
  std::string scheme;
  std::string host;
  std::string port;
  bool has_user = false;

  bool is_plain() const { return scheme == "http"; }
  bool operator==(const Origin& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
};

/// What the callbacks of one request know. They must not throw, since libcurl is C.
struct HttpClient::Transfer {
  const HttpRequest& request;
  const HttpReceiver& receiver;
  HttpAnswer& answer;
  std::size_t header_bytes = 0;
  std::size_t error_bytes = 0;
  bool has_started = false;
  bool has_enough = false;
  std::exception_ptr failure{};

  bool has_file() const { return answer.status == 200 || answer.status == 206; }

  void take_header(std::string_view line) {
    header_bytes += line.size();
    if (header_bytes > most_header_bytes)
      throw Error(ErrorCode::limit, answer.url + ": the headers of the answer",
                  {"at most 256 KiB", "more"});
    if (line.starts_with("HTTP/")) {  // also after an answer of a proxy
      answer.headers.clear();
      const std::size_t space = line.find(' ');
      const auto status = space == std::string_view::npos ? std::optional<std::int64_t>()
                                                          : size_in(line.substr(space + 1, 3));
      answer.status = status ? static_cast<int>(*status) : 0;
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    answer.headers.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }

  void start() {
    if (has_started || !has_file()) return;
    has_started = true;
    const std::string_view encoding = answer.header("content-encoding");
    if (!encoding.empty() && encoding != "identity")
      refuse_answer(answer, "content-encoding of the answer", "none", encoding);
    if (answer.status == 206) {
      read_content_range(answer, request.begin);
    } else {
      answer.begin = 0;
      answer.total = size_in(answer.header("content-length"));
    }
    receiver.start(answer);
  }

  bool take_bytes(std::string_view bytes) {
    if (!has_file()) {
      error_bytes += bytes.size();
      return error_bytes <= most_error_body;
    }
    start();
    has_enough = !receiver.bytes(bytes);
    return !has_enough;
  }

  template <class Take>
  std::size_t guarded(std::size_t size, const Take& take) noexcept {
    try {
      return take() ? size : 0;
    } catch (...) {
      failure = std::current_exception();
      return 0;
    }
  }
  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept {
    auto* transfer = static_cast<Transfer*>(self);
    return transfer->guarded(size, [&] {
      transfer->take_header({data, size});
      return true;
    });
  }
  static std::size_t on_bytes(char* data, std::size_t, std::size_t size, void* self) noexcept {
    auto* transfer = static_cast<Transfer*>(self);
    return transfer->guarded(size, [&] { return transfer->take_bytes({data, size}); });
  }
};

HttpClient::HttpClient(HttpLimits limits) : limits_(limits), handle_(curl_.easy_init()) {
  if (handle_ == nullptr) throw std::bad_alloc();
}

HttpClient::~HttpClient() { curl_.easy_cleanup(handle_); }

HttpClient::Origin HttpClient::origin_of(const std::string& url) const {
  const std::unique_ptr<CurlLibrary::Url, void (*)(CurlLibrary::Url*)> parsed(curl_.url(),
                                                                              curl_.url_cleanup);
  const auto part = [&](int which) {
    char* text = nullptr;
    std::string copy;
    if (curl_.url_get(parsed.get(), which, &text, curlu_default_port) == curle_ok) copy = text;
    curl_.free(text);
    return copy;
  };
  const bool is_url =
      parsed != nullptr && curl_.url_set(parsed.get(), curlupart_url, url.c_str(), 0) == curle_ok;
  if (!is_url) throw Error(ErrorCode::io, "the address", {"https://HOST/...", shown_url(url)});
  Origin origin{lower(part(curlupart_scheme)), lower(part(curlupart_host)), part(curlupart_port)};
  origin.has_user = !part(curlupart_user).empty() || !part(curlupart_password).empty();
  return origin;
}

HttpAnswer HttpClient::get(const HttpRequest& request, const HttpReceiver& receiver) {
  const Origin first = origin_of(request.url);
  HttpAnswer answer;
  HttpRequest next = request;
  for (int redirections = 0; redirections <= most_redirections; ++redirections) {
    const Origin origin = origin_of(next.url);
    answer.url = shown_url(next.url);
    const bool may_be_plain = is_loopback(origin.host) && first.is_plain();
    if (origin.scheme != "https" && !(origin.is_plain() && may_be_plain))
      refuse_answer(answer, "the address", "https, or http to this machine", origin.scheme);
    if (origin.has_user) refuse_answer(answer, "the address", "no user and password in it", "them");
    std::string target = perform(next, origin == first, receiver, answer);
    if (target.empty()) return answer;
    if (redirections == 0) answer.of_first = answer.headers;
    next.url = std::move(target);
  }
  refuse_answer(answer, "redirections of " + shown_url(request.url),
                fmt::format("at most {}", most_redirections), "more");
}

std::string HttpClient::perform(const HttpRequest& request, bool has_token,
                                const HttpReceiver& receiver, HttpAnswer& answer) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(limits_.deadline - Clock::now());
  if (left.count() <= 0)
    throw Error(ErrorCode::limit, answer.url + ": the time for all requests is over");
  answer.status = 0;
  answer.headers.clear();
  answer.problem.clear();
  answer.may_go_on = false;
  Transfer transfer{request, receiver, answer};
  std::array<char, curl_error_size> reason{};
  curl_.easy_reset(handle_);
  const auto set = [&](int option, auto value) { curl_.easy_setopt(handle_, option, value); };
  set(curlopt_url, request.url.c_str());
  set(curlopt_protocols, curlproto_http_and_https);
  set(curlopt_followlocation, 0L);
  set(curlopt_nosignal, 1L);
  set(curlopt_suppress_connect_headers, 1L);
  set(curlopt_errorbuffer, reason.data());
  set(curlopt_useragent, "zoometer/" ZOOMETER_VERSION);
  set(curlopt_timeout_ms, static_cast<long>(left.count()));
  set(curlopt_connecttimeout_ms, static_cast<long>(limits_.idle_seconds * 1000));
  set(curlopt_low_speed_limit, slowest);
  set(curlopt_low_speed_time, std::max(1L, static_cast<long>(limits_.idle_seconds)));
  set(curlopt_headerfunction, &Transfer::on_header);
  set(curlopt_headerdata, static_cast<void*>(&transfer));
  set(curlopt_writefunction, &Transfer::on_bytes);
  set(curlopt_writedata, static_cast<void*>(&transfer));
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const char* file = std::getenv(name);
    if (file == nullptr || *file == '\0') continue;
    set(curlopt_cainfo, file);
    break;
  }
  const std::string range =
      fmt::format("{}-{}", request.begin, request.end ? std::to_string(*request.end - 1) : "");
  if (request.begin > 0 || request.end) set(curlopt_range, range.c_str());
  void* lines = nullptr;
  const auto add_line = [&](const std::string& line) {
    if (void* longer = curl_.slist_append(lines, line.c_str())) lines = longer;
  };
  if (has_token && !request.token.empty()) add_line("Authorization: Bearer " + request.token);
  if (!request.validator.empty()) add_line("If-Range: " + request.validator);
  const std::unique_ptr<void, void (*)(void*)> lines_owner(lines, curl_.slist_free_all);
  if (lines != nullptr) set(curlopt_httpheader, lines);

  const int code = curl_.easy_perform(handle_);
  if (transfer.failure) std::rethrow_exception(transfer.failure);
  const bool is_redirection = answer.status >= 301 && answer.status <= 308 &&
                              answer.status != 304 && answer.status != 305 && answer.status != 306;
  if (is_redirection) {
    char* target = nullptr;
    curl_.easy_getinfo(handle_, curlinfo_redirect_url, &target);
    if (target != nullptr && *target != '\0') return target;
  }
  if (code == curle_ok) transfer.start();  // an empty file
  const bool is_whole = code == curle_ok || transfer.has_enough || (answer.status >= 400);
  if (is_whole) return {};
  answer.problem = reason[0] != '\0' ? escape_controls(reason.data()) : curl_.easy_strerror(code);
  constexpr int cuts[] = {curle_partial_file, curle_operation_timedout, curle_got_nothing,
                          curle_send_error,   curle_recv_error,         curle_http2,
                          curle_http2_stream};
  answer.may_go_on = std::ranges::find(cuts, code) != std::end(cuts);
  return {};
}

}  // namespace zoometer
