#include "registry/live.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <thread>

#include "registry/bridge_process.hpp"
#include "registry/cache_value.hpp"
#include "registry/live_changes.hpp"
#include "registry/rests.hpp"
#include "util/json_writer.hpp"
#include "util/ordered_work.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::string_view torchvision = "torchvision";

std::string inputs_key(const std::vector<UserInput>& inputs) {
  std::string text;
  for (const UserInput& input : inputs) {
    text.append(input.name).append("=").append(to_short_string(input.shape));
    text.append(":").append(input.dtype ? name_of(*input.dtype) : "").append(" ");
  }
  return text;
}

/// The key of an answer in the cache.
std::string key_of(const LiveListing& listing, const LiveRequest& request) {
  return pack({listing.source, listing.folder, request.name, std::string(name_of(request.variant)),
               inputs_key(request.inputs)});
}

/// `with_names`: the names are those of the arguments of `forward`, not those of a built-in model.
void write_inputs(JsonWriter& json, const LiveRequest& request, bool with_names) {
  json.array(request.name, [&] {
    for (const UserInput& input : request.inputs) {
      json.object([&] {
        if (with_names && !input.name.empty()) json.field("name", input.name);
        json.field("shape", std::span<const std::int64_t>(input.shape));
        if (input.dtype) json.field("dtype", name_of(*input.dtype));
      });
    }
  });
}

}  // namespace

/// Traces what the cache does not have, in as many runs of the bridge as it takes. Several workers
/// have a process each: the first takes the models from the front of the list, which its process
/// may have made, and the others from the back, until they meet.
class LiveSource::Run {
 public:
  struct Setup {
    /// What to trace, once the models of the source are known.
    std::function<std::vector<LiveRequest>(const LiveListing& listing)> plan;
    /// Called with each answer, by one worker at a time.
    std::function<void(Finding& finding, const FxRecord& record)> done;
    std::vector<std::string> first;     ///< models to ask for until then; empty: all that fit
    std::vector<std::string> patterns;  ///< which those fit; empty: all
    Variant variant = Variant::untrained;
    std::vector<LiveRequest> inputs;  ///< input sizes by model
    Needs needs = Needs::verdict;
  };

  Run(LiveSource& source, Setup setup, Graph& graph, ImportNotes& notes)
      : source_(source),
        setup_(std::move(setup)),
        graph_(graph),
        notes_(notes) {}

  /// Does something while no other worker does.
  template <class Do>
  auto locked(const Do& action) {
    const std::lock_guard lock(turn_);
    return action();
  }

  void go() {
    source_.choose_interpreter();
    source_.listing_ = recall_listing(source_.blank_listing(), source_.cache_);
    if (source_.listing_) locked([&] { make_plan(); });
    work(0);
    for (std::thread& helper : helpers_) helper.join();
    if (interrupt_ != 0) {
      source_.notify_(
          "interrupted: the results so far are kept, and the next run continues from them");
      std::raise(interrupt_);
    }
    if (problem_) std::rethrow_exception(problem_);
  }

 private:
  /// A request without an answer yet.
  struct Open {
    LiveRequest request;
    std::string key;                         ///< in the cache
    std::optional<std::size_t> worker = {};  ///< whose process has begun it
  };

  /// What one worker knows about the run of its process.
  struct Turn {
    std::size_t worker = 0;
    RestsChain rests;
    bool is_before_models = true;
  };

  // -- planning: by the first worker, or under the lock

  void make_plan() {
    answers_.emplace(source_.cache_, source_.scope(), source_.options_.time_limit, graph_, notes_);
    const LiveListing& listing = *source_.listing_;
    for (LiveRequest& request : setup_.plan(listing)) {
      std::string key = key_of(listing, request);
      Finding finding = finding_for(request.name);
      if (const auto record = answers_->recall(key, setup_.needs, finding)) {
        setup_.done(finding, *record);
      } else {
        open_.push_back({std::move(request), std::move(key)});
      }
    }
    start_helpers();
  }

  /// As many as there are cores, and models to be worth an import of PyTorch each.
  void start_helpers() {
    constexpr std::size_t worth = 16;
    const auto jobs = static_cast<std::size_t>(
        source_.options_.jobs.value_or(static_cast<std::int64_t>(core_count())));
    const std::size_t workers = std::min(jobs, open_.size() / worth);
    for (std::size_t worker = 1; worker < workers; ++worker)
      helpers_.emplace_back([this, worker] { work(worker); });
  }

