#include "util/sandbox.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "util/output.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool is_instrumented = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool is_instrumented = true;
#else
constexpr bool is_instrumented = false;
#endif
#else
constexpr bool is_instrumented = false;
#endif

/// The first version of Landlock, which every kernel that has it knows. From linux/landlock.h and
/// asm-generic/unistd.h of Linux 5.13: where wheels are built, the headers are those of 4.18.
struct Landlock {
  static constexpr long create_ruleset = 444, add_rule = 445, restrict_self = 446;  // calls
  static constexpr int path_beneath = 1;                                            // kind of rule
  static constexpr std::uint64_t read_file = 1U << 2U, read_dir = 1U << 3U;
  static constexpr std::uint64_t all_rights = (1U << 13U) - 1;

  struct Ruleset {
    std::uint64_t handled_rights = all_rights;
  };
  struct [[gnu::packed]] PathBeneath {
    std::uint64_t allowed_rights = read_file | read_dir;
    std::int32_t folder = -1;
  };
};

/// Allows to read below the folders, and nothing else in any file system.
void restrict_files(std::span<const std::string> folders) noexcept {
  const Landlock::Ruleset rules;
  const auto ruleset = static_cast<int>(syscall(Landlock::create_ruleset, &rules, sizeof rules, 0));
  if (ruleset < 0) return;
  for (const std::string& folder : folders) {
    Landlock::PathBeneath below;
    below.folder = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (below.folder < 0) continue;
    syscall(Landlock::add_rule, ruleset, Landlock::path_beneath, &below, 0);
    close(below.folder);
  }
  syscall(Landlock::restrict_self, ruleset, 0);
  close(ruleset);
}

#if defined(__x86_64__)
constexpr std::uint32_t machine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t machine = AUDIT_ARCH_AARCH64;
#endif

/// A system call; where `argument` is 0 or more, only with that value of that argument.
struct AllowedCall {
  int number = 0;
  int argument = -1;
  std::uint32_t value = 0;
};

constexpr int faccessat2_call = 439;  // Linux 5.8, on every machine

/// What reading files, computing and writing to open descriptors takes. Signals and limits of other
/// processes, and terminals, are out of reach.
constexpr AllowedCall allowed_calls[] = {
    {SYS_read},
    {SYS_pread64},
    {SYS_readv},
    {SYS_write},
    {SYS_writev},
    {SYS_lseek},
    {SYS_close},
    {SYS_openat},
    {SYS_fstat},
    {SYS_newfstatat},
    {SYS_statx},
    {SYS_readlinkat},
    {SYS_faccessat},
    {faccessat2_call},
    {SYS_getdents64},
    {SYS_fadvise64},
    {SYS_getcwd},
    {SYS_fcntl, 1, F_GETFL},
#ifdef SYS_open
    {SYS_open},
    {SYS_stat},
    {SYS_lstat},
    {SYS_readlink},
    {SYS_access},
    {SYS_poll},
#endif
    {SYS_mmap},
    {SYS_munmap},
    {SYS_mremap},
    {SYS_mprotect},
    {SYS_madvise},
    {SYS_brk},
    {SYS_futex},
    {SYS_ppoll},
    {SYS_sched_yield},
    {SYS_nanosleep},
    {SYS_clock_nanosleep},
    {SYS_restart_syscall},
    {SYS_clock_gettime},
    {SYS_gettimeofday},
    {SYS_getrandom},
    {SYS_rt_sigaction},
    {SYS_rt_sigprocmask},
    {SYS_rt_sigreturn},
    {SYS_sigaltstack},
    {SYS_getpid},
    {SYS_gettid},
    {SYS_getuid},
    {SYS_geteuid},
    {SYS_getgid},
    {SYS_getegid},
    {SYS_uname},
    {SYS_sysinfo},
    {SYS_getrusage},
    {SYS_prlimit64, 0, 0},
    {SYS_exit},
    {SYS_exit_group},
};

/// Other calls fail with EPERM: a library that tries one does without it.
void restrict_calls() noexcept {
#if defined(__x86_64__) || defined(__aarch64__)
  constexpr std::uint32_t x32 = 0x40000000;  // a second table of calls on x86-64
  constexpr std::uint32_t number_at = offsetof(seccomp_data, nr);
  std::vector<sock_filter> filter = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, machine, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number_at),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const auto add = [&](sock_filter step) { filter.push_back(step); };
  for (const AllowedCall& call : allowed_calls) {
    const auto number = static_cast<std::uint32_t>(call.number);
    if (call.argument < 0) {
      add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
      add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
      continue;
    }
    const auto argument_at = static_cast<std::uint32_t>(
        offsetof(seccomp_data, args) + 8 * static_cast<std::size_t>(call.argument));
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4));
    add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument_at));
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.value, 0, 1));
    add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number_at));
  }
  add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#endif
}

