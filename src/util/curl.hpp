#pragma once

#include <cstddef>

namespace zoometer {

/// The functions of libcurl, which is loaded when the first request is made: a start without one
/// does not pay for it, and the build does not need its headers. Numbers are those of its stable
/// interface (curl/curl.h, version 7.62 or later).
struct CurlLibrary {
  using Handle = void;
  using Url = void;

  /// Loads the library. Throws Error{unsupported} that names the package to install.
  CurlLibrary();

  int (*global_init)(long flags);
  Handle* (*easy_init)();
  void (*easy_cleanup)(Handle* handle);
  void (*easy_reset)(Handle* handle);
  int (*easy_setopt)(Handle* handle, int option, ...);
  int (*easy_getinfo)(Handle* handle, int info, ...);
  int (*easy_perform)(Handle* handle);
  const char* (*easy_strerror)(int code);
  void* (*slist_append)(void* list, const char* line);
  void (*slist_free_all)(void* list);
  Url* (*url)();
  void (*url_cleanup)(Url* url);
  int (*url_set)(Url* url, int part, const char* text, unsigned flags);
  int (*url_get)(Url* url, int part, char** text, unsigned flags);
  void (*free)(void* text);
};

/// Options, results and codes of libcurl under their names there, without CURL.
enum : int {
  curlopt_writedata = 10001,
  curlopt_url = 10002,
  curlopt_range = 10007,
  curlopt_errorbuffer = 10010,
  curlopt_useragent = 10018,
  curlopt_httpheader = 10023,
  curlopt_headerdata = 10029,
  curlopt_cainfo = 10065,
  curlopt_writefunction = 20011,
  curlopt_headerfunction = 20079,
  curlopt_low_speed_limit = 19,
  curlopt_low_speed_time = 20,
  curlopt_followlocation = 52,
  curlopt_nosignal = 99,
  curlopt_timeout_ms = 155,
  curlopt_connecttimeout_ms = 156,
  curlopt_protocols = 181,
  curlopt_suppress_connect_headers = 265,

  curlinfo_redirect_url = 0x100000 + 31,

  curle_ok = 0,
  curle_partial_file = 18,
  curle_operation_timedout = 28,
  curle_got_nothing = 52,
  curle_send_error = 55,
  curle_recv_error = 56,
  curle_http2 = 16,
  curle_http2_stream = 92,

  curlupart_scheme = 1,
  curlupart_user = 2,
  curlupart_password = 3,
  curlupart_host = 5,
  curlupart_port = 6,
  curlupart_path = 7,
  curlupart_url = 0,
};
constexpr unsigned curlu_default_port = 1;
constexpr long curlproto_http_and_https = 3;
constexpr long curl_global_all = 3;
constexpr std::size_t curl_error_size = 256;

}  // namespace zoometer
