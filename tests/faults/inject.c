// Preloaded into zoometer by tests/cli/faults.sh: lets calls of libc fail, fall short, or end the
// program, at a chosen one of them. Told by the environment:
//
//   FAULT       CALL:FROM[-[TO]]:WHAT, e.g. write:3:ENOSPC, read:1-:EINTR, malloc:7:ENOMEM
//               CALL: open read write sync truncate rename unlink close map lock malloc, or
//               change, which is every call that changes a file
//               WHAT: an errno's name; short (half of the bytes), byte (one byte), nothing (0),
//               kill (before the call), torn (half of the bytes, then kill), cut (the mapped file
//               loses its content)
//   FAULT_PATH  only calls on files whose path contains this
//   FAULT_LOG   a file that gets a line for each fault
//   FAULT_TIME  seconds that the clock is wrong by; FAULT_JUMP: by which it jumps at every look,
//               back and forth
//
// Memory is counted from main on, whose first call is signal(), to its end: what libraries do before
// it and after it (gcov writes its counts there) cannot report an error. Programs other than FAULT_PROGRAM
// (zoometer), such as those that it starts, are left alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { error, shortened, one_byte, nothing, killed, torn, cut };

static struct {
  int is_on, what, reason;
  long from, to;
  char call[16];
  const char* path;
  const char* log;
  long offset, jump;
} fault;
static atomic_long count, looks;

static const struct {
  const char* name;
  int number;
} reasons[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EINTR", EINTR},   {"EACCES", EACCES},
               {"EROFS", EROFS},   {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}, {"EAGAIN", EAGAIN},
               {"EDQUOT", EDQUOT}, {"ENOLCK", ENOLCK}, {"EINVAL", EINVAL}, {"EBUSY", EBUSY}};
static const char* const ways[] = {"", "short", "byte", "nothing", "kill", "torn", "cut"};

__attribute__((noreturn)) static void refuse(const char* what) {
  fprintf(stderr, "fault injection: cannot read %s\n", what);
  _exit(99);
}

static void take_fault(const char* text) {
  char what[16];
  char range[32];
  if (sscanf(text, "%15[a-z]:%31[0-9-]:%15[A-Za-z]", fault.call, range, what) != 3) refuse("FAULT");
  char* end;
  fault.from = strtol(range, &end, 10);
  fault.to = *end == 0 ? fault.from : end[1] == 0 ? INT32_MAX : strtol(end + 1, NULL, 10);
  for (size_t i = 1; i < sizeof ways / sizeof *ways; ++i)
    if (strcmp(what, ways[i]) == 0) fault.what = (int)i;
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; ++i)
    if (strcmp(what, reasons[i].name) == 0) fault.reason = reasons[i].number;
  if (fault.what == error && fault.reason == 0) refuse("what FAULT shall do");
}

__attribute__((constructor)) static void begin(void) {
  const char* program = getenv("FAULT_PROGRAM");
  if (program == NULL) program = "zoometer";
  if (strcmp(program_invocation_short_name, program) != 0) return;
  const char* text = getenv("FAULT_TIME");
  if (text != NULL) fault.offset = atol(text);
  text = getenv("FAULT_JUMP");
  if (text != NULL) fault.jump = atol(text);
  fault.path = getenv("FAULT_PATH");
  fault.log = getenv("FAULT_LOG");
  text = getenv("FAULT");
  if (text != NULL) take_fault(text);
  fault.is_on = text != NULL;
}

static int holds_path(int fd, const char* path) {
  if (fault.path == NULL) return 1;
  char name[4096];
  if (path == NULL) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t size = syscall(SYS_readlink, link, name, sizeof name - 1);
    if (size < 0) return 0;
    name[size] = 0;
    path = name;
  }
  return strstr(path, fault.path) != NULL;
}

