#include "util/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;

void note_interrupt(int signal) { interrupted = signal; }

/// During its lifetime, interrupts are recorded instead of ending this process. Ignored signals
/// stay ignored. Of several guards at once, in several threads, the first and the last do the work.
class InterruptGuard {
 public:
  InterruptGuard() {
    const std::lock_guard lock(turn_);
    if (guards_++ > 0) return;
    interrupted = 0;
    for (Handler& handler : handlers_) {
      sigaction(handler.signal, nullptr, &handler.before);
      if (handler.before.sa_handler == SIG_IGN) continue;
      struct sigaction action {};
      action.sa_handler = note_interrupt;
      sigaction(handler.signal, &action, nullptr);
    }
  }
  ~InterruptGuard() {
    const std::lock_guard lock(turn_);
    if (--guards_ > 0) return;
    for (const Handler& handler : handlers_) sigaction(handler.signal, &handler.before, nullptr);
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct Handler {
    int signal;
    struct sigaction before;
  };
  static inline std::mutex turn_;
  static inline int guards_ = 0;
  static inline std::array<Handler, 2> handlers_{{{SIGINT, {}}, {SIGTERM, {}}}};
};

[[noreturn]] void refuse(const char* what) {
  throw Error(ErrorCode::io, std::string(what) + ": " + std::strerror(errno));
}

/// Both ends of a pipe. Closes them in the destructor.
struct Pipe {
  std::array<int, 2> ends{-1, -1};

  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) refuse("cannot open a pipe");
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_end(std::size_t end) {
    if (ends[end] >= 0) close(ends[end]);
    ends[end] = -1;
  }
};

/// Runs in the child between fork and exec, where only async-signal-safe calls are allowed.
[[noreturn]] void become(char* const* words, int results, int prints, int failure, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(prints, STDOUT_FILENO);
  dup2(prints, STDERR_FILENO);
  fcntl(results, F_SETFD, 0);
  execvp(words[0], words);
  const int reason = errno;
  [[maybe_unused]] const ssize_t written = write(failure, &reason, sizeof reason);
  _exit(127);
}

class Process {
 public:
  explicit Process(const ProcessRequest& request) : request_(request) { start(); }

  Ending run() {
    if (start_error_ != 0) return {Ending::Kind::refused, start_error_};
    deadline_ = after(request_.first_limit);
    while (is_open_ && !ending_) step();
    drain_prints();
    if (ending_) {
      kill_all();
      wait();
      return *ending_;
    }
    return wait();
  }

 private:
  static Clock::time_point after(double seconds) {
    return Clock::now() +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  void start() {
    std::vector<std::string> words = request_.words;
    for (std::string& word : words) {
      if (word == ProcessRequest::results_path)
        word = "/proc/self/fd/" + std::to_string(results_.ends[1]);
    }
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    Pipe failure;
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) refuse("cannot start a process");
    if (pid_ == 0)
      become(pointers.data(), results_.ends[1], prints_.ends[1], failure.ends[1], parent);
    setpgid(pid_, pid_);
    results_.close_end(1);
    prints_.close_end(1);
    failure.close_end(1);
    ssize_t count = 0;
    do count = read(failure.ends[0], &start_error_, sizeof start_error_);
    while (count < 0 && errno == EINTR);
    if (start_error_ != 0) wait();
  }

  /// Waits for data, a limit or the end of the process.
  void step() {
    constexpr int patience = 50;  // milliseconds: children of the program may keep the pipes open
    std::array<pollfd, 2> waits{{{results_.ends[0], POLLIN, 0}, {prints_.ends[0], POLLIN, 0}}};
    const int ready = poll(waits.data(), waits.size(), patience);
    if (interrupted != 0) {
      ending_ = Ending{Ending::Kind::interrupted, interrupted};
      return;
    }
    if ((waits[1].revents & (POLLIN | POLLHUP)) != 0) read_prints();
    if ((waits[0].revents & (POLLIN | POLLHUP)) != 0) read_results();
    if (ending_) return;
    if (Clock::now() > deadline_) {
      ending_ = Ending{Ending::Kind::silent, 0};
    } else if (ready == 0 && has_ended()) {
      is_open_ = false;
    }
  }

