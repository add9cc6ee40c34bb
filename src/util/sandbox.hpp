#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <sys/types.h>

namespace zoometer {

/// What a process that reads hostile files may still do.
struct Sandbox {
  std::span<const std::string> readable;  ///< folders whose files it may read
  std::int64_t mapped_bytes = 0;          ///< of the files that it maps, beside its memory
  unsigned seconds = 300;                 ///< of processor time
};

/// Shuts this process in, for ever: it gets no further privileges, may open files of the named
/// folders for reading and no others (Landlock, Linux 5.13), and may make the system calls that
/// reading needs (a seccomp filter). Sockets, processes and changes of files are errors. What the
/// kernel does not have is left out. Under sanitizers, which need more, and with
/// ZOOMETER_SANDBOX=none, nothing happens.
void enter_sandbox(const Sandbox& sandbox) noexcept;

/// Lets this process use that many seconds of processor time from now on: then SIGXCPU ends it.
void allow_seconds(unsigned seconds) noexcept;

/// Ends this process when its parent ends. `parent`: its id before the fork.
void end_with_parent(pid_t parent) noexcept;

/// Closes all descriptors from `first` on.
void close_from(int first) noexcept;

/// How a child ended: "signal 11 (Segmentation fault)"; nothing if it exited with `status`.
struct ChildEnd {
  int status = 0;
  int signal = 0;  ///< 0: it exited
  std::string text() const;
};
ChildEnd wait_for(pid_t child) noexcept;

/// Continues in a child that is shut in. There it returns nothing, and standard output leads to
/// `output`, as of `write_output`. In the parent it returns the status with which the child exited,
/// after the output is complete. Throws Error{limit} if the child was ended by a signal, and
/// Error{io} if there can be no child or the output cannot be written; an output is then unchanged.
std::optional<int> continue_in_sandbox(const Sandbox& sandbox, const std::string& output);

}  // namespace zoometer