static void tell(const char* call, long number) {
  if (fault.log == NULL) return;
  char line[64];
  const int size = snprintf(line, sizeof line, "%s %ld\n", call, number);
  const long log = syscall(SYS_openat, AT_FDCWD, fault.log, O_WRONLY | O_CREAT | O_APPEND, 0666);
  syscall(SYS_write, log, line, size);
  syscall(SYS_close, log);
}

/// Whether this call is one that goes wrong.
static int is_due(const char* call, int is_change, int fd, const char* path) {
  if (!fault.is_on) return 0;
  if (strcmp(call, fault.call) != 0 && !(is_change && strcmp(fault.call, "change") == 0)) return 0;
  if (strcmp(call, "malloc") != 0 && !holds_path(fd, path)) return 0;
  const long number = ++count;
  if (number < fault.from || number > fault.to) return 0;
  tell(call, number);
  const int is_whole = fault.what == torn && strcmp(call, "write") != 0;
  if (fault.what == killed || is_whole) kill(getpid(), SIGKILL);
  errno = fault.reason;
  return 1;
}

static size_t bytes_done(size_t size) {
  if (fault.what == nothing) return 0;
  return fault.what == one_byte || size < 2 ? size > 0 : size / 2;
}

#define REAL(type, name, ...)                                  \
  static type (*real)(__VA_ARGS__);                            \
  if (real == NULL) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define TRANSFER(name, call, is_change, Buffer)                           \
  ssize_t name(int fd, Buffer bytes, size_t size) {                       \
    REAL(ssize_t, name, int, Buffer, size_t);                             \
    if (!is_due(call, is_change, fd, NULL)) return real(fd, bytes, size); \
    if (fault.what == error) return -1;                                   \
    if (fault.what == nothing) return 0;                                  \
    const ssize_t done = real(fd, bytes, bytes_done(size));               \
    if (fault.what == torn) kill(getpid(), SIGKILL);                      \
    return done;                                                          \
  }
#define TRANSFER_AT(name, call, is_change, Buffer)                               \
  ssize_t name(int fd, Buffer bytes, size_t size, off_t offset) {                \
    REAL(ssize_t, name, int, Buffer, size_t, off_t);                             \
    if (!is_due(call, is_change, fd, NULL)) return real(fd, bytes, size, offset); \
    if (fault.what == error) return -1;                                          \
    if (fault.what == nothing) return 0;                                         \
    const ssize_t done = real(fd, bytes, bytes_done(size), offset);              \
    if (fault.what == torn) kill(getpid(), SIGKILL);                             \
    return done;                                                                 \
  }
TRANSFER(read, "read", 0, void*)
TRANSFER(write, "write", 1, const void*)
TRANSFER_AT(pread, "read", 0, void*)
TRANSFER_AT(pread64, "read", 0, void*)
TRANSFER_AT(pwrite, "write", 1, const void*)
TRANSFER_AT(pwrite64, "write", 1, const void*)

#define SIMPLE(name, call)                        \
  int name(int fd) {                              \
    REAL(int, name, int);                         \
    if (is_due(call, 1, fd, NULL)) return -1;     \
    return real(fd);                              \
  }
SIMPLE(fsync, "sync")
SIMPLE(fdatasync, "sync")

int close(int fd) {
  REAL(int, close, int);
  const int is_wrong = is_due("close", 0, fd, NULL);
  const int reason = errno;
  const int status = real(fd);  // as on Linux: the descriptor is closed anyway
  if (is_wrong) errno = reason;
  return is_wrong ? -1 : status;
}

#define TRUNCATE(name)                               \
  int name(int fd, off_t size) {                     \
    REAL(int, name, int, off_t);                     \
    if (is_due("truncate", 1, fd, NULL)) return -1;  \
    return real(fd, size);                           \
  }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

int rename(const char* from, const char* to) {
  REAL(int, rename, const char*, const char*);
  if (is_due("rename", 1, -1, to)) return -1;
  return real(from, to);
}