  std::string inputs_json() const {
    const std::string& source = source_.options_.source;
    const bool has_own_names = !source.empty() && source != "torchvision";
    JsonWriter json;
    json.object([&] {
      for (const LiveRequest& request : setup_.inputs) {
        if (!request.inputs.empty()) write_inputs(json, request, has_own_names);
      }
    });
    return json.text();
  }

  // -- a worker

  /// Runs processes until every model has an answer or is another worker's.
  void work(std::size_t worker) {
    try {
      while (!is_over(worker)) once(worker);
    } catch (...) {
      const std::lock_guard lock(turn_);
      if (!problem_) problem_ = std::current_exception();
    }
  }

  bool is_over(std::size_t worker) {
    const std::lock_guard lock(turn_);
    if (problem_ || interrupt_ != 0) return true;
    return answers_ && models_for(worker).empty();
  }

  /// The models that no other worker has begun, in this worker's order.
  std::vector<std::string> models_for(std::size_t worker) const {
    std::vector<std::string> models;
    for (const Open& open : open_) {
      if (!open.worker || *open.worker == worker) models.push_back(open.request.name);
    }
    if (worker == 0) return models;
    std::vector<std::string> mine;
    std::reverse(models.begin(), models.end());
    const std::size_t helpers = helpers_.size();
    for (std::size_t i = worker - 1; i < models.size(); i += helpers)
      mine.push_back(std::move(models[i]));
    return mine.empty() ? models : mine;
  }

  BridgeRequest request_for(std::size_t worker) {
    const std::lock_guard lock(turn_);
    BridgeRequest request{
        source_.interpreter_.path,   source_.name(),         {}, {}, setup_.variant, inputs_json(),
        source_.options_.time_limit, source_.options_.tracer};
    if (answers_) {
      request.models = models_for(worker);
    } else {
      request.models = setup_.first;
      request.patterns = setup_.patterns;
    }
    return request;
  }

  /// Runs the bridge once, and decides what to do after it.
  void once(std::size_t worker) {
    Turn turn{worker, RestsChain(source_.cache_)};
    const BridgeRequest request = request_for(worker);
    const std::size_t open_before = open_count();
    const bool was_planned = is_planned();
    const BridgeRun run = run_bridge(
        request,
        {[&](const Json& json) { return locked([&] { return take_begin(turn, json); }); },
         [&](const BridgeAnswer& answer) { locked([&] { take_answer(turn, answer); }); },
         [&](const std::string& model) { return locked([&] { return begin(turn, model); }); },
         [&](const Rests& rests) { locked([&] { take_reads(turn, rests); }); }});
    const std::lock_guard lock(turn_);
    if (run.ending.kind == Ending::Kind::interrupted) {
      interrupt_ = run.ending.status;
      return;
    }
    if (run.is_complete && !answers_)
      throw Error(ErrorCode::internal, "the bridge reported no models");
    // Asking again for what was not answered would never end.
    if (run.is_complete) drop_unanswered(worker, request.models);
    if (run.is_complete || run.was_stopped) return;
    if (!run.failure.empty()) return pass_over(run, run.failure);
    if (!run.has_begun) return pass_over(run, failure_text(run));
    if (!run.current.empty()) return blame(turn, run);
    const bool moved = open_.size() < open_before || was_planned != answers_.has_value();
    if (!moved) throw_died(run);
  }

  /// Gives up the models that a whole run was asked for (empty: all) and did not answer.
  void drop_unanswered(std::size_t worker, const std::vector<std::string>& asked) {
    std::erase_if(open_, [&](const Open& open) {
      const bool is_asked =
          asked.empty() || std::ranges::find(asked, open.request.name) != asked.end();
      return is_asked && (!open.worker || *open.worker == worker);
    });
  }

  std::size_t open_count() {
    return locked([&] { return open_.size(); });
  }
  bool is_planned() {
    return locked([&] { return answers_.has_value(); });
  }

  /// Continues with the next interpreter, whose models may be different.
  void pass_over(const BridgeRun& run, const std::string& problem) {
    if (!helpers_.empty()) throw_died(run);
    source_.pass_over(problem);
    answers_.reset();
    open_.clear();
  }

  static std::string failure_text(const BridgeRun& run) {
    const std::string printed = summary_of_print(run.printed);
    return "cannot run the bridge: " + run.ending.text() + (printed.empty() ? "" : "; " + printed);
  }

  [[noreturn]] void throw_died(const BridgeRun& run) const {
    throw Error(ErrorCode::unsupported, source_.interpreter_.path + " " + failure_text(run));
  }

  // -- events, under the lock

