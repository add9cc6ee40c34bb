// Files that end, hold up or take over the process that reads them.
#include "util/sandbox.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include "registry/reading_pool.hpp"

namespace zoometer {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool has_sandbox = false;
#elif defined(__has_feature)
constexpr bool has_sandbox = !__has_feature(address_sanitizer);
#else
constexpr bool has_sandbox = true;
#endif

bool has_landlock() {
  constexpr unsigned version_flag = 1;
  return syscall(SYS_landlock_create_ruleset, nullptr, 0, version_flag) > 0;
}

/// A folder with one file, which is removed at the end.
class Folder {
 public:
  Folder() : path_(testing::TempDir() + "sandbox_" + std::to_string(getpid())) {
    std::filesystem::create_directories(path_);
    std::ofstream(file()) << "text";
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string file() const { return path_ + "/file"; }

 private:
  std::string path_;
};

/// Runs `try_it` in a child that is shut in; whether it returns true there.
template <class Try>
bool holds_inside(const Folder& folder, Try try_it) {
  const pid_t child = fork();
  if (child == 0) {
    const std::string readable[] = {folder.path()};
    enter_sandbox({readable, 1 << 20, 5});
    _exit(try_it() ? 0 : 1);
  }
  return wait_for(child).status == 0;
}

TEST(Sandbox, ReadsFilesOfTheFolder) {
  const Folder folder;
  EXPECT_TRUE(holds_inside(folder, [&] {
    std::string text;
    std::ifstream(folder.file()) >> text;
    return text == "text";
  }));
}

TEST(Sandbox, ReadsNoOtherFiles) {
  if (!has_sandbox || !has_landlock()) GTEST_SKIP() << "the kernel has no Landlock";
  const Folder folder;
  EXPECT_TRUE(
      holds_inside(folder, [] { return open("/etc/hostname", O_RDONLY) < 0 && errno == EACCES; }));
}

TEST(Sandbox, ChangesNoFiles) {
  if (!has_sandbox) GTEST_SKIP() << "no sandbox under sanitizers";
  const Folder folder;
  const std::string other = folder.path() + "/other";
  EXPECT_TRUE(holds_inside(folder, [&] { return unlink(folder.file().c_str()) != 0; }));
  EXPECT_TRUE(
      holds_inside(folder, [&] { return rename(folder.file().c_str(), other.c_str()) != 0; }));
  EXPECT_TRUE(std::filesystem::exists(folder.file()));
  if (!has_landlock()) GTEST_SKIP() << "the kernel has no Landlock";
  EXPECT_TRUE(
      holds_inside(folder, [&] { return open(other.c_str(), O_WRONLY | O_CREAT, 0600) < 0; }));
  EXPECT_TRUE(
      holds_inside(folder, [&] { return open(folder.file().c_str(), O_WRONLY | O_TRUNC) < 0; }));
}

TEST(Sandbox, StartsNothingAndReachesNobody) {
  if (!has_sandbox) GTEST_SKIP() << "no sandbox under sanitizers";
  const Folder folder;
  EXPECT_TRUE(holds_inside(folder, [] { return socket(AF_INET, SOCK_STREAM, 0) < 0; }));
  EXPECT_TRUE(holds_inside(folder, [] {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    return child < 0 && errno == EPERM;
  }));
  EXPECT_TRUE(holds_inside(folder, [] { return kill(getppid(), 0) != 0 && errno == EPERM; }));
}

// -- many files -----------------------------------------------------------------------------------

/// What a pool said of each file.
struct Seen {
  std::map<std::size_t, std::string> texts;
  std::vector<std::size_t> order;
};

Seen read_all(ReadingPool pool, std::size_t count) {
  Seen seen;
  pool.take = [&](std::size_t index, const std::string& text) {
    seen.texts[index] = text;
    seen.order.push_back(index);
  };
  pool.take_end = [&](std::size_t index, const ChildEnd& end, bool is_too_long) {
    seen.texts[index] = is_too_long ? "too long" : end.text();
    seen.order.push_back(index);
  };
  pool.run(count);
  return seen;
}

TEST(ReadingPool, AnswersInTheOrderOfTheFiles) {
  ReadingPool pool;
  pool.children = 3;
  pool.read = [](std::size_t index) {
    if (index % 3 == 0) usleep(2000);
    return "file " + std::to_string(index);
  };
  const Seen seen = read_all(pool, 50);
  ASSERT_EQ(seen.order.size(), 50U);
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(seen.order[i], i);
    EXPECT_EQ(seen.texts.at(i), "file " + std::to_string(i));
  }
}

TEST(ReadingPool, GoesOnAfterACrashAndALoop) {
  ReadingPool pool;
  pool.children = 2;
  pool.seconds = 1;
  pool.read = [](std::size_t index) -> std::string {
    if (index == 1) {
      signal(SIGBUS, SIG_DFL);
      raise(SIGBUS);
      __builtin_trap();
    }
    if (index == 3) {
      volatile bool goes_on = true;
      while (goes_on) {}
    }
    return "read";
  };
  const Seen seen = read_all(pool, 6);
  for (const std::size_t index : {0U, 2U, 4U, 5U}) EXPECT_EQ(seen.texts.at(index), "read");
  EXPECT_EQ(seen.texts.at(1).substr(0, 6), "signal");
  EXPECT_EQ(seen.texts.at(3), "too long");
}

TEST(ReadingPool, AnAnswerThatIsNoneIsAnEnd) {
  ReadingPool pool;
  pool.read = [](std::size_t index) -> std::string {
    if (index == 0) _exit(7);
    return "read";
  };
  const Seen seen = read_all(pool, 2);
  EXPECT_EQ(seen.texts.at(0), "exit status 7");
  EXPECT_EQ(seen.texts.at(1), "read");
}

}  // namespace
}  // namespace zoometer
