#include "registry/bridge_process.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "registry/live_listing.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

std::vector<std::string> command_of(const BridgeRequest& request, const std::string& script,
                                    const std::string& inputs) {
  std::vector<std::string> words = {request.python,
                                    script,
                                    "trace",
                                    "--output",
                                    std::string(ProcessRequest::results_path),
                                    "--marks",
                                    "--variant",
                                    std::string(name_of(request.variant)),
                                    "--inputs",
                                    inputs};
  words.insert(words.end(), {"--source", request.source, "--tracer", request.tracer});
  for (const std::string& pattern : request.patterns)
    words.insert(words.end(), {"--match", pattern});
  words.insert(words.end(), request.models.begin(), request.models.end());
  return words;
}

/// Reads the lines of one run.
class LineReader {
 public:
  explicit LineReader(const BridgeListener& listener) : listener_(listener) {}

  /// Returns whether the bridge should continue.
  bool read(std::string_view line) {
    // The lines of models are long. They are parsed once, where they are used.
    constexpr std::string_view model_event = R"({"event":"model")";
    if (line.starts_with(model_event)) {
      listener_.on_answer({std::exchange(run.current, {}), line, run.printed});
    } else {
      read_event(line);
    }
    return !run.was_stopped;
  }

  void take_print(std::string_view text) {
    constexpr std::size_t most = 1 << 16;
    if (run.printed.size() < most) run.printed += text.substr(0, most - run.printed.size());
  }

  BridgeRun run;

 private:
  void read_event(std::string_view line) {
    std::string text(line);
    const JsonDocument document(text);
    const Json& json = document.root();
    const std::string_view event = find_text(json, "event");
    if (event == "begin") {
      run.has_begun = true;
      run.was_stopped = !listener_.on_begin(json);
    }
    if (event == "start") {
      run.current = find_text(json, "model");
      run.printed.clear();
      run.was_stopped = !listener_.on_start(run.current);
    }
    if (event == "reads") listener_.on_reads(read_rests(json));
    if (event == "error") {
      run.failure =
          fmt::format("{}: {}", find_text(json, "reason_code"), find_text(json, "message"));
    }
    if (event == "end") run.is_complete = true;
  }

  const BridgeListener& listener_;
};

}  // namespace

BridgeRun run_bridge(const BridgeRequest& request, const BridgeListener& listener) {
  const MemoryFile script("zoometer_bridge.py", bridge_script());
  const MemoryFile inputs("inputs.json", request.inputs);
  LineReader reader(listener);
  ProcessRequest process;
  process.words = command_of(request, script.path(), inputs.path());
  process.mark = "\x1e\n";
  process.on_line = [&](std::string_view line) { return reader.read(line); };
  process.on_print = [&](std::string_view text) { reader.take_print(text); };
  constexpr double import_limit = 120;
  process.limit = request.time_limit;
  process.first_limit = import_limit;
  reader.run.ending = run_process(process);
  return std::move(reader.run);
}

std::string summary_of_print(std::string_view printed) {
  std::size_t lines = 0;
  std::string_view last;
  while (!printed.empty()) {
    const std::size_t end = std::min(printed.find('\n'), printed.size());
    if (end > 0) {
      ++lines;
      last = printed.substr(0, end);
    }
    printed.remove_prefix(std::min(end + 1, printed.size()));
  }
  if (lines == 0) return {};
  constexpr std::size_t most = 200;
  return fmt::format("{} line{} printed, the last: {}", lines, lines == 1 ? "" : "s",
                     escape_controls(last.substr(0, most)));
}

}  // namespace zoometer
