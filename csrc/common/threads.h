// The one loop that shares work among threads of its own. The clip ops run on torch's threads instead, as its products
// of matrices do.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace vreid {

// Calls work(worker, begin, end) for pieces of 0 .. size, in any order; workers are 0 .. threads - 1, and worker 0 is the
// calling thread. Where the system refuses a thread, those that there are do the work. The first exception of `work`
// stops the loop and is thrown again here.
template <typename Work>
void parallel(int64_t size, int64_t piece, int threads, const Work& work) {
  std::atomic<int64_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr fault;
  const auto run = [&](int worker) {
    try {
      for (int64_t begin; (begin = next.fetch_add(piece)) < size;)
        work(worker, begin, std::min(begin + piece, size));
    } catch (...) {
      if (!failed.exchange(true)) fault = std::current_exception();
      next = size;
    }
  };
  std::vector<std::thread> others;
  const int64_t useful = std::min<int64_t>(threads, (size + piece - 1) / piece);
  try {
    for (int64_t worker = 1; worker < useful; ++worker) others.emplace_back(run, int(worker));
  } catch (const std::system_error&) {
    // fewer threads are as good
  }
  run(0);
  for (auto& other : others) other.join();
  if (fault) std::rethrow_exception(fault);
}

}  // namespace vreid
