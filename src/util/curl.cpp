#include "util/curl.hpp"

#include <dlfcn.h>

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

[[noreturn]] void refuse(const char* reason) {
  Error error(ErrorCode::unsupported, "the network needs the library libcurl.so.4",
              {"version 7.62 or later", reason});
  error.hint = "install it with: apt-get install libcurl4";
  throw error;
}

void* open_library() {
  // The second one is the same library with another TLS.
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"}) {
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  }
  refuse("none that can be loaded");
}

template <class Function>
void find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) refuse(name);
}

}  // namespace

CurlLibrary::CurlLibrary() {
  void* const library = open_library();  // stays open: TLS libraries do not survive a second load
  find(library, "curl_global_init", global_init);
  find(library, "curl_easy_init", easy_init);
  find(library, "curl_easy_cleanup", easy_cleanup);
  find(library, "curl_easy_reset", easy_reset);
  find(library, "curl_easy_setopt", easy_setopt);
  find(library, "curl_easy_getinfo", easy_getinfo);
  find(library, "curl_easy_perform", easy_perform);
  find(library, "curl_easy_strerror", easy_strerror);
  find(library, "curl_slist_append", slist_append);
  find(library, "curl_slist_free_all", slist_free_all);
  find(library, "curl_url", url);
  find(library, "curl_url_cleanup", url_cleanup);
  find(library, "curl_url_set", url_set);
  find(library, "curl_url_get", url_get);
  find(library, "curl_free", free);
  if (global_init(curl_global_all) != curle_ok) refuse("one that does not start");
}

}  // namespace zoometer
