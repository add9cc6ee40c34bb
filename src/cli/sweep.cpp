#include "registry/sweep.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <set>

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/format_words.hpp"
#include "cli/load.hpp"
#include "cli/model_query.hpp"
#include "cli/slurm.hpp"
#include "cli/sources.hpp"
#include "registry/registry.hpp"
#include "report/sweep_file.hpp"
#include "util/ordered_work.hpp"
#include "util/output.hpp"
#include "util/paths.hpp"
#include "util/seeded_hash.hpp"
#include "util/text.hpp"
#include "util/text_table.hpp"

namespace zoometer {
namespace {

struct SweepWords {
  std::vector<std::string> models;
  std::string registry;
  std::string where;
  std::string batches;
  std::string resolutions;
  std::string dtypes;
  std::string columns;
  std::string format;
  std::string output;
  std::string shard;
  std::string list;                   // a file of models
  std::optional<std::int64_t> slurm;  // tasks of an array job
  std::string views = "torch";
  std::vector<std::string> plugins;
  TraceOptions options;
  LiveOptions live;
  std::optional<std::int64_t> jobs;
  bool resume = false;
};

// -- words ---------------------------------------------------------------------------------------

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::string_view rest = text;
  for (;;) {
    const std::size_t comma = rest.find(',');
    parts.emplace_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    rest.remove_prefix(comma + 1);
  }
}

std::optional<std::int64_t> number_from(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

SweepAxes axes_of(const SweepWords& words) {
  SweepAxes axes;
  if (!words.batches.empty()) {
    for (const std::string& part : split(words.batches)) {
      const auto batch = number_from(part);
      if (!batch || *batch < 1)
        throw Error(ErrorCode::usage, "--batch",
                    {"sizes of at least 1: 1,2,4", escape_controls(part)});
      axes.batches.push_back(*batch);
    }
  }
  if (!words.resolutions.empty()) {
    for (const std::string& part : split(words.resolutions)) {
      const auto resolution = resolution_from(part);
      if (!resolution)
        throw Error(ErrorCode::usage, "--resolution",
                    {"sizes of at least 1: 128,224,320x480", escape_controls(part)});
      axes.resolutions.push_back(*resolution);
    }
  }
  if (!words.dtypes.empty()) {
    for (const std::string& part : split(words.dtypes)) {
      axes.dtypes.push_back(dtype_of(stored_type(part, "--dtype")));
    }
  }
  return axes;
}

SweepShard shard_of(const std::string& word) {
  if (word.empty()) return {};
  const std::size_t slash = word.find('/');
  const auto index = number_from(std::string_view(word).substr(0, slash));
  const auto count = slash == std::string::npos
                         ? std::nullopt
                         : number_from(std::string_view(word).substr(slash + 1));
  if (!index || !count || *index < 1 || *index > *count)
    throw Error(ErrorCode::usage, "--shard", {"i/n with i from 1 to n", escape_controls(word)});
  return {*index, *count};
}

std::vector<std::string> sweep_formats() {
  return {"csv", "jsonl", "sqlite", "html", "markdown", "latex", "html-table"};
}

/// No rows can be added to a page or a table.
bool is_whole(const std::string& format) {
  return format == "html" || format == "markdown" || format == "latex" || format == "html-table";
}

/// All rows as a page or a table.
std::string whole_text(const std::string& format, const SweepColumns& columns,
                       const std::vector<SweepRow>& rows) {
  if (format == "html") return sweep_html(columns, rows);
  TextTable table;
  for (const SweepColumn& column : columns.list())
    table.column(column.name, column.type != SweepColumn::Type::text);
  for (const SweepRow& row : rows) {
    std::vector<std::string> cells;
    for (const std::string& cell : row) cells.push_back(escape_controls(cell));
    table.row(std::move(cells));
  }
  return table.written_as(format).value_or("");
}

SweepFormat format_of(const std::string& format, const std::string& output) {
  const auto chosen = format.empty() ? sweep_format_of_path(output) : sweep_format_from(format);
  const SweepFormat result = chosen.value_or(SweepFormat::csv);
  if (result == SweepFormat::sqlite && (output.empty() || output == "-"))
    throw Error(ErrorCode::usage, "--format sqlite needs --output FILE");
  return result;
}

/// The models of an argument: a name in any registry, a pattern in the chosen one.
std::vector<const RegistryModel*> models_of(const std::string& word, const Registry& registry,
                                            RegistryKind kind) {
  if (const RegistryModel* model = model_of(word, registry)) return {model};
  std::vector<const RegistryModel*> models;
  bool fits_any = false;
  for (const RegistryModel& model : registry.models(kind)) {
    if (!matches_wildcard(word, model.name)) continue;
    fits_any = true;
    if (registry.holds(kind, model)) models.push_back(&model);
  }
  if (!fits_any) refuse_unknown_model(word, registry);
  if (models.empty())
    write_note("no model of the " + std::string(name_of(kind)) + " registry is " + word);
  return models;
}

SweepModel sweep_model(const RegistryModel& model) {
  const std::string name(model.name);
  if (model.builtin != nullptr) return {name, model.builtin};
  return {name, nullptr, model.user->origin, model.user->inputs};
}

/// The lines of a file ("-": standard input), each a model; those that are empty or begin with #
/// are left out.
std::vector<std::string> models_in(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path);
  if (!file || is_folder(path)) {
    Error error(ErrorCode::io, "cannot be read");
    error.place.model = path;
    throw error;
  }
  std::vector<std::string> models;
  std::istream& lines = path == "-" ? std::cin : file;
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && !line.starts_with('#')) models.push_back(std::move(line));
  }
  return models;
}