  void read_prints() {
    const ssize_t count = read(prints_.ends[0], buffer_.data(), buffer_.size());
    if (count > 0) printed_.append(buffer_.data(), static_cast<std::size_t>(count));
    if (count == 0) prints_.close_end(0);
    if (request_.mark.empty()) hand_over(printed_.size(), 0);
  }

  /// Passes on the printed text up to a position, and removes the mark after it.
  void hand_over(std::size_t end, std::size_t mark) {
    if (end > 0 && request_.on_print) request_.on_print(std::string_view(printed_).substr(0, end));
    printed_.erase(0, end + mark);
  }

  /// Passes on the text that was printed before the next result.
  void catch_up() {
    if (request_.mark.empty()) return;
    for (;;) {
      const std::size_t mark = printed_.find(request_.mark);
      if (mark != std::string::npos) return hand_over(mark, request_.mark.size());
      constexpr int patience = 1000;  // milliseconds: the mark was written before the result
      if (prints_.ends[0] < 0 || !has_more(prints_.ends[0], patience)) return;
      read_prints();
    }
  }

  void drain_prints() {
    while (prints_.ends[0] >= 0 && has_more(prints_.ends[0], 0)) read_prints();
    hand_over(printed_.size(), 0);
  }

  void read_results() {
    const ssize_t count = read(results_.ends[0], buffer_.data(), buffer_.size());
    if (count < 0) return;
    if (count == 0) {
      results_.close_end(0);
      is_open_ = false;
      return;
    }
    deadline_ = after(request_.limit);
    std::size_t searched = pending_.size();
    pending_.append(buffer_.data(), static_cast<std::size_t>(count));
    std::size_t begin = 0;
    for (;;) {
      const std::size_t end = pending_.find('\n', std::max(begin, searched));
      if (end == std::string::npos) break;
      catch_up();
      if (!request_.on_line(std::string_view(pending_).substr(begin, end - begin))) {
        ending_ = Ending{Ending::Kind::stopped, 0};
        return;
      }
      deadline_ = after(request_.limit);
      begin = searched = end + 1;
    }
    pending_.erase(0, begin);
  }

  static bool has_more(int fd, int patience) {
    pollfd wait{fd, POLLIN, 0};
    return poll(&wait, 1, patience) > 0 && (wait.revents & (POLLIN | POLLHUP)) != 0;
  }

  bool has_ended() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid_;
  }

  void kill_all() const { kill(-pid_, SIGKILL); }

  Ending wait() const {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
    if (WIFSIGNALED(status)) return {Ending::Kind::signalled, WTERMSIG(status)};
    return {Ending::Kind::exited, WEXITSTATUS(status)};
  }

  const ProcessRequest& request_;
  Pipe results_, prints_;
  pid_t pid_ = -1;
  int start_error_ = 0;
  bool is_open_ = true;
  std::optional<Ending> ending_;
  Clock::time_point deadline_;
  std::string pending_, printed_;
  std::array<char, 65536> buffer_{};
};

}  // namespace

MemoryFile::MemoryFile(const char* name, std::string_view text) : fd_(memfd_create(name, 0)) {
  if (fd_ < 0) refuse("cannot create a file in memory");
  path_ = "/proc/self/fd/" + std::to_string(fd_);
  while (!text.empty()) {
    const ssize_t written = write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse("cannot write a file in memory");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

MemoryFile::~MemoryFile() { close(fd_); }

std::string MemoryFile::text() const {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse("cannot read a file in memory");
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

std::string Ending::text() const {
  switch (kind) {
  case Kind::exited: return "exit status " + std::to_string(status);
  case Kind::signalled: return "signal " + std::to_string(status) + " (" + strsignal(status) + ")";
  case Kind::silent: return "killed after it was silent for too long";
  case Kind::stopped: return "stopped";
  case Kind::interrupted: return "interrupted";
  case Kind::refused: return std::strerror(status);
  }
  return {};
}

Ending run_process(const ProcessRequest& request) {
  const std::string& program = request.words.front();
  // A path where no program is needs no process to say so.
  if (program.find('/') != std::string::npos && access(program.c_str(), X_OK) != 0)
    return {Ending::Kind::refused, errno};
  const InterruptGuard guard;
  return Process(request).run();
}

}  // namespace zoometer
