#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <future>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace zoometer {

/// How many threads can run at a time, at least 1.
inline std::size_t core_count() noexcept {
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

/// Does two pieces of work, the first one on another thread where the system has one left. What one
/// of them throws is thrown here when both have ended.
template <class First, class Second>
void do_both(const First& first, const Second& second) {
  std::future<void> other;
  try {
    other = std::async(std::launch::async, first);
  } catch (const std::system_error&) {
    first();
  }
  second();
  if (other.valid()) other.get();
}

/// Does `count` pieces of work on `workers` threads and hands the results on in their order,
/// whatever the threads did: `make()` prepares what one thread keeps between pieces,
/// `work(kept, index)` returns a result, `take(index, result)` runs on the calling thread. Up to
/// 4096 results wait for the slowest piece before them. What a piece throws ends it all and is
/// thrown here, once the pieces before it are taken. A single piece, and all of them where the
/// system has no thread left, are done on the calling thread.
template <class Result, class Make, class Work, class Take>
void do_in_order(std::size_t count, std::size_t workers, const Make& make, const Work& work,
                 const Take& take) {
  constexpr std::size_t window = 4096;
  using Outcome = std::variant<std::monostate, Result, std::exception_ptr>;
  std::mutex mutex;
  std::condition_variable is_done;
  std::condition_variable is_taken;
  std::vector<Outcome> ring(std::min(count, window));
  std::size_t next = 0;
  std::size_t taken = 0;

  const auto run = [&] {
    std::optional<std::decay_t<decltype(make())>> kept;
    for (;;) {
      std::unique_lock lock(mutex);
      is_taken.wait(lock, [&] { return next >= count || next < taken + window; });
      if (next >= count) return;
      const std::size_t index = next++;
      lock.unlock();
      Outcome outcome;
      try {
        if (!kept) kept.emplace(make());
        outcome.template emplace<Result>(work(*kept, index));
      } catch (...) {
        outcome = std::current_exception();
      }
      lock.lock();
      if (std::holds_alternative<std::exception_ptr>(outcome)) next = count;
      ring[index % window] = std::move(outcome);
      if (index == taken) is_done.notify_one();
    }
  };
  std::vector<std::jthread> threads;
  try {
    while (count > 1 && threads.size() < std::min(workers, count)) threads.emplace_back(run);
  } catch (const std::system_error&) {
    // Those that there are do it.
  }
  if (threads.empty()) {
    auto kept = make();
    for (std::size_t index = 0; index < count; ++index) take(index, work(kept, index));
    return;
  }

  try {
    std::unique_lock lock(mutex);
    while (taken < count) {
      Outcome& slot = ring[taken % window];
      is_done.wait(lock, [&] { return !std::holds_alternative<std::monostate>(slot); });
      Outcome outcome = std::exchange(slot, Outcome());
      lock.unlock();
      if (const auto* problem = std::get_if<std::exception_ptr>(&outcome))
        std::rethrow_exception(*problem);
      take(taken, std::get<Result>(std::move(outcome)));
      lock.lock();
      ++taken;
      is_taken.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex);
    next = count;
    is_taken.notify_all();
    throw;
  }
}

/// The same for threads that keep nothing: `work(index)`.
template <class Result, class Work, class Take>
void do_in_order(std::size_t count, std::size_t workers, const Work& work, const Take& take) {
  struct Nothing {};
  do_in_order<Result>(
      count, workers, [] { return Nothing(); },
      [&](Nothing&, std::size_t index) { return work(index); }, take);
}

}  // namespace zoometer