std::vector<SweepModel> chosen_models(const SweepWords& words, const Registry& registry) {
  const ModelQuery query;
  std::optional<Expression> where;
  if (!words.where.empty()) where = Expression::condition(words.where, query.names(), "--where");
  const RegistryKind kind = registry.choose(words.registry);
  std::vector<const RegistryModel*> found;
  std::vector<SweepModel> models;
  for (const std::string& word : words.models) {
    if (const auto discovery = discover_pattern(registry, word, words.live)) {
      for (const Finding& finding : discovery->findings) {
        const Origin origin = *origin_of(*discovery, finding);
        models.push_back({origin.text(), nullptr, origin});
      }
      continue;
    }
    if (model_of(word, registry) == nullptr) {
      if (std::optional<Origin> origin = origin_of(word)) {
        const bool is_language = origin->kind == OriginKind::language;
        models.push_back({is_language ? origin->target : word, nullptr, std::move(*origin)});
        continue;
      }
    }
    const auto some = models_of(word, registry, kind);
    found.insert(found.end(), some.begin(), some.end());
  }
  if (words.models.empty() && words.list.empty()) {
    for (const RegistryModel& model : registry.models(kind)) {
      if (registry.holds(kind, model)) found.push_back(&model);
    }
  }
  for (const RegistryModel* model : found) {
    QueriedModel queried(*model, words.views == "none");
    if (!where || query.holds(*where, queried)) models.push_back(sweep_model(*model));
  }
  return models;
}

// -- progress ------------------------------------------------------------------------------------

/// A bar on the last line of a terminal; nothing if there is no terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::size_t total)
      : total_(total),
        is_terminal_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressBar() {
    if (is_shown_) std::fputs("\r\x1b[K", stderr);
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(std::size_t done) {
    using namespace std::chrono;
    const auto now = steady_clock::now();
    constexpr auto pause = std::chrono::milliseconds(100);
    if (!is_terminal_ || now - last_ < pause) return;
    last_ = now;
    is_shown_ = true;
    constexpr std::size_t cells = 30;
    const double share = static_cast<double>(done) / static_cast<double>(total_);
    const double left = duration<double>(now - begin_).count() * (1 / std::max(share, 1e-9) - 1);
    const std::string bar = pad_right(share_bar(share, cells), cells);
    std::fprintf(stderr, "\r\x1b[K%s %zu of %zu, %.0f s left", bar.c_str(), done, total_, left);
    std::fflush(stderr);
  }

 private:
  std::size_t total_;
  bool is_terminal_;
  bool is_shown_ = false;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_ = begin_;
};

