#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// A sweep that an array job of Slurm computes.
struct SlurmSweep {
  std::vector<std::string> words;  ///< after "sweep", without those of the output and the threads
  std::string output;              ///< the file that the shards are joined to
  std::string format;              ///< of the output; empty: that of its name
  std::int64_t tasks = 1;          ///< at least 1; each computes one shard
  std::int64_t threads = 1;        ///< of a task
};

/// A script for sbatch. A task writes its shard to OUTPUT.parts/NUMBER.jsonl and resumes where it
/// was, if it was killed, requeued or submitted again; the last one joins all shards.
std::string array_job(const SlurmSweep& sweep);

/// The words without these options, in any spelling ("-o x", "-ox", "--output=x") with their
/// values, and without these flags.
std::vector<std::string> without_options(const std::vector<std::string>& words,
                                         std::initializer_list<std::string_view> options,
                                         std::initializer_list<std::string_view> flags);

}  // namespace zoometer
