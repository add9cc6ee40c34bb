// The memory that control groups leave, from files that look like those of the kernel.
#include "util/container.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace zoometer {
namespace {

class Container : public ::testing::Test {
 protected:
  Container() { std::filesystem::remove_all(root_); }
  ~Container() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::int64_t memory() const { return container_memory(root_); }

  // Shards of the tests run side by side.
  std::string root_ = ::testing::TempDir() + "zoometer_container" + std::to_string(getpid());
};

TEST_F(Container, HasNoLimitWithoutGroups) {
  EXPECT_EQ(memory(), 0);
  write("/proc/self/cgroup", "0::/user\n");
  EXPECT_EQ(memory(), 0);
  write("/sys/fs/cgroup/user/memory.max", "max\n");
  EXPECT_EQ(memory(), 0);
}

TEST_F(Container, TakesTheLeastLimitUpToTheRootOfVersion2) {
  write("/proc/self/cgroup", "0::/outer/inner\n");
  write("/sys/fs/cgroup/outer/inner/memory.max", "max\n");
  write("/sys/fs/cgroup/outer/memory.max", "314572800\n");
  EXPECT_EQ(memory(), 314572800);
  write("/sys/fs/cgroup/outer/inner/memory.max", "1048576\n");
  EXPECT_EQ(memory(), 1048576);
}

TEST_F(Container, ReadsTheRootOfANamespace) {
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/memory.max", "4096\n");
  EXPECT_EQ(memory(), 4096);
}

TEST_F(Container, ReadsVersion1) {
  write("/proc/self/cgroup", "12:cpu,cpuacct:/a\n5:hugetlb,memory:/docker/x\n0::/\n");
  write("/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "8192\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(memory(), 8192);
}

}  // namespace
}  // namespace zoometer