/// While it lives, Ctrl-C says how the sweep continues before it ends the program.
class StopNote {
 public:
  explicit StopNote(std::string_view how) {
    const std::string text = fmt::format("\nzoometer: stopped; {}\n", how);
    length_ = std::min(text.size(), sizeof text_);
    std::copy_n(text.begin(), length_, text_);
    std::signal(SIGINT, [](int signal) {
      [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text_, length_);
      std::signal(signal, SIG_DFL);
      std::raise(signal);
    });
  }
  ~StopNote() { std::signal(SIGINT, SIG_DFL); }
  StopNote(const StopNote&) = delete;
  StopNote& operator=(const StopNote&) = delete;

 private:
  // A signal's handler may use nothing else.
  static inline char text_[1024];
  static inline std::size_t length_ = 0;
};

// -- running -------------------------------------------------------------------------------------

std::string key_of(const SweepRow& row) {
  return fmt::format("{}\n{}\n{}\n{}", row[SweepColumns::model], row[SweepColumns::batch],
                     row[SweepColumns::resolution], row[SweepColumns::dtype]);
}

/// A plan with the rows that an interrupted run left in the output.
class SweepRun {
 public:
  SweepRun(const SweepPlan& plan, const SweepColumns& columns, const SweepWords& words)
      : plan_(plan),
        columns_(columns),
        words_(words),
        format_(format_of(words.format, words.output)) {
    if (words_.resume) read_kept();
    choose_jobs();
  }

  int run() {
    const StopNote note(how_to_continue());
    if (is_whole(words_.format)) {
      std::vector<SweepRow> rows;
      work([&](const SweepRow& row) { rows.push_back(row); });
      write_output(words_.output, whole_text(words_.format, columns_, rows));
    } else if (goes_on()) {
      const SweepTarget target{format_, words_.output, kept_path_, kept_ ? &*kept_ : nullptr};
      const auto writer = open_sweep(target, columns_);
      work([&](const SweepRow& row) { writer->write(row); });
      writer->finish();
    } else {
      std::vector<SweepRow> rows = std::move(kept_->rows);
      work([&](const SweepRow& row) { rows.push_back(row); });
      std::sort(rows.begin(), rows.end(), [](const SweepRow& a, const SweepRow& b) {
        return compare_combinations(a, b) < 0;
      });
      write_sweep(format_, words_.output, columns_, rows);
      if (keeps_part_) unlink(kept_path_.c_str());
    }
    note_result();
    return exit_done;
  }

 private:
  void read_kept() {
    if (words_.output.empty() || words_.output == "-")
      throw Error(ErrorCode::usage, "--resume needs --output FILE");
    if (is_whole(words_.format))
      throw Error(ErrorCode::usage, "--resume", {"a file of rows", "a page"});
    // The rows of an interrupted run are newer than the file that it would have replaced.
    kept_path_ = partial_sweep(resolve_links(words_.output));
    keeps_part_ = is_anything(kept_path_);
    if (!keeps_part_) kept_path_ = resolve_links(words_.output);
    if (!is_anything(kept_path_)) return;
    recover_sweep(kept_path_);
    kept_ = read_sweep(kept_path_);
    if (!kept_) return;
    if (kept_->format != format_ || !(kept_->columns == columns_)) {
      const auto text = [](SweepFormat format, const SweepColumns& columns) {
        return std::string(name_of(format)) + " with " + columns.names();
      };
      throw Error(ErrorCode::usage,
                  "--resume: " + escape_controls(words_.output) +
                      " has another format or other columns",
                  {text(format_, columns_), text(kept_->format, kept_->columns)});
    }
    for (const SweepRow& row : kept_->rows) kept_keys_.emplace(key_of(row), false);
  }

