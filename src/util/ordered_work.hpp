#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace zoometer {

/// Does `count` pieces of work on `workers` threads and hands the results on in their order,
/// whatever the threads did: `make()` prepares what one thread keeps between pieces,
/// `work(kept, index)` returns a result, `take(index, result)` runs on the calling thread. What one
/// of them throws ends it all and is thrown here.
template <class Result, class Make, class Work, class Take>
void do_in_order(std::size_t count, std::size_t workers, const Make& make, const Work& work,
                 const Take& take) {
  // Results wait for the slowest piece before them; this bounds how many.
  constexpr std::size_t window = 4096;
  std::mutex mutex;
  std::condition_variable is_done;
  std::condition_variable is_taken;
  std::vector<std::optional<Result>> ring(std::min(count, window));
  std::size_t next = 0;
  std::size_t taken = 0;
  std::exception_ptr problem;

  const auto run = [&] {
    try {
      auto kept = make();
      for (;;) {
        std::unique_lock lock(mutex);
        is_taken.wait(lock, [&] { return problem || next >= count || next < taken + window; });
        if (problem || next >= count) return;
        const std::size_t index = next++;
        lock.unlock();
        Result result = work(kept, index);
        lock.lock();
        ring[index % window] = std::move(result);
        if (index == taken) is_done.notify_one();
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!problem) problem = std::current_exception();
      is_done.notify_one();
      is_taken.notify_all();
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < std::min(workers, count); ++i) threads.emplace_back(run);

  try {
    std::unique_lock lock(mutex);
    while (taken < count) {
      std::optional<Result>& slot = ring[taken % window];
      is_done.wait(lock, [&] { return problem || slot.has_value(); });
      if (problem) break;
      Result result = std::move(*slot);
      slot.reset();
      lock.unlock();
      take(taken, std::move(result));
      lock.lock();
      ++taken;
      is_taken.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex);
    if (!problem) problem = std::current_exception();
    is_taken.notify_all();
  }
  threads.clear();
  if (problem) std::rethrow_exception(problem);
}

}  // namespace zoometer