/// The address space: what the memory limit allows, the files, and the program itself.
void restrict_memory(std::int64_t mapped_bytes) noexcept {
  rlimit data{}, space{};
  if (getrlimit(RLIMIT_DATA, &data) != 0 || getrlimit(RLIMIT_AS, &space) != 0) return;
  constexpr rlim_t own = rlim_t{1} << 30;
  constexpr rlim_t most = rlim_t{1} << 62;
  if (data.rlim_cur == RLIM_INFINITY || mapped_bytes < 0) return;
  const rlim_t wanted = std::min(data.rlim_cur, most) + own + static_cast<rlim_t>(mapped_bytes);
  space.rlim_cur = std::min(wanted, space.rlim_max);
  setrlimit(RLIMIT_AS, &space);
}

[[noreturn]] void fail_to(const char* what) {
  throw Error(ErrorCode::io, std::string("cannot ") + what + ": " + std::strerror(errno));
}

/// Passes on what a child prints, to its end.
template <class Write>
void pass_on(int fd, Write write) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    write(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  }
}

/// Ends the child if its output cannot be passed on.
class ChildGuard {
 public:
  explicit ChildGuard(pid_t child) : child_(child) {}
  ~ChildGuard() {
    if (child_ < 0) return;
    kill(child_, SIGKILL);
    wait_for(child_);
  }
  ChildGuard(const ChildGuard&) = delete;
  ChildGuard& operator=(const ChildGuard&) = delete;

  /// Throws Error{limit} if a signal ended it.
  int status() {
    const ChildEnd end = wait_for(std::exchange(child_, -1));
    if (end.signal == 0) return end.status;
    throw Error(ErrorCode::limit, "reading the file ended by " + end.text());
  }

 private:
  pid_t child_;
};

}  // namespace

void enter_sandbox(const Sandbox& sandbox) noexcept {
  const char* wanted = std::getenv("ZOOMETER_SANDBOX");
  if (is_instrumented || (wanted != nullptr && wanted == std::string_view("none"))) return;
  allow_seconds(sandbox.seconds);
  restrict_memory(sandbox.mapped_bytes);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return;
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  restrict_files(sandbox.readable);
  restrict_calls();
}

void allow_seconds(unsigned seconds) noexcept {
  rusage used{};
  rlimit limit{};
  if (getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &limit) != 0) return;
  const auto now = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec);
  limit.rlim_cur = std::min(now + seconds + 1, limit.rlim_max);
  setrlimit(RLIMIT_CPU, &limit);
}

void end_with_parent(pid_t parent) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
}

void close_from(int first) noexcept {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
#endif
  const long most = std::min(sysconf(_SC_OPEN_MAX), 65536L);
  for (int fd = first; fd < most; ++fd) close(fd);
}

std::string ChildEnd::text() const {
  if (signal == 0) return "exit status " + std::to_string(status);
  return "signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
}

ChildEnd wait_for(pid_t child) noexcept {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (WIFSIGNALED(status)) return {0, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

std::optional<int> continue_in_sandbox(const Sandbox& sandbox, const std::string& output) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail_to("open a pipe");
  const pid_t parent = getpid();
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    end_with_parent(parent);
    dup2(ends[1], STDOUT_FILENO);
    close_from(STDERR_FILENO + 1);
    enter_sandbox(sandbox);
    return std::nullopt;
  }
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    fail_to("start a process");
  }
  ChildGuard guard(child);
  if (output.empty() || output == "-") {
    pass_on(ends[0], write_stdout);
    close(ends[0]);
    return guard.status();
  }
  if (is_written_in_place(output)) {
    const int fd = open_in_place(output);
    pass_on(ends[0], [&](std::string_view text) { write_fully(fd, text); });
    close(fd);
    close(ends[0]);
    return guard.status();
  }
  OutputFile file(output);
  pass_on(ends[0], [&](std::string_view text) { file.write(text); });
  close(ends[0]);
  const int status = guard.status();
  constexpr int most_complete = 1;  // a check that failed comes after the report
  if (status <= most_complete) file.finish();
  return status;
}

}  // namespace zoometer