int unlink(const char* path) {
  REAL(int, unlink, const char*);
  if (is_due("unlink", 1, -1, path)) return -1;
  return real(path);
}

#define OPEN(name)                                                    \
  int name(const char* path, int flags, ...) {                        \
    REAL(int, name, const char*, int, mode_t);                        \
    va_list words;                                                    \
    va_start(words, flags);                                           \
    const mode_t mode = flags & O_CREAT ? va_arg(words, mode_t) : 0;  \
    va_end(words);                                                    \
    if (is_due("open", (flags & O_CREAT) != 0, -1, path)) return -1;  \
    return real(path, flags, mode);                                   \
  }
OPEN(open)
OPEN(open64)

int mkostemp(char* path, int flags) {
  REAL(int, mkostemp, char*, int);
  if (is_due("open", 1, -1, path)) return -1;
  return real(path, flags);
}

#define MAP(name)                                                                          \
  void* name(void* place, size_t size, int protection, int flags, int fd, off_t offset) {  \
    REAL(void*, name, void*, size_t, int, int, int, off_t);                                \
    const int is_wrong = fd >= 0 && is_due("map", 0, fd, NULL);                            \
    if (is_wrong && fault.what == error) return MAP_FAILED;                                \
    void* mapped = real(place, size, protection, flags, fd, offset);                       \
    if (is_wrong) empty_file(fd);                                                          \
    return mapped;                                                                         \
  }
static void empty_file(int fd) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const long file = syscall(SYS_openat, AT_FDCWD, link, O_WRONLY | O_TRUNC);
  syscall(SYS_close, file);
}
MAP(mmap)
MAP(mmap64)

int flock(int fd, int operation) {
  REAL(int, flock, int, int);
  if (is_due("lock", 0, fd, NULL)) return -1;
  return real(fd, operation);
}

#define CONTROL(name)                                                                     \
  int name(int fd, int command, ...) {                                                    \
    REAL(int, name, int, int, void*);                                                     \
    va_list words;                                                                        \
    va_start(words, command);                                                             \
    void* word = va_arg(words, void*);                                                    \
    va_end(words);                                                                        \
    if ((command == F_SETLK || command == F_SETLKW) && is_due("lock", 0, fd, NULL))       \
      return -1;                                                                          \
    return real(fd, command, word);                                                       \
  }
CONTROL(fcntl)
CONTROL(fcntl64)

// -- memory: dlsym itself needs some, so that libc's own names are called ------------------------

static int is_in_main;

static void leave_main(void) { is_in_main = 0; }

void (*signal(int number, void (*handler)(int)))(int) {
  REAL(sighandler_t, signal, int, sighandler_t);
  if (!is_in_main) atexit(leave_main);
  is_in_main = 1;
  return real(number, handler);
}

static int is_out_of_memory(void) { return is_in_main && is_due("malloc", 0, -1, NULL); }

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t number, size_t size);
extern void* __libc_realloc(void* old, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  return is_out_of_memory() ? NULL : __libc_malloc(size);
}
void* calloc(size_t number, size_t size) {
  return is_out_of_memory() ? NULL : __libc_calloc(number, size);
}
void* realloc(void* old, size_t size) {
  return is_out_of_memory() ? NULL : __libc_realloc(old, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return is_out_of_memory() ? NULL : __libc_memalign(alignment, size);
}

// -- time ----------------------------------------------------------------------------------------

static long wrong_by(void) {
  return fault.offset + (++looks % 2 != 0 ? fault.jump : -fault.jump);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  REAL(int, clock_gettime, clockid_t, struct timespec*);
  const int status = real(clock, now);
  if (clock == CLOCK_REALTIME) now->tv_sec += wrong_by();
  return status;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  REAL(int, gettimeofday, struct timeval*, void*);
  const int status = real(now, zone);
  now->tv_sec += wrong_by();
  return status;
}

time_t time(time_t* place) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (place != NULL) *place = now.tv_sec;
  return now.tv_sec;
}
