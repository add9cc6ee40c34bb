// From a file's bytes to what every command prints of it. The first byte chooses the command, the
// second one the file's name, the others are the file.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "memory_bound.hpp"
#include "program.hpp"

namespace zoometer {
namespace {

// Some write a line or a row per node, of which a small file may make some hundred thousand.
constexpr std::int64_t memory_base = std::int64_t{2} << 30;
constexpr std::int64_t memory_factor = 4096;

/// Each analysis and each way to print it, of the file FILE.
constexpr std::string_view commands[] = {
    "profile FILE",
    "profile FILE --format json --memory",
    "profile FILE --format html",
    "profile FILE --sort macs --columns type,kernel,input,output,count,params,macs,memory",
    "profile FILE --group-by operator --units exact --format csv",
    "profile FILE --memory --views none --batch 2",
    "profile FILE --training --optimizer adamw --format json",
    "profile FILE --training --checkpoint sqrt --zero 2 --data-parallel 4",
    "profile FILE --input-shape 1,3,32,32 --dtype float16",
    "profile FILE --convention fvcore",
    "profile FILE --convention ptflops",
    "profile FILE --convention thop",
    "profile FILE --convention torch",
    "profile FILE --convention xla",
    "profile FILE --decode --context 64",
    "table FILE",
    "explain FILE",
    "explain FILE --format json",
    "parameters FILE --format json",
    "roofline FILE --fuse --cache --format json",
    "roofline FILE --on H100 --plot --dtype float16",
    "roofline FILE --on A100 --format csv",
    "compare FILE FILE --format csv",
    "diff FILE FILE --format json",
    "diff FILE squeezenet1_1",
    "diff squeezenet1_1 FILE --format html",
    "graph FILE",
    "graph FILE --format dot --depth 9",
    "graph FILE --format json",
    "graph FILE --format onnx -o graph.onnx",
    "serve FILE --on H100 --quant Q4_K_M --tp 2",
    "serve FILE --vary batch=1,2 --format json",
    "quant FILE",
    "sweep FILE --batch 1,2 --dtype float32,int8",
    "report FILE -o -",
};

constexpr std::array<std::string_view, 2> file_names = {"model", "config.json"};

std::vector<std::string> words_of(std::string_view line, std::string_view file) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    words.emplace_back(word == "FILE" ? file : word);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

void run(std::string_view command, std::string_view file, std::string_view bytes) {
  const std::string& folder = fuzz::home();
  std::ofstream(folder + "/" + std::string(file), std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  fuzz::run_program(words_of(command, file));
  fuzz::empty(folder);
}

}  // namespace
}  // namespace zoometer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace zoometer;
  if (size < 2) return 0;
  const std::string_view command = commands[data[0] % std::size(commands)];
  const std::string_view file = file_names[data[1] % file_names.size()];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  fuzz::within_memory(size, memory_base, memory_factor, [&] { run(command, file, bytes); });
  return 0;
}
