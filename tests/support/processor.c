// Loaded before a program (LD_PRELOAD), answers CPUID as another processor, so that every library chooses its code for
// that one. PROCESSOR names it: `amd`, of the Zen 3 kind, `intel`, of the Coffee Lake kind, or `avx2`, this one without
// AVX-512. Instructions whose result the maker chooses, such as the estimate of a reciprocal square root, still give this
// processor's.
//
// Linux lets a process ask that CPUID faults (arch_prctl, ARCH_SET_CPUID), where the processor can. Exit code 77: it cannot.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#define ARCH_SET_CPUID 0x1012
static int amd, intel;
static void real(uint32_t a, uint32_t c, uint32_t r[4]) {
  syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
  __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(a), "c"(c));
  syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
}
static void fake(uint32_t a, uint32_t c, uint32_t r[4]) {
  real(a, c, r);
  if (a == 7 && c == 0) {
    r[1] &= ~((1u<<16)|(1u<<17)|(1u<<21)|(1u<<26)|(1u<<27)|(1u<<28)|(1u<<30)|(1u<<31));
    r[2] &= ~((1u<<1)|(1u<<6)|(1u<<11)|(1u<<12)|(1u<<14)|(1u<<8));
    r[3] &= ~((1u<<2)|(1u<<3)|(1u<<8)|(1u<<22)|(1u<<23)|(1u<<24)|(1u<<25));
    if (amd) { r[0] = 0; }
  }
  if (a == 7 && c >= 1) r[0] = r[1] = r[2] = r[3] = 0;
  if (a == 0x19 || a == 0x1d || a == 0x1e || a == 0x24) r[0] = r[1] = r[2] = r[3] = 0;
  if (intel) {
    static const char name[48] = "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz";
    if (a == 0) { r[0] = 0x16; r[1] = 0x756e6547; r[3] = 0x49656e69; r[2] = 0x6c65746e; }
    if (a == 1) { r[0] = 0x000906EA; }
    if (a >= 0x80000002u && a <= 0x80000004u) { memcpy(r, name + 16 * (a - 0x80000002u), 16); }
    if (a == 4) {
      uint32_t type[4] = {1,2,3,3}, level[4] = {1,1,2,3}, sets[4] = {128,128,1024,49152};
      memset(r, 0, 16);
      if (c < 4) { r[0] = type[c] | (level[c] << 5) | (1u << 8); r[1] = 63u | (3u << 22); r[2] = sets[c]-1; }
    }
  }
  if (!amd) return;
  if (a == 0) { r[0] = 0x10; r[1] = 0x68747541; r[3] = 0x69746e65; r[2] = 0x444d4163; }
  if (a == 1) { r[0] = 0x00A00F11; }
  if (a == 4 || a == 2) { r[0] = r[1] = r[2] = r[3] = 0; }
  if (a == 0x80000000u) { r[0] = 0x80000021; r[1] = 0x68747541; r[3] = 0x69746e65; r[2] = 0x444d4163; }
  if (a == 0x80000001u) { r[0] = 0x00A00F11; r[2] |= 1u<<22; }
  if (a >= 0x80000002u && a <= 0x80000004u) {
    static const char name[48] = "AMD EPYC 7763 64-Core Processor";
    memcpy(r, name + 16 * (a - 0x80000002u), 16);
  }
  if (a == 0x80000005u) { r[2] = (32u<<24)|(8u<<16)|(1u<<8)|64; r[3] = (32u<<24)|(8u<<16)|(1u<<8)|64; }
  if (a == 0x80000006u) { r[2] = (512u<<16)|(6u<<12)|(1u<<8)|64; r[3] = (64u<<18)|(9u<<12)|(1u<<8)|64; }
  if (a == 0x8000001Du) {
    uint32_t type[5] = {1,2,3,3,0}, level[5] = {1,1,2,3,0}, ways[5] = {8,8,8,16,0}, sets[5] = {64,64,1024,32768,0}, share[5]={1,1,1,7,0};
    memset(r, 0, 16);
    if (c < 4) { r[0] = type[c] | (level[c] << 5) | (1u << 8) | (share[c] << 14); r[1] = 63u | ((ways[c]-1) << 22); r[2] = sets[c]-1; }
  }
  if (a == 0x8000001Eu) { r[1] = 1u << 8; }
}
static void trap(int s, siginfo_t *i, void *u) {
  ucontext_t *x = u; greg_t *g = x->uc_mcontext.gregs;
  const uint8_t *ip = (const uint8_t *)g[REG_RIP];
  if (i->si_code == SI_KERNEL && ip[0] == 0x0f && ip[1] == 0xa2) {
    uint32_t r[4];
    fake((uint32_t)g[REG_RAX], (uint32_t)g[REG_RCX], r);
    g[REG_RAX] = r[0]; g[REG_RBX] = r[1]; g[REG_RCX] = r[2]; g[REG_RDX] = r[3];
    g[REG_RIP] += 2;
    return;
  }
  signal(SIGSEGV, SIG_DFL);
}
__attribute__((constructor(101))) static void begin(void) {
  const char *which = getenv("PROCESSOR");
  if (!which) return;
  amd = !strcmp(which, "amd");
  intel = !strcmp(which, "intel");
  struct sigaction act = {0};
  act.sa_sigaction = trap; act.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSEGV, &act, 0);
  if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0)) _exit(77);
}
