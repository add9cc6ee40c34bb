#include "import/hub/download.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>

#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr int most_cuts = 3;
constexpr int most_changes = 2;
constexpr std::size_t longest_validator = 256;
constexpr std::string_view mark = "zoometer-part 1\n";

/// What identifies a version of a file, and may be sent as If-Range: a strong ETag, or the time of
/// its last change. Empty: nothing does.
std::string validator_of(const HttpAnswer& answer) {
  std::string_view validator = answer.header("etag");
  if (validator.empty() || validator.starts_with("W/")) validator = answer.header("last-modified");
  const bool is_text = validator.size() <= longest_validator &&
                       std::ranges::all_of(validator, [](char c) { return c >= ' ' && c < 0x7F; });
  return is_text ? std::string(validator) : std::string();
}

/// What came of a file, on the disk: the mark, the file's validator and its bytes. Where it cannot
/// be kept, for example because another process fetches the same file, nothing is.
class Part {
 public:
  Part(PrivateFolder& folder, const std::string& name)
      : folder_(folder),
        name_(name),
        fd_(folder.open_alone(name)) {}
  ~Part() {
    if (fd_ >= 0) close(fd_);
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  /// Reads what is there; both are empty if it is nothing of use.
  void read(std::string& validator, std::string& bytes, std::int64_t most_bytes) {
    std::string text;
    std::array<char, 65536> buffer{};
    const auto most = static_cast<std::size_t>(most_bytes) + longest_validator + mark.size();
    while (fd_ >= 0 && text.size() <= most) {
      const ssize_t count = ::read(fd_, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    const std::size_t line = text.find('\n', mark.size());
    if (!text.starts_with(mark) || line == std::string::npos || text.size() > most) return;
    validator = text.substr(mark.size(), line - mark.size());
    bytes = text.substr(line + 1);
  }
  void start(std::string_view validator) {
    if (fd_ < 0) return;
    const bool is_empty = ftruncate(fd_, 0) == 0 && lseek(fd_, 0, SEEK_SET) == 0;
    if (!is_empty) return give_up();
    append(mark);
    append(validator);
    append("\n");
  }
  void append(std::string_view bytes) {
    if (fd_ >= 0 && write_fully(fd_, bytes) != 0) give_up();
  }
  void remove() {
    if (fd_ >= 0) folder_.remove(name_);
  }

 private:
  void give_up() {
    folder_.remove(name_);
    close(fd_);
    fd_ = -1;
  }

  PrivateFolder& folder_;
  const std::string& name_;
  int fd_;
};

class Fetch {
 public:
  Fetch(HttpClient& client, const DownloadRequest& request, PrivateFolder& folder)
      : client_(client),
        request_(request),
        part_(folder, request.part) {
    part_.read(validator_, came_.bytes, request.most_bytes);
    if (validator_.empty() || (request.wanted && !wants_more())) forget();
  }

  Downloaded fetch() {
    while (wants_more()) {
      ask();
      const int status = came_.answer.status;
      if (status != 200 && status != 206) break;
    }
    if (came_.answer.status < 400) part_.remove();
    return std::move(came_);
  }

 private:
  std::int64_t size() const noexcept { return static_cast<std::int64_t>(came_.bytes.size()); }

  void forget() {
    came_.bytes.clear();
    came_.total.reset();
    validator_.clear();
  }

  /// Sets `end_`. Cuts off what is not wanted.
  bool wants_more() {
    end_ = request_.wanted ? request_.wanted(came_.bytes) : std::nullopt;
    if (!end_) return !is_ended_;
    if (*end_ > request_.most_bytes) too_much(std::to_string(*end_));
    if (size() >= *end_) {
      came_.bytes.resize(static_cast<std::size_t>(*end_));
      return false;
    }
    if (is_ended_)
      fail(ErrorCode::malformed, "the file ends within its header",
           {fmt::format("at least {} bytes", *end_), std::to_string(size())});
    return true;
  }

  void ask() {
    HttpRequest request{request_.url, request_.token};
    request.begin = size();
    request.end = end_;
    if (request.begin > 0) request.validator = validator_;
    const HttpReceiver receiver{[&](const HttpAnswer& answer) { start(answer); },
                                [&](std::string_view bytes) { return take(bytes); }};
    is_stale_ = false;
    has_enough_ = false;
    came_.answer = client_.get(request, receiver);
    const int status = came_.answer.status;
    if (status == 416 && request.begin > 0) {  // it is shorter than what came
      change(came_.answer);
      came_.answer.status = 200;
      return;
    }
    if (is_stale_) return;
    const bool has_range = end_ && size() >= *end_;  // what follows it does not matter
    if (!came_.answer.problem.empty() && !has_range) return cut(came_.answer.problem);
    if (status >= 500 && cuts_ < most_cuts) return cut(std::to_string(status));
    if (status != 200 && status != 206) return;
    is_ended_ = came_.total ? size() >= *came_.total : !has_enough_;
    const bool is_short = !is_ended_ && !has_enough_ && (!end_ || size() < *end_);
    if (is_short) cut("fewer bytes than it said");
  }

  void start(const HttpAnswer& answer) {
    std::string validator = validator_of(answer);
    const bool is_other_size = came_.total && answer.total && *came_.total != *answer.total;
    if (!came_.bytes.empty() && (validator != validator_ || is_other_size)) change(answer);
    if (answer.begin == 0) came_.bytes.clear();
    is_stale_ = answer.begin != size();
    if (is_stale_) return;
    came_.total = answer.total;
    validator_ = std::move(validator);
    if (came_.bytes.empty()) part_.start(validator_);
  }

  bool take(std::string_view bytes) {
    if (is_stale_) return false;
    const std::int64_t left = end_.value_or(request_.most_bytes) - size();
    const bool has_more = static_cast<std::int64_t>(bytes.size()) > left;
    if (has_more && !end_) too_much("more");
    if (has_more) bytes = bytes.substr(0, static_cast<std::size_t>(left));
    came_.bytes.append(bytes);
    part_.append(bytes);
    has_enough_ = has_more;
    return !has_more;
  }

  /// The file is another one than that whose beginning came.
  void change(const HttpAnswer& answer) {
    if (++changes_ > most_changes) {
      fail(ErrorCode::io, "the file changes while it is read",
           {validator_.empty() ? "the same file" : escape_controls(validator_),
            escape_controls(validator_of(answer))});
    }
    forget();
  }

  /// Waits a little before the rest is asked for, or gives up.
  void cut(const std::string& reason) {
    if ((came_.answer.status < 500 && !came_.answer.may_go_on && !came_.answer.problem.empty()) ||
        ++cuts_ > most_cuts) {
      const bool has_some = !came_.bytes.empty();
      Error error(ErrorCode::io, has_some ? "the answer was cut" : "no answer",
                  {came_.total ? fmt::format("{} bytes", *came_.total) : std::string(),
                   has_some ? fmt::format("{} after {} bytes", reason, size()) : reason});
      error.place.model = shown_url(request_.url);
      error.hint = has_some ? "try again: it continues there"
                            : "check the connection and https_proxy; HF_HUB_OFFLINE=1 reads what "
                              "was fetched before";
      throw error;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200) * cuts_ * cuts_);
    came_.answer.status = 200;
  }

  [[noreturn]] void too_much(std::string found) const {
    fail(ErrorCode::limit, "bytes to fetch",
         {fmt::format("at most {}", request_.most_bytes), std::move(found)});
  }
  [[noreturn]] void fail(ErrorCode code, std::string what, Error::Detail detail) const {
    Error error(code, std::move(what), std::move(detail));
    error.place.model = shown_url(request_.url);
    throw error;
  }

  HttpClient& client_;
  const DownloadRequest& request_;
  Part part_;
  Downloaded came_;
  std::string validator_;
  std::optional<std::int64_t> end_;
  bool is_ended_ = false;    ///< the file has no more bytes
  bool is_stale_ = false;    ///< this answer does not continue what came
  bool has_enough_ = false;  ///< this answer was stopped
  int cuts_ = 0;
  int changes_ = 0;
};

}  // namespace

Downloaded download(HttpClient& client, const DownloadRequest& request, PrivateFolder& folder) {
  return Fetch(client, request, folder).fetch();
}

}  // namespace zoometer
