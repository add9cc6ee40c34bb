#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace zoometer {

/// The number of threads that can run at the same time, at least 1.
inline std::size_t core_count() noexcept {
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

/// Calls `work(index)` for `count` indices on `workers` threads, and `take(index, result)` on the
/// calling thread in the order of the indices. An exception of `work` is thrown here after the
/// results before it are taken. Without threads (the system has none left) the calling thread does
/// the work.
template <class Result, class Work, class Take>
void do_in_order(std::size_t count, std::size_t workers, const Work& work, const Take& take) {
  struct Outcome {
    std::optional<Result> result;
    std::exception_ptr error;
  };
  constexpr std::size_t most_waiting = 4096;  // results that wait for an earlier one
  std::vector<Outcome> ring(std::min(count, most_waiting));
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t next = 0;
  std::size_t taken = 0;

  const auto run = [&] {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return next >= count || next < taken + ring.size(); });
      if (next >= count) return;
      const std::size_t index = next++;
      lock.unlock();
      Outcome outcome;
      try {
        outcome.result.emplace(work(index));
      } catch (...) {
        outcome.error = std::current_exception();
      }
      lock.lock();
      ring[index % ring.size()] = std::move(outcome);
      changed.notify_all();
    }
  };
  std::vector<std::jthread> threads;
  try {
    while (count > 1 && threads.size() < std::min(workers, count)) threads.emplace_back(run);
  } catch (const std::system_error&) {
    // The threads that exist do the work.
  }
  if (threads.empty()) {
    for (std::size_t index = 0; index < count; ++index) take(index, work(index));
    return;
  }

  std::unique_lock lock(mutex);
  try {
    for (; taken < count; ++taken) {
      Outcome& slot = ring[taken % ring.size()];
      changed.wait(lock, [&] { return slot.result || slot.error; });
      Outcome outcome = std::exchange(slot, Outcome());
      lock.unlock();
      if (outcome.error) std::rethrow_exception(outcome.error);
      take(taken, *std::move(outcome.result));
      lock.lock();
      changed.notify_all();
    }
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    next = count;
    changed.notify_all();
    throw;
  }
}

}  // namespace zoometer
