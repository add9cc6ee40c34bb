// Hardware descriptions: the built-in files, computed peaks, names, and what a file may not say.
#include <gmock/gmock.h>

#include <algorithm>

#include "util/embedded.hpp"
#include "zoometer/analysis/hardware.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using enum NumberType;

const std::vector<Device>& built_in() {
  static const std::vector<Device> devices = [] {
    std::vector<Device> found;
    for (const EmbeddedFile& file : embedded_files()) {
      if (file.name.starts_with("data/hardware/"))
        found.push_back(parse_device(file.text, std::string(file.name)));
    }
    return found;
  }();
  return devices;
}

TEST(Hardware, EveryFigureOfABuiltInDeviceHasASource) {
  EXPECT_GE(built_in().size(), 13U);
  for (const Device& device : built_in()) {
    const auto has_source = [&](std::string_view figure) {
      return std::any_of(device.sources.begin(), device.sources.end(), [&](const auto& source) {
        return source.first == figure && source.second.size() > 20;
      });
    };
    EXPECT_TRUE(has_source("peak")) << device.name;
    EXPECT_TRUE(has_source("memory")) << device.name;
    EXPECT_EQ(has_source("cache"), !device.caches.empty()) << device.name;
    EXPECT_EQ(has_source("power"), device.tdp > 0) << device.name;
    EXPECT_FALSE(device.kind.empty()) << device.name;
  }
}

TEST(Hardware, NoTwoDevicesAnswerToOneName) {
  for (const Device& device : built_in()) {
    EXPECT_EQ(&find_device(built_in(), device.name), &device);
    for (const std::string& alias : device.aliases)
      EXPECT_EQ(&find_device(built_in(), alias), &device) << alias;
  }
}

// Cores x clock x operations per cycle; the reasons are in each file's source.
TEST(Hardware, PeaksOfProcessorsAreWhatTheirFilesCompute) {
  const Device& xeon = find_device(built_in(), "Xeon");
  EXPECT_DOUBLE_EQ(xeon.peak(float64), 56 * 3.0e9 * 2 * 8 * 2);
  EXPECT_DOUBLE_EQ(xeon.peak(float32), 56 * 3.0e9 * 2 * 16 * 2);
  EXPECT_DOUBLE_EQ(xeon.peak(float16), 56 * 3.0e9 * 2 * 32 * 2);
  EXPECT_DOUBLE_EQ(xeon.peak(bfloat16), 56 * 3.0e9 * 16 * 16 * 32 / 16 * 2);
  EXPECT_DOUBLE_EQ(xeon.peak(int8), 56 * 3.0e9 * 16 * 16 * 64 / 16 * 2);
  EXPECT_DOUBLE_EQ(xeon.bandwidth, 8 * 8 * 4.8e9);

  const Device& epyc = find_device(built_in(), "EPYC");
  EXPECT_DOUBLE_EQ(epyc.peak(float64), 96 * 3.55e9 * 2 * 4 * 2);
  EXPECT_DOUBLE_EQ(epyc.peak(float32), 96 * 3.55e9 * 2 * 8 * 2);
  EXPECT_DOUBLE_EQ(epyc.peak(bfloat16), 96 * 3.55e9 * 64);
  EXPECT_DOUBLE_EQ(epyc.peak(int8), 96 * 3.55e9 * 128);
  EXPECT_DOUBLE_EQ(epyc.bandwidth, 12 * 8 * 4.8e9);

  const Device& raspberry = find_device(built_in(), "raspberry-pi 5");
  EXPECT_DOUBLE_EQ(raspberry.peak(float64), 4 * 2.4e9 * 2 * 2 * 2);
  EXPECT_DOUBLE_EQ(raspberry.peak(float32), 4 * 2.4e9 * 2 * 4 * 2);
  EXPECT_DOUBLE_EQ(raspberry.peak(float16), 4 * 2.4e9 * 2 * 8 * 2);
  EXPECT_DOUBLE_EQ(raspberry.peak(int8), 4 * 2.4e9 * 2 * 16 * 2);
  EXPECT_DOUBLE_EQ(raspberry.bandwidth, 4 * 4.267e9);
}