  /// Keeps the jobs whose rows are missing. Existing rows must be part of the plan.
  void choose_jobs() {
    std::size_t matched = 0;
    std::size_t position = 0;
    for (std::size_t job = 0; job < plan_.jobs(); ++job) {
      bool is_whole = true;
      if (!kept_keys_.empty()) {
        for (const SweepRow& row : plan_.combinations(job)) {
          const auto found = kept_keys_.find(key_of(row));
          if (found == kept_keys_.end()) {
            is_whole = false;
          } else {
            found->second = true;
            is_prefix_ = is_prefix_ && position == matched;
            ++matched;
          }
          ++position;
        }
      }
      if (kept_keys_.empty() || !is_whole) jobs_.push_back(job);
    }
    if (!kept_ || matched == kept_->rows.size()) return;
    for (const SweepRow& row : kept_->rows) {
      if (kept_keys_.at(key_of(row))) continue;
      Error error(ErrorCode::usage,
                  "--resume: " + escape_controls(words_.output) +
                      " has a row that is not part of this sweep: " + combination_text(row));
      error.hint = "write to another file and join them with zoometer sweep merge";
      throw error;
    }
  }

  std::string how_to_continue() const {
    if (is_whole(words_.format))
      return "a page has all rows or none; a sweep to FILE.csv can continue with --resume";
    const std::string& output = words_.output;
    const bool is_file = !output.empty() && output != "-" && !is_written_in_place(output);
    if (!is_file) return "with --output FILE a sweep can continue with --resume";
    return "the same command with --resume continues from the rows in " +
           escape_controls(goes_on() ? partial_sweep(output) : kept_path_);
  }

  /// Whether rows can be appended to the existing ones: a database has no order.
  bool goes_on() const { return !kept_ || is_prefix_ || format_ == SweepFormat::sqlite; }

  template <class Write>
  void work(const Write& write) {
    const std::int64_t workers = words_.jobs.value_or(static_cast<std::int64_t>(core_count()));
    ProgressBar bar(jobs_.size());
    do_in_order<std::vector<SweepRow>>(
        jobs_.size(), static_cast<std::size_t>(workers),
        [&](std::size_t index) {
          thread_local Graph graph;  // keeps its memory between the traces of a thread
          return plan_.run(jobs_[index], columns_, graph);
        },
        [&](std::size_t index, const std::vector<SweepRow>& rows) {
          for (const SweepRow& row : rows) {
            if (kept_keys_.contains(key_of(row))) continue;
            ++written_;
            if (!row[columns_.reason()].empty()) ++refused_;
            write(row);
          }
          bar.show(index + 1);
        });
  }

  void note_result() const {
    if (words_.output.empty() || words_.output == "-") return;
    std::string text = fmt::format("wrote {} rows to {}", written_, words_.output);
    if (refused_ > 0) text += fmt::format(", {} of them without figures", refused_);
    if (!kept_keys_.empty()) text += fmt::format("; {} existed", kept_keys_.size());
    write_note(text);
  }

  const SweepPlan& plan_;
  const SweepColumns& columns_;
  const SweepWords& words_;
  SweepFormat format_;
  std::optional<SweepTable> kept_;
  std::string kept_path_;
  bool keeps_part_ = false;  // kept_path_ is that of an unfinished sweep
  TextMap<bool> kept_keys_;  // whether the plan has it
  bool is_prefix_ = true;
  std::vector<std::size_t> jobs_;
  std::size_t written_ = 0;
  std::size_t refused_ = 0;
};

// -- merging -------------------------------------------------------------------------------------

SweepTable read_part(const std::string& file) {
  std::optional<SweepTable> table = read_sweep(file);
  if (table) return std::move(*table);
  Error error(ErrorCode::malformed, "not a sweep: it has no rows");
  error.place.model = file;
  throw error;
}

/// Drops duplicate rows; different rows for the same combination are an error.
void drop_twice(std::vector<SweepRow>& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const SweepRow& a, const SweepRow& b) {
    return compare_combinations(a, b) < 0;
  });
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (compare_combinations(rows[i - 1], rows[i]) == 0 && rows[i - 1] != rows[i])
      throw Error(ErrorCode::check, "the files differ in " + combination_text(rows[i]));
  }
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
}