  /// Takes the list of models, if it was unknown. False where other models must be asked for.
  bool take_begin(Turn& turn, const Json& json) {
    const Json* models = find_member(json, "models");
    if (models == nullptr) return true;
    const Rests rests = read_rests(get_member(json, "rests"));
    turn.rests.add(rests, true);
    if (answers_) return true;
    LiveListing listing = source_.blank_listing();
    listing.asked = std::time(nullptr);
    listing.python = find_text(json, "python");
    listing.torch = find_text(json, "torch");
    listing.version = find_text(json, "source_version");
    std::size_t asked = 0;
    for (const Json& model : get_array(json, "models").GetArray()) {
      listing.models.push_back(
          {std::string(get_text(model, "name")), std::string(find_text(model, "family")),
           std::string(find_text(model, "task")), std::string(find_text(model, "builder"))});
      if (fits(listing.models.back().name)) ++asked;
    }
    listing.rests = rests;
    source_.listing_ = std::move(listing);
    keep_listing(*source_.listing_, source_.cache_);
    if (!setup_.first.empty()) asked = setup_.first.size();
    make_plan();
    return open_.size() == asked;
  }

  bool fits(const std::string& model) const {
    return setup_.patterns.empty() ||
           std::any_of(setup_.patterns.begin(), setup_.patterns.end(),
                       [&](const auto& pattern) { return matches_wildcard(pattern, model); });
  }

  void take_reads(Turn& turn, const Rests& rests) { turn.rests.add(rests, turn.is_before_models); }

  /// Whether the worker is to trace a model: not if another one has begun it.
  bool begin(Turn& turn, const std::string& model) {
    turn.is_before_models = false;
    if (interrupt_ != 0 || problem_) return false;
    const auto found = find_open(model);
    if (found == open_.end()) return helpers_.empty();
    if (found->worker && *found->worker != turn.worker) return false;
    found->worker = turn.worker;
    return true;
  }

  std::vector<Open>::iterator find_open(const std::string& model) {
    return std::find_if(open_.begin(), open_.end(),
                        [&](const Open& each) { return each.request.name == model; });
  }

  /// Removes and returns the open request for a model; nothing if there is none.
  std::optional<Open> close(const std::string& model) {
    const auto found = find_open(model);
    if (found == open_.end()) return std::nullopt;
    Open open = std::move(*found);
    open_.erase(found);
    return open;
  }

  /// The model of the listing; one that only the request names is in no family.
  Finding finding_for(const std::string& model) const {
    const LiveModel* known = source_.listing_->find(model);
    return source_.blank_finding(known != nullptr ? *known : LiveModel{model, {}, {}, {}});
  }

  void take_answer(Turn& turn, const BridgeAnswer& answer) {
    const std::optional<Open> open = close(answer.model);
    const LiveAnswers::Link link = turn.rests.finish_model();
    if (!open) return;
    Finding finding = finding_for(answer.model);
    const FxRecord record = answers_->add(open->key, link, answer, finding);
    setup_.done(finding, record);
  }

  /// Blames the model that was being traced when the interpreter died or took too long.
  void blame(Turn& turn, const BridgeRun& run) {
    const std::optional<Open> open = close(run.current);
    if (!open) throw_died(run);
    Finding finding = finding_for(run.current);
    finding.status = Status::failed;
    if (run.ending.kind == Ending::Kind::silent) {
      finding.reason = "time_limit";
      finding.seconds = source_.options_.time_limit;
      finding.message = fmt::format("no answer within {:g} s", source_.options_.time_limit);
    } else {
      finding.reason = "crash";
      finding.message = "the interpreter died: " + run.ending.text();
    }
    const std::string printed = summary_of_print(run.printed);
    if (!printed.empty()) finding.message += "; " + printed;
    answers_->keep(open->key, turn.rests.finish_model(), finding);
    setup_.done(finding, {});
  }

  LiveSource& source_;
  Setup setup_;
  Graph& graph_;
  ImportNotes& notes_;
  std::mutex turn_;                     // of the workers, for all below and the source
  std::optional<LiveAnswers> answers_;  // once the models of the source are known
  std::vector<Open> open_;
  std::vector<std::thread> helpers_;
  std::exception_ptr problem_;
  int interrupt_ = 0;  // the signal that ends the run
};

// -- the interpreter and its models ------------------------------------------------------------

LiveSource::LiveSource(LiveOptions options, const Registry& registry, Cache& cache, Notify notify)
    : options_(std::move(options)),
      registry_(registry),
      cache_(cache),
      notify_(std::move(notify)) {
  std::string given = options_.python;
  const char* variable = std::getenv("ZOOMETER_PYTHON");
  if (given.empty() && variable != nullptr) given = variable;
  if (given.empty()) given = registry.python();
  candidates_ = interpreter_candidates(given);
}