TEST(Hardware, ATypeWithoutAPeakIsComputedInAWiderOne) {
  Device device;
  device.peaks[static_cast<std::size_t>(float32)] = 1e12;
  EXPECT_EQ(device.computes_in(int8), float32);
  EXPECT_EQ(device.computes_in(bfloat16), float32);
  EXPECT_EQ(device.computes_in(tf32), float32);
  EXPECT_EQ(device.computes_in(float32), float32);
  EXPECT_EQ(device.computes_in(float64), std::nullopt);
  device.peaks[static_cast<std::size_t>(float16)] = 2e12;
  EXPECT_EQ(device.computes_in(int8), float16);
  EXPECT_EQ(device.computes_in(float8), float16);
  EXPECT_EQ(device.computes_in(bfloat16), float32) << "float16 has not its range";
  EXPECT_EQ(device.computes_in(int4), float16);
  Device integers;
  integers.peaks[static_cast<std::size_t>(int8)] = 4e12;
  EXPECT_EQ(integers.computes_in(int4), int8);
  EXPECT_EQ(integers.computes_in(float32), std::nullopt);
  EXPECT_EQ(integers.computes_in(float16), std::nullopt);
}

TEST(Hardware, NamesAreMatchedAsPeopleWriteThem) {
  EXPECT_EQ(find_device(built_in(), "tpu v5e").name, "TPUv5e");
  EXPECT_EQ(find_device(built_in(), "rtx_4090").name, "RTX4090");
  EXPECT_EQ(find_device(built_in(), "jetson-agx-orin").name, "Orin");
  try {
    find_device(built_in(), "H10");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::unknown_name);
    EXPECT_THAT(error.hint, testing::HasSubstr("H100"));
  }
}

struct BadFile {
  std::string text;
  std::string message;
};

TEST(Hardware, AFileThatIsWrongIsRefusedWithItsLine) {
  const std::string head = "name = \"X\"\n";
  const std::string peak = "[peak]\nfloat32 = 1e12\n";
  const std::string memory = "[memory]\nbandwidth = 1e9\n";
  for (const BadFile& bad : {
           BadFile{peak + memory, "no name"},
           BadFile{"name = 3\n" + peak + memory, "line 1: name: expected a string, got an integer"},
           BadFile{"name = \"\"\n" + peak + memory, "name must not be empty"},
           BadFile{head + memory, "no table [peak]"},
           BadFile{head + "[peak]\n" + memory, "no peak"},
           BadFile{head + "[peak]\nfloat31 = 1\n" + memory, "line 3: unknown type float31"},
           BadFile{head + "[peak]\nfloat32 = -1\n" + memory,
                   "line 3: float32 must be greater than 0 and finite"},
           BadFile{head + "[peak]\nfloat32 = inf\n" + memory, "float32 must be greater than 0"},
           BadFile{head + "[peak]\nfloat32 = \"fast\"\n" + memory,
                   "float32: expected a number, got a string"},
           BadFile{head + peak, "no table [memory]"},
           BadFile{head + peak + "[memory]\n", "no bandwidth"},
           BadFile{head + peak + "[memory]\nbandwith = 1\n", "line 5: unknown key bandwith"},
           BadFile{head + "memory = 3\n" + peak, "memory: expected a table, got an integer"},
           BadFile{head + peak + memory + "capacity = 1.5\n",
                   "line 6: capacity must be a whole number of bytes above 0"},
           BadFile{head + peak + memory + "[cache]\nL2 = 0\n",
                   "L2 must be a whole number of bytes above 0"},
           BadFile{head + "aliases = \"Y\"\n" + peak + memory,
                   "aliases: expected an array of strings, got a string"},
           BadFile{head + "aliases = [1]\n" + peak + memory,
                   "aliases: expected an array of strings, got an integer"},
           BadFile{head + "colour = \"red\"\n" + peak + memory, "line 2: unknown key colour"},
           BadFile{head + peak + memory + "[source]\npeak = 1\n",
                   "peak: expected a string, got an integer"},
       }) {
    try {
      parse_device(bad.text, "x.toml");
      ADD_FAILURE() << bad.message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::malformed);
      EXPECT_THAT(error.what(), testing::HasSubstr(bad.message));
      EXPECT_THAT(error.what(), testing::HasSubstr("x.toml"));
      if (bad.message.find("bandwith") != std::string::npos) {
        EXPECT_THAT(error.hint, testing::HasSubstr("bandwidth"));
      }
    }
  }
}

}  // namespace
}  // namespace zoometer
