#include "registry/reading_pool.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "util/output.hpp"

namespace zoometer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t longest_answer = 1U << 20;

bool read_all(int fd, char* data, std::size_t size) noexcept {
  while (size > 0) {
    const ssize_t count = ::read(fd, data, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    data += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

std::string_view bytes_of(const std::uint32_t& number) noexcept {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

/// The child: answers numbers of files until there are no more.
[[noreturn]] void serve(const ReadingPool& pool, int questions, int answers) noexcept {
  std::uint32_t index = 0;
  while (read_all(questions, reinterpret_cast<char*>(&index), sizeof index)) {
    allow_seconds(pool.seconds);
    const std::string text = pool.read(index);
    const auto size =
        static_cast<std::uint32_t>(std::min<std::size_t>(text.size(), longest_answer));
    if (write_fully(answers, bytes_of(size)) != 0) break;
    if (write_fully(answers, std::string_view(text).substr(0, size)) != 0) break;
  }
  _exit(0);
}

/// A child, and the file that it reads.
class Reader {
 public:
  /// Throws nothing; `is_running` says whether it could be started.
  explicit Reader(const ReadingPool& pool) noexcept : limit_(2 * pool.seconds) {
    std::array<int, 2> questions{-1, -1}, answers{-1, -1};
    if (pipe2(questions.data(), O_CLOEXEC) != 0) return;
    if (pipe2(answers.data(), O_CLOEXEC) == 0) {
      const pid_t parent = getpid();
      child_ = fork();
      if (child_ == 0) {
        end_with_parent(parent);
        become_reader(pool, questions[0], answers[1]);
      }
      close(answers[1]);
      answers_ = answers[0];
    }
    close(questions[0]);
    questions_ = questions[1];
  }
  ~Reader() { end(); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool is_running() const noexcept { return child_ > 0; }
  bool is_idle() const noexcept { return !file_; }
  std::size_t file() const noexcept { return *file_; }
  int answers() const noexcept { return answers_; }
  bool is_too_long() const noexcept { return file_ && Clock::now() > deadline_; }

  void ask(std::size_t file) noexcept {
    file_ = file;
    deadline_ = Clock::now() + std::chrono::seconds(limit_);
    write_fully(questions_, bytes_of(static_cast<std::uint32_t>(file)));  // or its end shows it
  }

  /// The answer, or nothing if the child ended first, or says more than it should.
  std::optional<std::string> answer() {
    std::uint32_t size = 0;
    if (!read_all(answers_, reinterpret_cast<char*>(&size), sizeof size)) return std::nullopt;
    if (size > longest_answer) return std::nullopt;
    std::string text(size, '\0');
    if (!read_all(answers_, text.data(), text.size())) return std::nullopt;
    file_.reset();
    return text;
  }

  ChildEnd end() noexcept {
    for (int* fd : {&questions_, &answers_}) {
      if (*fd >= 0) close(std::exchange(*fd, -1));
    }
    if (child_ <= 0) return {};
    if (file_) kill(child_, SIGKILL);  // without effect on one that has ended
    return wait_for(std::exchange(child_, -1));
  }

 private:
  [[noreturn]] static void become_reader(const ReadingPool& pool, int questions, int answers) {
    // Neither the cache nor another child's pipes remain open.
    constexpr int first = STDERR_FILENO + 1;
    const int nothing = open("/dev/null", O_RDWR);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, fd);
    const int above = std::max({questions, answers, first + 1}) + 1;
    const int in = fcntl(questions, F_DUPFD, above);
    const int out = fcntl(answers, F_DUPFD, above);
    dup2(in, first);
    dup2(out, first + 1);
    close_from(first + 2);
    enter_sandbox(pool.sandbox);
    serve(pool, first, first + 1);
  }

  unsigned limit_;
  pid_t child_ = -1;
  int questions_ = -1;
  int answers_ = -1;
  std::optional<std::size_t> file_;
  Clock::time_point deadline_;
};

/// What is known of a file whose predecessors are still being read.
struct Answer {
  std::optional<std::string> text;
  ChildEnd end;
  bool is_too_long = false;
};

class Run {
 public:
  Run(const ReadingPool& pool, std::size_t count) : pool_(pool), count_(count) {}

  void run() {
    while (delivered_ < count_) {
      if (!give_work()) {
        keep(next_, {pool_.read(next_), {}, false});
        ++next_;
        continue;
      }
      wait();
    }
  }

 private:
  /// Every child gets a file. False where files are left and there is no child.
  bool give_work() {
    std::erase_if(readers_, [](const auto& reader) { return !reader->is_running(); });
    while (can_start_ && readers_.size() < pool_.children && readers_.size() < count_ - next_) {
      auto reader = std::make_unique<Reader>(pool_);
      can_start_ = reader->is_running();
      if (can_start_) readers_.push_back(std::move(reader));
    }
    for (const auto& reader : readers_) {
      if (reader->is_idle() && next_ < count_) reader->ask(next_++);
    }
    return next_ == count_ || !readers_.empty();
  }

  void wait() {
    std::vector<pollfd> places;
    for (const auto& reader : readers_) places.push_back({reader->answers(), POLLIN, 0});
    constexpr int patience = 1000;
    poll(places.data(), places.size(), patience);
    for (std::size_t i = 0; i < places.size(); ++i) {
      Reader& reader = *readers_[i];
      if (reader.is_idle()) continue;
      const bool is_too_long = reader.is_too_long();
      if (places[i].revents == 0 && !is_too_long) continue;
      const std::size_t file = reader.file();
      std::optional<std::string> text = is_too_long ? std::nullopt : reader.answer();
      const ChildEnd end = text ? ChildEnd() : reader.end();
      keep(file, {std::move(text), end, is_too_long || end.signal == SIGXCPU});
    }
  }

  /// Hands over what is known in the order of the files.
  void keep(std::size_t file, Answer answer) {
    known_.emplace(file, std::move(answer));
    for (auto first = known_.begin(); first != known_.end() && first->first == delivered_;
         first = known_.erase(first), ++delivered_) {
      const Answer& is = first->second;
      is.text ? pool_.take(delivered_, *is.text)
              : pool_.take_end(delivered_, is.end, is.is_too_long);
    }
  }

  const ReadingPool& pool_;
  std::size_t count_;
  std::size_t next_ = 0;
  std::size_t delivered_ = 0;
  bool can_start_ = true;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::map<std::size_t, Answer> known_;
};

}  // namespace

void ReadingPool::run(std::size_t count) const { Run(*this, count).run(); }

}  // namespace zoometer