bool LiveSource::is_torchvision() const { return name() == torchvision; }

bool LiveSource::asks_fx() const { return options_.tracer == "fx"; }

std::string LiveSource::name() const {
  return options_.source.empty() ? std::string(torchvision) : options_.source;
}

/// What to do where no interpreter will do.
std::string LiveSource::advice_for_interpreters() const {
  const bool has_torch = std::ranges::any_of(
      passed_over_, [](const std::string& each) { return each.find(" no_module: ") != each.npos; });
  const bool is_library = name().find(':') == std::string::npos;
  if (has_torch && !is_library)
    return "the message is Python's; choose another interpreter with --python PATH";
  std::string wanted = "torch";
  if (is_library) wanted += " and " + name();
  return fmt::format("install {}, or choose an interpreter that has {} with --python PATH", wanted,
                     is_library ? "them" : "it");
}

void LiveSource::choose_interpreter() {
  if (!interpreter_.path.empty()) return;
  for (; candidate_ < candidates_.size(); ++candidate_) {
    Interpreter found = examine_interpreter(candidates_[candidate_], is_torchvision(), cache_);
    if (found.problem.empty()) {
      interpreter_ = std::move(found);
      return;
    }
    passed_over_.push_back(found.path + " " + found.problem);
  }
  Error error(ErrorCode::unsupported,
              candidates_.empty()
                  ? "no Python on the PATH"
                  : "no usable Python: " + fmt::format("{}", fmt::join(passed_over_, "; ")));
  error.place.model = name();
  error.hint = advice_for_interpreters();
  throw error;
}

void LiveSource::pass_over(const std::string& problem) {
  passed_over_.push_back(interpreter_.path + " " + problem);
  interpreter_ = {};
  listing_.reset();
  ++candidate_;
  choose_interpreter();
}

std::string LiveSource::scope() const {
  return fmt::format("torch {}\npython {}\nbridge {}{}", listing_->torch, listing_->python,
                     bridge_version(), asks_fx() ? "\ntracer fx" : "");
}

std::string LiveSource::taken_text() const {
  std::string text =
      fmt::format("{}: Python {}, torch {}", listing_->path, listing_->python, listing_->torch);
  const std::string& source = listing_->source;
  if (!listing_->version.empty() && source.find(':') == std::string::npos)
    text += ", " + source + " " + listing_->version;
  if (!passed_over_.empty()) text += fmt::format(" ({})", fmt::join(passed_over_, "; "));
  return text;
}

LiveListing LiveSource::blank_listing() const {
  LiveListing listing;
  listing.source = name();
  std::error_code none;
  // Where a module of the user's own is looked for.
  if (listing.source.starts_with("python:"))
    listing.folder = std::filesystem::current_path(none).string();
  listing.path = interpreter_.path;
  listing.identity = interpreter_.identity;
  return listing;
}

// -- discovery ----------------------------------------------------------------------------------

LiveRequest LiveSource::standard_request(const std::string& model) const {
  LiveRequest request;
  request.name = model;
  const RegistryModel* known = is_torchvision() ? registry_.find(model) : nullptr;
  if (known == nullptr || known->builtin == nullptr) return request;
  for (const InputSpec& input : default_inputs(*known->builtin, request.variant).list())
    request.inputs.push_back({std::string(input.name), input.shape, input.dtype});
  return request;
}

Finding LiveSource::blank_finding(const LiveModel& model) const {
  Finding finding;
  finding.name = model.name;
  finding.family = model.family;
  finding.task = model.task;
  finding.builder = model.builder;
  const RegistryModel* known = is_torchvision() ? registry_.find(model.name) : nullptr;
  if (known != nullptr && known->builtin != nullptr) {
    finding.family = known->family;
    finding.task = name_of(known->task);
  }
  return finding;
}

