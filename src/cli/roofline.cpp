#include "report/roofline.hpp"

#include <algorithm>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/load.hpp"
#include "util/output.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

struct RooflineWords {
  std::string on;
  std::vector<std::string> hardware;
  std::string dtype;
  std::string views = "torch";
  FormatWords out{table_formats({"text", "json"})};
  bool fuse = false;
  bool cache = false;
  bool plot = false;
  bool list = false;
  ReportOptions options;

  void add_to(Arguments& arguments) {
    arguments.option("--on", on,
                     "Devices, operator by operator: H100,Orin. Without it, all in one table",
                     "NAME,...");
    arguments.option("--hardware", hardware, "Your own device from a file; repeatable", "FILE");
    arguments.option(
        {.names = "--dtype",
         .value = "float32|tf32|float16|bfloat16|float8|int8|int4",
         .help = "Store and compute every floating-point tensor in this type (tf32: compute only)",
         .standard = {},
         .read = [this](const std::string& word) {
           dtype = word == "tf32" ? word : name_of(stored_type(word, "--dtype"));
         }});
    arguments.flag("--fuse", fuse, "Fuse operators as compilers do: see docs/roofline.md");
    arguments.flag("--cache", cache, "Keep what fits into a device's largest cache");
    arguments.flag("--plot", plot, "Draw each device's roofline");
    arguments.flag("--list", list, "List the devices");
    out.add_to(arguments);
    add_views_to(arguments, views);
    arguments.option("--depth,-d", options.depth,
                     "Levels of the module tree: 1 for text, all for JSON and for -1", "N");
    arguments.footer(
        "Example:\n  zoometer roofline resnet50 --on H100,Orin --dtype float16 --fuse\n"
        "The figures of the devices and their sources: zoometer roofline --list --format json");
  }

  void fit_terminal() {
    options.width = out.width();
    options.colour = out.colour();
  }
};

/// The available devices: those of files first, so that they win over others of the same name.
std::vector<Device> known_devices(const RooflineWords& words) {
  std::vector<Device> devices;
  for (const std::string& path : words.hardware) devices.push_back(read_device(path));
  for (Device& device : all_devices()) {
    const bool is_there = std::any_of(devices.begin(), devices.end(),
                                      [&](const Device& own) { return own.name == device.name; });
    if (!is_there) devices.push_back(std::move(device));
  }
  return devices;
}

/// The devices given by name or by file.
std::vector<const Device*> chosen_devices(const RooflineWords& words,
                                          const std::vector<Device>& devices) {
  std::vector<const Device*> chosen;
  const auto add = [&](const Device& device) {
    if (std::find(chosen.begin(), chosen.end(), &device) == chosen.end()) chosen.push_back(&device);
  };
  for (std::size_t i = 0; i < words.hardware.size(); ++i) add(devices[i]);
  std::string_view rest = words.on;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    add(find_device(devices, rest.substr(0, comma)));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return chosen;
}

int list_devices(RooflineWords& words) {
  words.fit_terminal();
  const std::vector<Device> devices = known_devices(words);
  const auto table = devices_table(devices).written_as(words.out.format());
  words.out.write(table                  ? *table
                  : words.out.is("json") ? devices_json(devices)
                                         : devices_text(devices, words.options));
  return exit_done;
}

/// As `--dtype` of other commands, with the types that only devices compute in.
void compute_in(const std::string& dtype, Graph& graph, LoadedModel& loaded) {
  if (dtype.empty() || dtype == "tf32") return;
  const NumberType type = *number_type_from_name(dtype);
  graph.count_floating_as(dtype_of(type));
  loaded.notes.push_back(taken_as_note(type));
}

int run_roofline(const CommandLine& given) {
  Arguments arguments("roofline", "Show the least time that devices need for a model, and why.");
  ModelWords model;
  RooflineWords words;
  const bool only_list = given.has("--list");
  if (!only_list) model.add_to(arguments);
  words.add_to(arguments);
  if (!arguments.parse(join_shape_words(given))) return exit_done;
  words.out.settle();
  if (words.list) return list_devices(words);
  if (words.plot && !words.out.is("text"))
    throw Error(ErrorCode::usage, "--plot", {"--format text", words.out.format()});

  const std::vector<Device> devices = known_devices(words);
  std::vector<const Device*> chosen = chosen_devices(words, devices);
  Graph graph;
  LoadedModel loaded = load_model(model, graph);
  place_views(words.views, graph, loaded);
  compute_in(words.dtype, graph, loaded);
  const Workload workload = workload_of(graph, {words.fuse, words.dtype == "tf32"});
  RooflineReport report{graph,          workload,     loaded.name, loaded.source,
                        loaded.variant, loaded.notes, words.fuse,  {}};
  const RooflineText shown{!chosen.empty(), words.plot};
  if (chosen.empty()) {
    for (const Device& device : devices) {
      const auto lacking = lacking_type(graph, workload, device);
      if (!lacking) {
        chosen.push_back(&device);
      } else {
        report.left_out.push_back(device.name + " is left out: " + *lacking);
      }
    }
  }
  for (const Device* device : chosen)
    report.rooflines.push_back(roofline_of(graph, workload, *device, {words.cache}));
  words.fit_terminal();
  std::string text;
  if (words.out.is("json")) {
    text = roofline_json(report, words.options);
  } else if (words.out.is("csv")) {
    text = roofline_csv(report);
  } else if (auto table = roofline_table(report).written_as(words.out.format())) {
    text = std::move(*table);
  } else {
    text = roofline_text(report, shown, words.options);
  }
  words.out.write(text);
  return exit_done;
}

}  // namespace

extern constinit const Command roofline_command = {
    "roofline", "show the least time that devices need for a model", run_roofline, 5};

}  // namespace zoometer