int merge(const CommandLine& words) {
  Arguments arguments("sweep merge", "Join files of one sweep, in the order of the whole.");
  std::vector<std::string> files;
  std::string format;
  std::string output;
  arguments.positionals("files", files, "Files in any format of sweep", true);
  arguments.choice("--format,-f", format, sweep_formats(),
                   "The format: that of the file's name, else csv");
  arguments.option("--output,-o", output, "Write to a file instead of standard output", "FILE");
  if (!arguments.parse(words)) return exit_done;
  if (format.empty()) format = format_of_ending(output, sweep_formats());
  const SweepFormat target = format_of(format, output);
  SweepTable whole = read_part(files[0]);
  for (std::size_t i = 1; i < files.size(); ++i) {
    SweepTable part = read_part(files[i]);
    if (!(part.columns == whole.columns)) {
      throw Error(ErrorCode::malformed, escape_controls(files[i]) + " has other columns",
                  {whole.columns.names(), part.columns.names()});
    }
    std::move(part.rows.begin(), part.rows.end(), std::back_inserter(whole.rows));
  }
  drop_twice(whole.rows);
  if (is_whole(format)) {
    write_output(output, whole_text(format, whole.columns, whole.rows));
  } else {
    write_sweep(target, output, whole.columns, whole.rows);
  }
  return exit_done;
}

// -- the command ---------------------------------------------------------------------------------

std::string columns_help() {
  std::string text = "Figures, for --columns:\n";
  for (const TotalsField& field : totals_fields())
    text += fmt::format("  {:<16} {}\n", field.name, field.summary);
  return text;
}

/// The traces of a whole sweep, without reading its models.
std::size_t count_jobs(const std::vector<SweepModel>& models, const SweepAxes& axes) {
  std::set<std::string_view> names;
  for (const SweepModel& model : models) names.insert(model.name);
  const std::set<std::int64_t> batches(axes.batches.begin(), axes.batches.end());
  const std::set<Resolution> resolutions(axes.resolutions.begin(), axes.resolutions.end());
  return names.size() * std::max<std::size_t>(1, batches.size()) *
         std::max<std::size_t>(1, resolutions.size());
}

/// Writes the array job instead of computing. `jobs`: those of the whole sweep.
int write_array_job(const CommandLine& line, const SweepWords& words, std::size_t jobs) {
  if (words.output.empty() || words.output == "-")
    throw Error(ErrorCode::usage, "--slurm needs --output FILE");
  if (!words.shard.empty())
    throw Error(ErrorCode::usage, "--slurm and --shard contradict each other");
  if (words.list == "-")
    throw Error(ErrorCode::usage, "--slurm: --models-from",
                {"a file, which every task reads", "-"});
  if (jobs == 0) throw Error(ErrorCode::usage, "--slurm: no models are chosen");
  SlurmSweep sweep;
  sweep.words = without_options(
      line.words, {"--output", "-o", "--format", "-f", "--jobs", "-j", "--slurm"}, {"--resume"});
  sweep.output = words.output;
  sweep.format = words.format;
  sweep.tasks = std::min(*words.slurm, static_cast<std::int64_t>(jobs));
  sweep.threads = words.jobs.value_or(1);
  const std::string path = words.output + ".slurm";
  write_output(path, array_job(sweep));
  write_note(fmt::format("wrote an array job of {} for {}: sbatch {}",
                         counted(static_cast<std::size_t>(sweep.tasks), "task"),
                         counted(jobs, "trace"), escape_controls(path)));
  return exit_done;
}

