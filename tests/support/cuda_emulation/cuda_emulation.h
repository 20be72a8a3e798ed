// CUDA kernels on the CPU, for tests: the kernels' own source, compiled as C++.
//
// Blocks run one after the other. Every thread of a block is a fiber that runs until a barrier or a collective of its
// warp. A warp goes as far as it can before the next one starts, in an order that the test chooses, so that results
// change where a barrier is missing that one warp needs before another goes on. It throws where a barrier or
// a collective is not reached by all, and where a kernel ends with copies on their way. Shared memory holds rubbish at
// the start of a block. It cannot show races between blocks, nor the hardware's order of memory accesses.

#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __shared__ static

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct __nv_bfloat16 {
  uint16_t bits;
};
struct __half {
  uint16_t bits;
};

using std::max;
using std::min;

inline float __uint_as_float(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
inline uint32_t __float_as_uint(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}
inline float __bfloat162float(__nv_bfloat16 x) { return __uint_as_float(uint32_t(x.bits) << 16); }
inline float __half2float(__half x) {
  _Float16 value;
  std::memcpy(&value, &x.bits, 2);
  return float(value);
}

namespace emulation {

enum class Order { forward, reverse, random };
enum class Wait { no, block, warp, done };

struct Copy {
  void* to;
  const void* from;
  bool there;
};

using Place = void*[5];  // where a fiber or the scheduler goes on

struct Fiber {
  ucontext_t context;  // its beginning
  bool begun;
  Place paused;
  char* stack = nullptr;
  Wait wait = Wait::no;
  int place = 0;        // where it waits
  uint64_t offered[4];  // to the lanes of its warp
  std::vector<std::vector<Copy>> copies{{}};  // groups on their way; the last one is not committed
};

struct Block {
  std::vector<Fiber> threads;
  Place scheduler;
  int current = 0;
  dim3 index;
  const std::function<void()>* body = nullptr;
};

inline Block* block = nullptr;
constexpr size_t STACK = 128 * 1024;

inline Fiber& self() { return block->threads[block->current]; }
inline int lane() { return block->current % 32; }
inline Fiber& other(int lane) { return block->threads[block->current / 32 * 32 + lane]; }

// Switches between fibers are most of what there is to do, and swapcontext would ask the kernel for the signals in each.
// The address sanitizer takes a jump for one out of frames that are left for good, so that these two are kept from it.
[[noreturn]] __attribute__((noinline, no_sanitize("address"))) inline void jump(Place& to) {
  __builtin_longjmp(to, 1);
}

__attribute__((noinline, no_sanitize("address"))) inline void run_fiber(Fiber& fiber) {
  if (__builtin_setjmp(block->scheduler)) return;
  if (fiber.begun) jump(fiber.paused);
  fiber.begun = true;
  setcontext(&fiber.context);
}

__attribute__((noinline, no_sanitize("address"))) inline void pause(Wait wait, int place) {
  Fiber& fiber = self();
  fiber.wait = wait;
  fiber.place = place;
  if (!__builtin_setjmp(fiber.paused)) jump(block->scheduler);
}

// A barrier that a test leaves out, such as "kernels.cuh:24".
inline std::string left_out;

inline void meet(const char* file, int line, int place) {
  if (!left_out.empty()) {
    const std::string here = std::string("/") + file + ":" + std::to_string(line);
    if (here.size() > left_out.size() && here.substr(here.size() - left_out.size() - 1) == "/" + left_out) return;
  }
  pause(Wait::block, place);
}

inline void enter() {
  (*block->body)();
  pause(Wait::done, 0);
}

// Returns what the lane `from` offered. The warp meets twice: nobody offers again before all have read.
template <typename T>
T exchange(T value, int from, int place) {
  std::memcpy(self().offered, &value, sizeof value);
  pause(Wait::warp, place);
  T result;
  std::memcpy(&result, other(from & 31).offered, sizeof result);
  pause(Wait::warp, -place);
  return result;
}

inline unsigned add(unsigned value, int place) {
  self().offered[0] = value;
  pause(Wait::warp, place);
  unsigned sum = 0;
  for (int l = 0; l < 32; ++l) sum += unsigned(other(l).offered[0]);
  pause(Wait::warp, -place);
  return sum;
}

// The threads of one warp until each waits for the block or is done.
inline void run_warp(Block& b, int warp, Order order) {
  for (;;) {
    for (int l = 0; l < 32; ++l) {
      b.current = warp * 32 + (order == Order::reverse ? 31 - l : l);
      Fiber& fiber = b.threads[b.current];
      if (fiber.wait == Wait::no) run_fiber(fiber);
    }
    int waiting = 0;
    bool same = true;
    for (int l = 0; l < 32; ++l) {
      const Fiber& fiber = b.threads[warp * 32 + l];
      waiting += fiber.wait == Wait::warp;
      same = same && fiber.place == b.threads[warp * 32].place;
    }
    if (!waiting) return;
    if (waiting != 32 || !same) throw std::runtime_error("a collective is not reached by all lanes of a warp");
    for (int l = 0; l < 32; ++l) b.threads[warp * 32 + l].wait = Wait::no;
  }
}

inline void run_block(Block& b, Order order, std::mt19937& random) {
  const int threads = int(b.threads.size());
  for (Fiber& fiber : b.threads) {
    fiber.wait = Wait::no;
    fiber.begun = false;
    fiber.copies.assign(1, {});
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, enter, 0);
  }
  std::vector<int> warps(threads / 32);
  std::iota(warps.begin(), warps.end(), 0);
  if (order == Order::reverse) std::reverse(warps.begin(), warps.end());
  for (;;) {
    if (order == Order::random) std::shuffle(warps.begin(), warps.end(), random);
    for (int warp : warps) run_warp(b, warp, order);
    int done = 0, together = 0;
    for (const Fiber& fiber : b.threads) {
      done += fiber.wait == Wait::done;
      together += fiber.place == b.threads[0].place;
    }
    if (together != threads) throw std::runtime_error("a barrier is not reached by all threads");
    if (done == threads) break;
    for (Fiber& fiber : b.threads) fiber.wait = Wait::no;
  }
  for (const Fiber& fiber : b.threads)
    for (const auto& group : fiber.copies)
      if (!group.empty()) throw std::runtime_error("a kernel ended with copies on their way");
}

// kernel<<<grid, threads>>>(arguments...)
template <typename Kernel, typename... Arguments>
void launch(dim3 grid, int threads, Order order, unsigned seed, Kernel kernel, Arguments... arguments) {
  const std::function<void()> body = [=] { kernel(arguments...); };
  Block b;
  b.body = &body;
  b.threads.resize(threads);
  const std::unique_ptr<char[]> stacks(new char[STACK * threads]);  // not written here: little of it is used
  for (int t = 0; t < threads; ++t) b.threads[t].stack = stacks.get() + STACK * t;
  std::mt19937 random(seed);
  block = &b;
  for (b.index.y = 0; b.index.y < grid.y; ++b.index.y)
    for (b.index.x = 0; b.index.x < grid.x; ++b.index.x) run_block(b, order, random);
  block = nullptr;
}

struct Index {
  unsigned x;
};

}  // namespace emulation

