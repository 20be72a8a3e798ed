// Which instruction sets this processor has, among those that kernels are compiled for, and the choice of one.

#pragma once

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__)
#define VREID_X86 1
#include <immintrin.h>
#endif

namespace vreid {

// Best first; every processor of this architecture has `plain`.
inline std::vector<std::string> instruction_sets() {
  std::vector<std::string> found;
#ifdef VREID_X86
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    found.push_back("avx512");
  if (v3) found.push_back("avx2");
#endif
  found.push_back("plain");
  return found;
}

// The instruction set of this name. Where the name is empty: the one that the environment names, else the best one.
// Throws where this processor has none of that name; the environment may name one that it has not.
inline std::string choose_instruction_set(const std::string& name) {
  const std::vector<std::string> present = instruction_sets();
  const auto has = [&](const std::string& set) { return std::find(present.begin(), present.end(), set) != present.end(); };
  if (name.empty()) {
    const char* named = std::getenv("VREID_INSTRUCTION_SET");
    return named && has(named) ? named : present[0];
  }
  if (!has(name)) throw std::invalid_argument("instruction_set: this processor has no " + name);
  return name;
}

}  // namespace vreid

// An expression in the namespace of the chosen set: VREID_FOR_SET(name, kernels()) is avx2::kernels() where the name is
// avx2. The namespaces are those that for_each_instruction_set.h makes.
#ifdef VREID_X86
#define VREID_FOR_SET(name, expression) \
  ((name) == "avx512" ? avx512::expression : (name) == "avx2" ? avx2::expression : plain::expression)
#else
#define VREID_FOR_SET(name, expression) ((void)(name), plain::expression)
#endif