void LiveSource::ask(const DiscoveryOptions& options, Needs needs, const Visit& visit) {
  std::size_t wanted = 0;
  Graph graph;
  ImportNotes notes;
  Run::Setup setup;
  setup.needs = needs;
  const auto is_pattern = [](const std::string& word) {
    return word.find_first_of("*?") != std::string::npos;
  };
  const bool are_names = std::none_of(options.patterns.begin(), options.patterns.end(), is_pattern);
  (are_names ? setup.first : setup.patterns) = options.patterns;
  for (const RegistryModel& model : registry_.models()) {
    if (model.builtin != nullptr) setup.inputs.push_back(standard_request(std::string(model.name)));
  }
  setup.plan = [&](const LiveListing& listing) {
    std::vector<LiveRequest> requests;
    std::vector<Finding> skipped;
    for (const LiveModel& model : listing.models) {
      if (!options.wants(model.name)) continue;
      ++wanted;
      const std::string* pattern = skip_pattern_of(model.name, options.skip_patterns);
      if (pattern == nullptr) {
        requests.push_back(standard_request(model.name));
        continue;
      }
      skipped.push_back(blank_finding(model));
      skipped.back().status = Status::skipped;
      skipped.back().reason = "skip_pattern";
      skipped.back().message = *pattern;
    }
    // A source may have more models than it lists: weights of timm, functions of a module.
    for (const std::string& name : options.patterns) {
      if (is_torchvision() || is_pattern(name) || listing.find(name) != nullptr) continue;
      ++wanted;
      requests.push_back(standard_request(name));
    }
    for (const Finding& finding : skipped) visit({finding, {}, graph, wanted});
    return requests;
  };
  setup.done = [&](Finding& finding, const FxRecord& record) {
    if (finding.reason == "unknown_model") {
      --wanted;
      return;
    }
    visit({finding, record, graph, wanted});
  };
  Run(*this, std::move(setup), graph, notes).go();
  if (wanted == 0 && !options.patterns.empty()) throw_unknown(options.patterns.front());
}

Discovery LiveSource::discover(const DiscoveryOptions& options, const Progress& progress,
                               const TakeGraph& take_graph) {
  Discovery discovery;
  discovery.source = name();
  ask(options, take_graph ? Needs::graph : Needs::verdict, [&](const Answer& answer) {
    if (take_graph && answer.finding.status == Status::traceable)
      take_graph(answer.finding, answer.graph);
    if (progress) progress(answer.finding, answer.total);
    discovery.findings.push_back(answer.finding);
  });
  std::sort(discovery.findings.begin(), discovery.findings.end(),
            [](const Finding& a, const Finding& b) { return natural_less(a.name, b.name); });
  discovery.source_version = listing_->version;
  discovery.notes.push_back(taken_text());
  // The changes are those between captured models.
  if (options.patterns.empty() && options.skip_patterns.empty() && !asks_fx()) {
    for (std::string& change : live_changes(*listing_, discovery.findings, cache_))
      discovery.notes.push_back(std::move(change));
  }
  return discovery;
}

void LiveSource::visit(const DiscoveryOptions& options, const Visit& visit) {
  ask(options, Needs::record, visit);
}

std::vector<LiveModel> LiveSource::models() const {
  return listing_ ? listing_->models : std::vector<LiveModel>();
}

void LiveSource::throw_unknown(const std::string& model) const {
  std::vector<std::string_view> names;
  for (const LiveModel& each : listing_->models) names.push_back(each.name);
  const std::string version = listing_->version.empty() ? "" : " " + listing_->version;
  Error error(ErrorCode::unknown_name,
              fmt::format("{}{} has no model {}", name(), version, escape_controls(model)));
  error.hint = did_you_mean(model, names);
  throw error;
}

std::optional<Finding> LiveSource::remembered(const LiveRequest& request) {
  choose_interpreter();
  listing_ = recall_listing(blank_listing(), cache_);
  if (!listing_) return std::nullopt;
  Graph graph;
  ImportNotes notes;
  LiveAnswers answers(cache_, scope(), options_.time_limit, graph, notes);
  Finding finding;
  if (!answers.recall(key_of(*listing_, request), Needs::verdict, finding)) return std::nullopt;
  return finding;
}

FxRecord LiveSource::load(const LiveRequest& request, Graph& graph, ImportNotes& notes) {
  FxRecord record;
  Finding result;
  bool is_answered = false;
  Run::Setup setup;
  setup.first = {request.name};
  setup.variant = request.variant;
  setup.inputs = {request};
  setup.needs = Needs::graph;
  setup.plan = [&](const LiveListing& listing) {
    const bool is_whole = listing.source == torchvision;
    return is_whole && listing.find(request.name) == nullptr ? std::vector<LiveRequest>()
                                                             : std::vector{request};
  };
  setup.done = [&](Finding& finding, const FxRecord& answer) {
    result = finding;
    record = answer;
    is_answered = true;
  };
  Run(*this, std::move(setup), graph, notes).go();
  if (!is_answered) throw_unknown(request.name);
  if (result.reason == "unknown_model") throw_unknown(request.name);
  if (result.status != Status::traceable) {
    Error error(ErrorCode::unsupported, result.reason + ": " + result.message);
    error.place = {name() + ":" + request.name, result.module_path, result.op, std::nullopt};
    error.hint = advice_for(result.reason);
    throw error;
  }
  notes.producer = "torch " + listing_->torch + " in " + listing_->path;
  return record;
}

}  // namespace zoometer