// A place in the source is known by the compiler's counter, as files have equal line numbers.
#define threadIdx (::emulation::Index{unsigned(::emulation::block->current)})
#define blockIdx (::emulation::block->index)
#define __syncthreads() ::emulation::meet(__FILE__, __LINE__, __COUNTER__ + 1)
#define __shfl_xor_sync(mask, value, step) ::emulation::exchange(value, ::emulation::lane() ^ (step), __COUNTER__ + 1)
#define __reduce_add_sync(mask, value) ::emulation::add(value, __COUNTER__ + 1)

inline unsigned long long atomicMax(unsigned long long* at, unsigned long long value) {
  const unsigned long long before = *at;
  *at = std::max(before, value);
  return before;
}

// csrc/clip/cuda/ptx.cuh by its documented layouts: which lane holds what.
namespace ptx {

inline void copy16(void* to, const void* from, bool there) {
  emulation::self().copies.back().push_back({to, from, there});
}
inline void commit() { emulation::self().copies.push_back({}); }

template <int open>
void wait() {
  auto& groups = emulation::self().copies;
  while (int(groups.size()) - 1 > open) {
    for (const auto& copy : groups.front()) {
      if (copy.there)
        std::memcpy(copy.to, copy.from, 16);
      else
        std::memset(copy.to, 0, 16);
    }
    groups.erase(groups.begin());
  }
}

inline void load_matrices(uint32_t (&r)[4], const void* row) {
  std::memcpy(emulation::self().offered, &row, sizeof row);
  emulation::pause(emulation::Wait::warp, 1000001);
  const int lane = emulation::lane();
  for (int i = 0; i < 4; ++i) {
    const char* from;
    std::memcpy(&from, emulation::other(i * 8 + lane / 4).offered, sizeof from);
    std::memcpy(&r[i], from + lane % 4 * 4, 4);
  }
  emulation::pause(emulation::Wait::warp, 1000002);
}

// c[16, 8] += a b^T, where a register holds `each` numbers along the depth.
template <int each, typename Number>
void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, Number number) {
  uint32_t own[6] = {a[0], a[1], a[2], a[3], b0, b1};
  std::memcpy(emulation::self().offered, own, sizeof own);
  emulation::pause(emulation::Wait::warp, 1000003);
  const int lane = emulation::lane();
  auto registers = [&](int lane, int r) {
    uint32_t all[6];
    std::memcpy(all, emulation::other(lane).offered, sizeof all);
    return all[r];
  };
  float sum[4];
  for (int e = 0; e < 4; ++e) {
    const int row = lane / 4 + e / 2 * 8, column = lane % 4 * 2 + e % 2;
    sum[e] = c[e];
    for (int k = 0; k < 8 * each; ++k) {
      const int from = k / each % 4, upper = k / (4 * each);
      const uint32_t x = registers(row % 8 * 4 + from, row / 8 + 2 * upper);
      const uint32_t y = registers(column * 4 + from, 4 + upper);
      sum[e] += number(x, k % each) * number(y, k % each);
    }
  }
  std::memcpy(c, sum, sizeof sum);
  emulation::pause(emulation::Wait::warp, 1000004);
}

inline void multiply_bf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  multiply<2>(c, a, b0, b1, [](uint32_t x, int half) { return __bfloat162float({uint16_t(x >> 16 * half)}); });
}
inline void multiply_fp16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  multiply<2>(c, a, b0, b1, [](uint32_t x, int half) { return __half2float({uint16_t(x >> 16 * half)}); });
}
inline void multiply_tf32(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  multiply<1>(c, a, b0, b1, [](uint32_t x, int) { return __uint_as_float(x & 0xffffe000u); });
}
inline uint32_t to_tf32(uint32_t bits) { return (bits + 0x1000u) & 0xffffe000u; }

}  // namespace ptx
