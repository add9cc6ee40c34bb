#include "report/roofline.hpp"

#include "binding.hpp"
#include "util/text.hpp"

namespace zoometer::python {
namespace {

using RooflineResult = ResultOf<NetworkRoofline, RooflineSettings>;

/// The report of `zoometer roofline --on DEVICE`.
std::string roofline_report(const RooflineResult& self) {
  const RooflineSettings& settings = self.settings;
  const bool is_tf32 = settings.type == NumberType::tf32;
  const bool is_stored = settings.type && !is_tf32;
  const Network stored =
      is_stored ? stored_as(self.network, dtype_of(*settings.type)) : self.network;
  std::vector<std::string> notes = self.network.notes();
  if (is_stored) notes.push_back(taken_as_note(*settings.type));
  const Workload workload = workload_of(stored.graph(), {settings.fuse, is_tf32});
  const RooflineReport report{
      stored.graph(),   workload,
      stored.name(),    stored.source(),
      stored.variant(), std::move(notes),
      settings.fuse,    {roofline_of(stored.graph(), workload, self.device, {settings.cache})}};
  return roofline_text(report, {.details = true}, {});
}

void bind_device(nb::module_& core) {
  nb::class_<Device>(core, "Device", "A device, with peaks in operations per second.")
      .def_ro("name", &Device::name, "'H100'")
      .def_ro("title", &Device::title, "'NVIDIA H100 SXM5 80 GB'")
      .def_ro("kind", &Device::kind, "'GPU'")
      .def_ro("aliases", &Device::aliases, "Other names by which it is found")
      .def_ro("bandwidth", &Device::bandwidth, "Of the memory, in bytes per second")
      .def_ro("capacity", &Device::capacity, "Of the memory, in bytes; 0: unknown")
      .def_ro("on_chip", &Device::on_chip, "Bytes of memory that programs manage")
      .def_ro("tdp", &Device::tdp, "In watts; 0: unknown")
      .def_ro("sources", &Device::sources, "Sections and where they come from")
      .def_prop_ro(
          "peaks",
          [](const Device& self) {
            nb::dict peaks;
            for (std::size_t i = 0; i < number_type_count; ++i) {
              const std::string name(name_of(static_cast<NumberType>(i)));
              if (self.peaks[i] > 0) peaks[name.c_str()] = self.peaks[i];
            }
            return peaks;
          },
          "Operations per second by number type, dense")
      .def("__repr__", [](const Device& self) { return "<Device " + self.name + ">"; });
}

/// Adds the sums of AttainableSum; `get` gives it.
template <class T, class Class, class Get>
void add_sum(Class& bound, Get get) {
  bound
      .def_prop_ro(
          "count", [=](const T& self) { return get(self).count; }, "Operators or groups")
      .def_prop_ro("macs", [=](const T& self) { return get(self).macs; })
      .def_prop_ro("flops", [=](const T& self) { return get(self).flops; })
      .def_prop_ro(
          "bytes", [=](const T& self) { return get(self).bytes; }, "Read and written")
      .def_prop_ro(
          "moved", [=](const T& self) { return get(self).moved; },
          "Bytes that cross the memory's bus")
      .def_prop_ro(
          "seconds", [=](const T& self) { return get(self).seconds; },
          "The least that it takes, one operator after the other")
      .def_prop_ro(
          "compute_utilisation", [=](const T& self) { return get(self).compute_utilisation(); },
          "0 to 1")
      .def_prop_ro(
          "memory_utilisation", [=](const T& self) { return get(self).memory_utilisation(); },
          "0 to 1")
      .def_prop_ro(
          "memory_bound_share", [=](const T& self) { return get(self).memory_bound_share(); },
          "The part of the time that operators bound by memory take, 0 to 1");
}

void bind_results(nb::module_& core) {
  nb::class_<AttainableSum> sum(core, "AttainableSum", "The least times of several operators.");
  add_sum<AttainableSum>(
      sum, [](const AttainableSum& self) -> const auto& { return self; });
  nb::class_<AttainableKind> kind(core, "AttainableKind", "The sum of operators of one kind.");
  kind.def_ro("name", &AttainableKind::name, "'conv2d', or 'conv2d + relu' where fused");
  add_sum<AttainableKind>(
      kind, [](const AttainableKind& self) -> const auto& { return self.sum; });
  nb::class_<ModuleRoofline> module(core, "ModuleRoofline", "A module with its least time.");
  add_module<ModuleRoofline>(module);
  add_sum<ModuleRoofline>(module,
                          [](const ModuleRoofline& self) -> const AttainableSum& { return self; });
  nb::class_<RooflineGroup>(core, "RooflineGroup", "An operator, or a group of fused ones.")
      .def_ro("name", &RooflineGroup::name, "'conv2d + batch_norm + relu'")
      .def_ro("module", &RooflineGroup::module, "Path of the module of its first operator")
      .def_ro("operators", &RooflineGroup::operators, "Indices of operators")
      .def_prop_ro(
          "type",
          [](const RooflineGroup& self) -> std::optional<std::string> {
            if (!self.type) return std::nullopt;
            return std::string(name_of(*self.type));
          },
          "Of its products, else of its first input")
      .def_ro("macs", &RooflineGroup::macs)
      .def_ro("flops", &RooflineGroup::flops)
      .def_prop_ro("bytes", [](const RooflineGroup& self) { return self.bytes.total(); })
      .def_ro("moved", &RooflineGroup::moved, "Bytes that cross the memory's bus")
      .def_prop_ro("seconds", [](const RooflineGroup& self) { return self.time.seconds(); })
      .def_prop_ro("compute_seconds", [](const RooflineGroup& self) { return self.time.compute; })
      .def_prop_ro("memory_seconds", [](const RooflineGroup& self) { return self.time.memory; })
      .def_prop_ro("is_memory_bound",
                   [](const RooflineGroup& self) { return self.time.is_memory_bound(); })
      .def_ro("bounded", &RooflineGroup::bounded, "Depends on an upper bound");
  nb::class_<RooflineResult> roofline(core, "Roofline", "The least time that a device needs.");
  roofline.def_ro("device", &NetworkRoofline::device, "Which device")
      .def_prop_ro(
          "type", [](const RooflineResult& self) { return name_of(self.type); },
          "The type of most MACs")
      .def_prop_ro(
          "used", [](const RooflineResult& self) { return name_of(self.used); },
          "The type in which the device computes it")
      .def_ro("peak", &NetworkRoofline::peak, "In that type, operations per second")
      .def_prop_ro(
          "seconds", [](const RooflineResult& self) { return self.total.seconds; },
          "The lower bound, one operator after the other")
      .def_ro("overlapped_seconds", &NetworkRoofline::overlapped_seconds,
              "The same if arithmetic and traffic overlap fully")
      .def_ro("total", &NetworkRoofline::total, "The sum of all operators")
      .def_ro("groups", &NetworkRoofline::groups, "In the order in which they run")
      .def_ro("operators", &NetworkRoofline::operators, "By kind, most seconds first")
      .def_ro("modules", &NetworkRoofline::modules, "As the profile's modules");
  add_report(roofline, roofline_report, [](const RooflineResult& self) {
    return "Roofline of " + self.network.name() + " on " + self.device.name + ": " +
           std::to_string(self.total.seconds * 1e6) + " us";
  });
}

RooflineResult roofline_on(const Network& network, const std::string& device,
                           const std::string& dtype, bool fuse, bool cache,
                           const std::string& file) {
  RooflineSettings settings{.fuse = fuse, .cache = cache};
  if (!dtype.empty()) {
    settings.type = number_type_from_name(dtype);
    if (!settings.type) throw Error(ErrorCode::usage, "no such number type: " + dtype);
  }
  if (!file.empty()) return {roofline(network, read_device(file), settings), network, settings};
  const std::vector<Device> devices = all_devices();
  return {roofline(network, find_device(devices, device), settings), network, settings};
}

}  // namespace

void bind_roofline(nb::module_& core) {
  bind_device(core);
  bind_results(core);
  core.def("devices", &all_devices, "The built-in devices and the user's own, by name.");
  core.def("roofline", &roofline_on, "network"_a, "device"_a = "", "dtype"_a = "", "fuse"_a = false,
           "cache"_a = false, "file"_a = "", nb::call_guard<nb::gil_scoped_release>(),
           "The least time on a device by its name, or by the path of its file.");
}

}  // namespace zoometer::python
