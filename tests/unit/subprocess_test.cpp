#include "util/subprocess.hpp"

#include <gmock/gmock.h>

#include <csignal>

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using ::testing::ElementsAre;

/// What a program wrote, and how it ended.
struct Output {
  std::vector<std::string> lines;
  std::string printed;
  Ending ending;
};

/// Runs a script of sh, which finds the path of the results' pipe in $0.
Output run_script(const std::string& script, double first_limit = 60, double limit = 60) {
  Output output;
  ProcessRequest request;
  request.words = {"sh", "-c", script, std::string(ProcessRequest::results_path)};
  request.on_line = [&](std::string_view line) {
    output.lines.emplace_back(line);
    return line != "enough";
  };
  request.on_print = [&](std::string_view text) { output.printed += text; };
  request.first_limit = first_limit;
  request.limit = limit;
  output.ending = run_process(request);
  return output;
}

TEST(Subprocess, SeparatesLinesFromPrints) {
  const Output output =
      run_script("echo one >$0; echo printed; echo err >&2; printf 'two\\nthr' >$0");
  EXPECT_THAT(output.lines, ElementsAre("one", "two"));  // a line ends with a newline
  EXPECT_EQ(output.printed, "printed\nerr\n");
  EXPECT_TRUE(output.ending.is_success());
  EXPECT_EQ(output.ending.text(), "exit status 0");
}

TEST(Subprocess, PassesOnThePrintsBeforeALine) {
  std::string order;
  ProcessRequest request;
  request.words = {"sh", "-c", "echo early; echo '#'; echo one >$0; echo late",
                   std::string(ProcessRequest::results_path)};
  request.mark = "#\n";
  request.on_line = [&](std::string_view line) {
    order.append("[").append(line).append("]");
    return true;
  };
  request.on_print = [&](std::string_view text) { order += text; };
  EXPECT_TRUE(run_process(request).is_success());
  EXPECT_EQ(order, "early\n[one]late\n");
}

TEST(Subprocess, ReportsHowAProgramEnded) {
  EXPECT_EQ(run_script("exit 3").ending.text(), "exit status 3");
  EXPECT_FALSE(run_script("exit 3").ending.is_success());
  const Ending ending = run_script("kill -SEGV $$").ending;
  EXPECT_EQ(ending.kind, Ending::Kind::signalled);
  EXPECT_EQ(ending.text(), "signal 11 (Segmentation fault)");
}

TEST(Subprocess, DoesNotWaitForOrphans) {
  const Output output = run_script("sleep 1 & echo written >$0");  // which holds the pipes open
  EXPECT_THAT(output.lines, ElementsAre("written"));
  EXPECT_TRUE(output.ending.is_success());
}

TEST(Subprocess, StopsAProgramThatIsSilent) {
  const Ending at_first = run_script("exec sleep 600", 0).ending;
  EXPECT_EQ(at_first.kind, Ending::Kind::silent);
  EXPECT_EQ(at_first.text(), "killed after it was silent for too long");
  const Output later = run_script("echo begun >$0; exec sleep 600", 60, 0);
  EXPECT_THAT(later.lines, ElementsAre("begun"));
  EXPECT_EQ(later.ending.kind, Ending::Kind::silent);
}

TEST(Subprocess, StopsWhenTheReaderHasEnough) {
  const Output output = run_script("echo enough >$0; exec sleep 600");
  EXPECT_EQ(output.ending.kind, Ending::Kind::stopped);
  EXPECT_EQ(output.ending.text(), "stopped");
}

TEST(Subprocess, StopsWhenInterrupted) {
  ProcessRequest request;
  request.words = {"sh", "-c", "echo begun >$0; exec sleep 600",
                   std::string(ProcessRequest::results_path)};
  request.on_line = [](std::string_view) { return std::raise(SIGTERM) == 0; };
  const Ending ending = run_process(request);
  EXPECT_EQ(ending.kind, Ending::Kind::interrupted);
  EXPECT_EQ(ending.status, SIGTERM);
  EXPECT_EQ(ending.text(), "interrupted");
}

TEST(Subprocess, SaysWhyAProgramCannotBeStarted) {
  ProcessRequest request;
  request.words = {"no_program_of_this_name"};
  EXPECT_EQ(run_process(request).text(), "No such file or directory");
  request.words = {"/etc/passwd"};
  const Ending ending = run_process(request);
  EXPECT_EQ(ending.kind, Ending::Kind::refused);
  EXPECT_EQ(ending.text(), "Permission denied");
}

TEST(MemoryFile, IsReadAndWrittenByItsPath) {
  const std::string large(200'000, 'x');
  const MemoryFile file("kept", large);
  EXPECT_EQ(file.text(), large);
  ProcessRequest request;
  request.words = {"sh", "-c", "wc -c <$0; printf shorter >$0", file.path()};
  std::string printed;
  request.on_print = [&](std::string_view text) { printed += text; };
  EXPECT_TRUE(run_process(request).is_success());
  EXPECT_EQ(printed, "200000\n");
  EXPECT_EQ(file.text(), "shorter");
}

TEST(MemoryFile, ReportsWhatTheSystemRefuses) {
  const std::string too_long(300, 'x');  // a name has 249 bytes at most
  try {
    const MemoryFile file(too_long.c_str());
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "cannot create a file in memory: Invalid argument");
  }
}

}  // namespace
}  // namespace zoometer