int run_sweep(const CommandLine& words) {
  if (words.first() == "merge") return merge(words.rest());
  Arguments arguments("sweep", "Profile models over batches, resolutions and dtypes.");
  SweepWords sweep;
  arguments.positionals("models", sweep.models,
                        "As in profile, and patterns with * and ?; all of the registry if none");
  arguments.option("--registry,-r", sweep.registry, "curated, auto, all or language", "NAME");
  arguments.option("--where,-w", sweep.where, "Only models for which this holds: 'macs < 1G'",
                   "EXPR");
  arguments.option("--batch,--batch-size,-b", sweep.batches, "Batches (the model's own)", "N,N...");
  add_trace_options(arguments, sweep.options, {"batch-axis", "dim", "input-shape", "input-dtype"});
  arguments.option("--resolution", sweep.resolutions,
                   "Heights and widths of images and clips: 128,224,320x480", "N,HxW...");
  arguments.option("--dtype", sweep.dtypes, "float32, float16, bfloat16, float8, int8, int4",
                   "TYPE,TYPE...");
  add_views_to(arguments, sweep.views);
  add_live_options(arguments, sweep.live);
  add_plugin_option(arguments, sweep.plugins);
  arguments.option("--columns", sweep.columns, "Figures instead of the usual ones", "NAME,NAME...");
  arguments.choice("--format,-f", sweep.format, sweep_formats(),
                   "The format: that of the file's name, else csv");
  arguments.option("--output,-o", sweep.output, "Write to a file instead of standard output",
                   "FILE");
  arguments.flag("--resume", sweep.resume, "Keep the rows that the file has and add the others");
  arguments.option("--jobs,-j", sweep.jobs, "Threads (the number of cores)", "N");
  arguments.option("--shard", sweep.shard, "Only part i of n: 1/4", "i/n");
  arguments.option("--models-from", sweep.list,
                   "More models, one in each line of a file (-: standard input)", "FILE");
  arguments.option("--slurm", sweep.slurm,
                   "Compute nothing: write an array job of N tasks for Slurm to FILE.slurm", "N");
  arguments.footer("Examples:\n"
                   "  zoometer sweep 'resnet*' --batch 1,8,64 --resolution 160,224\n"
                   "  zoometer sweep --registry all --batch 1,2,4 -o zoo.sqlite\n"
                   "  zoometer sweep model.onnx --batch 1,2,4 --dtype float32,int8\n"
                   "  zoometer sweep lstm.onnx --batch 1,8 --batch-axis x=1 --dim time=50\n"
                   "  zoometer sweep merge part1.csv part2.csv -o whole.csv\n"
                   "  zoometer sweep --models-from million.txt --slurm 64 -o million.csv\n\n" +
                   columns_help());
  if (!arguments.parse(join_shape_words(words))) return exit_done;
  if (sweep.format.empty()) sweep.format = format_of_ending(sweep.output, sweep_formats());
  constexpr std::int64_t most_jobs = 1024;
  constexpr std::int64_t most_tasks = 100'000;
  if (sweep.jobs && (*sweep.jobs < 1 || *sweep.jobs > most_jobs))
    throw Error(ErrorCode::usage, "--jobs", {"1 to 1024", std::to_string(*sweep.jobs)});

  if (sweep.slurm && (*sweep.slurm < 1 || *sweep.slurm > most_tasks))
    throw Error(ErrorCode::usage, "--slurm", {"1 to 100000", std::to_string(*sweep.slurm)});
  const SweepColumns columns =
      sweep.columns.empty() ? SweepColumns() : SweepColumns(split(sweep.columns), "--columns");
  SweepAxes axes = axes_of(sweep);
  check_batch(sweep.options, !axes.batches.empty());
  if (!sweep.list.empty()) {
    std::vector<std::string> more = models_in(sweep.list);
    std::move(more.begin(), more.end(), std::back_inserter(sweep.models));
  }
  const Registry registry(sweep.plugins);
  std::vector<SweepModel> models = chosen_models(sweep, registry);
  if (sweep.slurm) return write_array_job(words, sweep, count_jobs(models, axes));
  const SweepPlan plan(std::move(models), std::move(axes),
                       {sweep.options, sweep.views == "none", sweep.live, &registry, write_note,
                        shard_of(sweep.shard)});
  for (const std::string& note : plan.notes()) write_note(note);
  return SweepRun(plan, columns, sweep).run();
}

}  // namespace

extern constinit const Command sweep_command = {
    "sweep", "profile models over batches, resolutions and dtypes", run_sweep, 5};

}  // namespace zoometer
