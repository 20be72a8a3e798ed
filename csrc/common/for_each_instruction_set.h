// Compiles one file of loops once for each instruction set. Define VREID_LOOPS as the file's path from this
// folder, then include this inside a namespace. The file sees
//   VREID_INSTRUCTION_SET   the name of the set, which it takes as its namespace
//   VREID_BYTES             the width of a register
//   VREID_FUSED             true where the set multiplies and adds in one rounding
// The file may use no function of std::, because the linker could put an instance that was compiled for AVX-512 into
// the plain set. There is no include guard: each file of loops includes this once more.

#define VREID_INSTRUCTION_SET plain
#define VREID_BYTES 16
#ifdef __FP_FAST_FMAF
#define VREID_FUSED true
#else
#define VREID_FUSED false
#endif
#include VREID_LOOPS
#undef VREID_INSTRUCTION_SET
#undef VREID_BYTES
#undef VREID_FUSED

#ifdef VREID_X86
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define VREID_INSTRUCTION_SET avx2
#define VREID_BYTES 32
#define VREID_FUSED true
#include VREID_LOOPS
#undef VREID_INSTRUCTION_SET
#undef VREID_BYTES
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif
#define VREID_INSTRUCTION_SET avx512
#define VREID_BYTES 64
#include VREID_LOOPS
#undef VREID_INSTRUCTION_SET
#undef VREID_BYTES
#undef VREID_FUSED
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#undef VREID_LOOPS
