#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "import/onnx/model.hpp"
#include "util/seeded_hash.hpp"
#include "zoometer/ir/graph.hpp"
#include "zoometer/util/hash_index.hpp"

namespace zoometer {

/// Ids by a pair of an owner and a name within it. The names must outlive the table.
class NameTable {
 public:
  /// The id, or no_id.
  std::uint32_t find(std::uint32_t owner, std::string_view name) const noexcept;
  /// The id; where there is none, inserts `id` and returns no_id.
  std::uint32_t find_or_insert(std::uint32_t owner, std::string_view name, std::uint32_t id);
  /// Makes room for this many names.
  void reserve(std::size_t count) {
    entries_.reserve(count);
    owners_.reserve(count);
  }

 private:
  struct Entry {
    std::string_view name;
    std::uint32_t owner = 0;
    std::uint32_t id = 0;
    std::uint32_t previous = HashIndex::none;  // the position of the owner's entry before this one
  };
  struct Owner {
    std::uint32_t last =
        HashIndex::none;  // the position of the last entry that is not in the index
    std::uint32_t count = 0;
  };
  /// The first entries of an owner are searched one after another, and only the others have an
  /// index: each access to a large index waits for memory.
  static constexpr std::uint32_t few = 8;

  std::uint32_t position_of(std::uint32_t owner, std::string_view name) const noexcept;

  std::vector<Entry> entries_;
  std::vector<Owner> owners_;
  HashIndex index_;
};

/// Whether the exporter folded a batch norm into this node.
bool has_folded_norm(const OnnxNode& node);

/// Makes the module tree of a file: from the metadata or the names of its nodes
/// ("/layer1/layer1.0/conv1/Conv"), and from its function calls. A file whose names have no scopes
/// gives a flat graph.
class OnnxModules {
 public:
  /// `path_bytes`: how long the paths may be, all together, that are written to find modules.
  OnnxModules(Graph& graph, std::int64_t path_bytes)
      : graph_(graph),
        path_bytes_left_(path_bytes) {}

  /// Makes room for about so many modules with a call each.
  void reserve(std::size_t modules);
  /// Adds the root; `is_class` says whether its kind is a class, and not the graph's name.
  void add_root(std::string_view kind, bool is_class);
  /// Adds a module that the file declares with its class. A scope of that name then stands for it.
  void declare(std::string_view path, std::string_view kind);
  /// Adds the name of a weight: its path is evidence of a module.
  void add_weight_name(std::string_view name) { weight_names_.push_back(name); }

  /// Opens the module where a node belongs: nodes are appended there until the next call. `weights`
  /// are its inputs that are weights, `no_id` for those that no node has used before.
  void enter(const OnnxNode& node, std::span<const ValueId> weights);
  /// Where a weight belongs that a node of `consumer` uses, and its name there.
  std::pair<ModuleId, std::string_view> home(std::string_view weight, ModuleId consumer);

  /// Function calls are modules of their own, with the scopes of their nodes below them.
  void begin_function(const OnnxNode& call, const OnnxFunction& function);
  void end_function();

  /// Closes what is open and adds the modules' calls to the graph.
  void finish();
  /// How many function calls are open, and how many calls of modules there are.
  struct Mark {
    std::size_t bases = 1;
    std::size_t calls = 0;
  };
  Mark mark() const noexcept { return {bases_.size(), calls_.size()}; }
  /// Forgets the calls of the nodes from this one on, which the graph has taken back, and the
  /// function calls that an error has left.
  void rewind(NodeId first_node, const Mark& mark);

  /// Where a loop's body begins: what its iterations call are calls of their own.
  struct Loop {
    std::uint32_t place = 0;
    std::size_t calls = 0;  ///< where those of the last iteration begin
  };
  Loop begin_loop() const noexcept { return {open_, calls_.size()}; }
  /// Closes what the iteration before opened. Returns where the calls of the next one begin.
  std::size_t begin_iteration(Loop& loop);
  /// The calls from `first` on ran so often.
  void end_iterations(const Loop& loop, std::size_t first, std::int64_t times);

 private:
  using PlaceId = std::uint32_t;
  /// A scope of the file's names, which stands for one call of a module. Place 0 is the root.
  struct Place {
    PlaceId outer = no_id;
    ModuleId module = 0;
    std::uint32_t call = no_id;  // index in calls_ of the last call, once nodes were read there
    std::uint32_t depth = 0;
  };
  struct Call {
    PlaceId place = 0;
    NodeId first_node = 0;
    NodeId end_node = 0;
    std::int64_t times = 1;
  };
  /// From this node on, nodes belong to a place.
  struct Stretch {
    NodeId first_node = 0;
    PlaceId place = 0;
  };

  /// A part of a node's scopes, and where it led.
  struct Level {
    std::string_view scopes;
    PlaceId place = 0;
  };

  /// How many levels of the trail are around these scopes.
  std::size_t common_levels(std::string_view scopes) const noexcept;
  PlaceId follow(std::string_view scopes, std::span<const ValueId> weights);
  PlaceId place_of(const OnnxNode& node, std::span<const ValueId> weights);
  PlaceId below(PlaceId outer, std::string_view name, std::span<const ValueId> weights);
  /// The module of which "relu_1" is the second call, or no_id.
  ModuleId repeated(PlaceId outer, std::string_view name, std::span<const ValueId> weights);
  bool owns(ModuleId module, ValueId weight) const;
  /// Throws Error{limit} where all paths that were asked for are too long.
  std::string path_of(ModuleId module);
  bool is_weight_path(const std::string& path);
  PlaceId next_place() const noexcept { return static_cast<PlaceId>(places_.size()); }
  PlaceId add_place(PlaceId outer, ModuleId module);
  /// Gives a module its class, which the file may state later than its name.
  void classify(ModuleId module, std::string_view kind);
  ModuleId child(ModuleId parent, std::string_view name, std::string_view kind);
  ModuleId descend(ModuleId parent, std::string_view dotted, std::string_view kind);
  ModuleId find_path(std::string_view dotted) const;
  bool has_path(ModuleId module, std::string_view dotted) const;
  void open(PlaceId place);
  /// By value: the last node that reads it; no_id for outputs of the graph.
  std::vector<NodeId> last_uses() const;
  /// Hands over the values that a call's nodes make and that nodes after the call read:
  /// `take(call, value)`, those of one call in order.
  template <class Take>
  void for_each_output(std::span<const NodeId> last_use, Take take) const;
  /// By call: the next call of the same place, or no_id.
  std::vector<std::uint32_t> next_calls() const;

  Graph& graph_;
  std::int64_t path_bytes_left_;
  std::vector<Place> places_{Place{}};
  NameTable place_ids_;  // by the outer place and the scope's name
  NameTable children_;   // modules by their parent and name
  std::vector<Call> calls_;
  std::vector<Stretch> stretches_;
  std::vector<PlaceId> opening_;       // scratch of `open`
  std::vector<PlaceId> bases_{0};      // of the function calls that are being read
  std::vector<Level> trail_{Level{}};  // of the last node that was named
  PlaceId open_ = 0;
  ModuleId last_home_ = no_id;  // a module that owns the weight which it used, and
  std::string_view last_path_;  // the weight's path
  bool has_declared_ = false;
  std::vector<std::string_view> weight_names_;
  NameSet weight_paths_;  // made when asked
};

}  // namespace zoometer
