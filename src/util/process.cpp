#include "util/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "util/error.hpp"

extern char** environ;

namespace zoometer {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void refuse(const std::string& program, int reason) {
  throw Error(ErrorCode::io, "cannot run " + program + ": " + std::strerror(reason));
}

/// Both ends of a pipe, closed on every way out.
struct Pipe {
  int read_end = -1;
  int write_end = -1;

  explicit Pipe(const std::string& program) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) refuse(program, errno);
    read_end = ends[0];
    write_end = ends[1];
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    shut(read_end);
    shut(write_end);
  }
  static void shut(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

struct SpawnActions {
  posix_spawn_file_actions_t actions{};
  SpawnActions() { posix_spawn_file_actions_init(&actions); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions); }
};

/// A running program and what it is being told and tells.
class Child {
 public:
  explicit Child(std::span<const std::string> words)
      : program_(words[0]),
        in_(program_),
        out_(program_),
        err_(program_) {
    SpawnActions spawn;
    posix_spawn_file_actions_adddup2(&spawn.actions, in_.read_end, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&spawn.actions, out_.write_end, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&spawn.actions, err_.write_end, STDERR_FILENO);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    failure_ = posix_spawnp(&id_, argv[0], &spawn.actions, nullptr, argv.data(), environ);
    Pipe::shut(in_.read_end);
    Pipe::shut(out_.write_end);
    Pipe::shut(err_.write_end);
    fcntl(in_.write_end, F_SETFL, O_NONBLOCK);
  }

  /// 0, or the errno that kept it from starting.
  int failure() const noexcept { return failure_; }

  ProcessResult talk(std::string_view input, Clock::time_point end) {
    ProcessResult result;
    while (out_.read_end >= 0 || err_.read_end >= 0) {
      if (input.empty()) Pipe::shut(in_.write_end);
      std::array<pollfd, 3> waits = {
          {{in_.write_end, POLLOUT, 0}, {out_.read_end, POLLIN, 0}, {err_.read_end, POLLIN, 0}}};
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
      if (left.count() <= 0) {
        result.timed_out = true;
        kill(id_, SIGKILL);
        break;
      }
      if (poll(waits.data(), waits.size(), static_cast<int>(left.count())) < 0 && errno != EINTR)
        refuse(program_, errno);
      if (waits[0].revents != 0) feed(input);
      if (waits[1].revents != 0) drain(out_.read_end, result.output, SIZE_MAX);
      if (waits[2].revents != 0) drain(err_.read_end, result.errors, 65536);
    }
    int status = 0;
    while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {}
    result.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return result;
  }

 private:
  void feed(std::string_view& input) {
    const ssize_t written = write(in_.write_end, input.data(), input.size());
    if (written >= 0) {
      input.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EAGAIN && errno != EINTR) {
      input = {};  // it no longer listens; its status says why
    }
  }

  static void drain(int& end, std::string& text, std::size_t most) {
    std::array<char, 65536> buffer;
    const ssize_t count = read(end, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return;
    if (count <= 0) return Pipe::shut(end);
    if (text.size() < most) text.append(buffer.data(), static_cast<std::size_t>(count));
  }

  std::string program_;
  Pipe in_;
  Pipe out_;
  Pipe err_;
  pid_t id_ = -1;
  int failure_ = 0;
};

/// A reader that goes away must give an error to `write`, not end the program.
class IgnoredPipeSignal {
 public:
  IgnoredPipeSignal() : before_(std::signal(SIGPIPE, SIG_IGN)) {}
  IgnoredPipeSignal(const IgnoredPipeSignal&) = delete;
  IgnoredPipeSignal& operator=(const IgnoredPipeSignal&) = delete;
  ~IgnoredPipeSignal() { std::signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);
};

}  // namespace

ProcessResult run_process(std::span<const std::string> words, std::string_view input,
                          std::chrono::seconds limit) {
  const IgnoredPipeSignal ignored;
  Child child(words);
  if (child.failure() == ENOENT) {
    ProcessResult missing;
    missing.found = false;
    return missing;
  }
  if (child.failure() != 0) refuse(words[0], child.failure());
  return child.talk(input, Clock::now() + limit);
}

}  // namespace zoometer
