// Runs the kernels on a problem that it reads from a file, and writes the result: `run <problem> <result>`, and with
// a third argument without that barrier.

#define VREID_EMULATED
#include "cuda_emulation.h"

#include "kernels.cuh"

#include <cstdio>
#include <cstdlib>

using namespace vreid;

namespace {

FILE* input;

template <typename T>
std::vector<T> read(size_t count) {
  std::vector<T> found(count);
  if (count && std::fread(found.data(), sizeof(T), count, input) != count) throw std::runtime_error("short problem");
  return found;
}

template <typename T>
void write(const std::vector<T>& values, FILE* output) {
  if (!values.empty()) std::fwrite(values.data(), sizeof(T), values.size(), output);
}

struct Problem {
  int64_t operand, reduction, order, Q, G, C, K, E, normalize, count, hard;
};

template <typename T>
std::vector<float> scales(const std::vector<char>& clips, const bool* valid, int64_t rows, const Problem& p,
                          emulation::Order order) {
  std::vector<float> scale(rows);
  emulation::launch(dim3(unsigned((rows + WARPS - 1) / WARPS)), THREADS, order, 5, clip_scales<T>,
                    (const T*)clips.data(), valid, rows, p.E, bool(p.normalize), scale.data());
  return scale;
}

template <Operand operand>
void pairs(const Problem& p, const Pairs& given, emulation::Order order) {
  const dim3 grid(unsigned((p.G + COLUMNS / p.K - 1) / (COLUMNS / p.K)), unsigned((p.Q + ROWS / p.C - 1) / (ROWS / p.C)));
  if (p.reduction == 0)
    emulation::launch(grid, THREADS, order, 7, clip_pairs<operand, Reduction::top16>, given);
  else if (p.reduction == 1)
    emulation::launch(grid, THREADS, order, 7, clip_pairs<operand, Reduction::top>, given);
  else
    emulation::launch(grid, THREADS, order, 7, clip_pairs<operand, Reduction::pairwise>, given);
}

}  // namespace

int main(int arguments, char** argument) try {
  if (arguments > 3) emulation::left_out = argument[3];
  input = std::fopen(argument[1], "rb");
  const Problem p = read<Problem>(1)[0];
  const double top = read<double>(1)[0];
  const Operand operand = Operand(p.operand);
  const int64_t size = p.operand < 2 ? 2 : 4;
  const auto query = read<char>(p.Q * p.C * p.E * size), gallery = read<char>(p.G * p.K * p.E * size);
  const auto query_valid = read<char>(p.Q * p.C), gallery_valid = read<char>(p.G * p.K);
  const auto weight = read<float>(p.reduction == 2 ? p.Q * p.G * p.C * p.K : 0);
  const auto pid = read<int64_t>(p.hard ? p.Q : 0);
  const auto order = emulation::Order(p.order);
  auto side = [&](const std::vector<char>& clips, const std::vector<char>& valid) {
    const bool* mask = (const bool*)valid.data();
    const int64_t rows = int64_t(valid.size());
    if (operand == Operand::bf16) return scales<__nv_bfloat16>(clips, mask, rows, p, order);
    if (operand == Operand::fp16) return scales<__half>(clips, mask, rows, p, order);
    return scales<float>(clips, mask, rows, p, order);
  };
  const auto own = side(query, query_valid), other = side(gallery, gallery_valid);
  std::vector<float> similarity(p.hard ? 0 : p.Q * p.G);
  std::vector<unsigned long long> best(p.hard ? 2 * p.Q : 0);
  const Pairs given{query.data(),  gallery.data(), own.data(), other.data(),   weight.data(),
                    p.Q,           p.G,            int(p.C),   int(p.K),       p.E * size,
                    top,           bool(p.count),  p.hard ? nullptr : similarity.data(),
                    pid.data(),    best.data()};
  switch (operand) {
    case Operand::bf16: pairs<Operand::bf16>(p, given, order); break;
    case Operand::fp16: pairs<Operand::fp16>(p, given, order); break;
    case Operand::tf32x3: pairs<Operand::tf32x3>(p, given, order); break;
    case Operand::tf32: pairs<Operand::tf32>(p, given, order); break;
  }
  FILE* output = std::fopen(argument[2], "wb");
  write(similarity, output);
  if (p.hard) {
    std::vector<float> distance(2 * p.Q);
    std::vector<int64_t> index(2 * p.Q);
    emulation::launch(dim3(unsigned((2 * p.Q + THREADS - 1) / THREADS)), THREADS, order, 9, clip_unpack, best.data(),
                      p.Q, distance.data(), index.data());
    write(distance, output);
    write(index, output);
  }
  std::fclose(output);
  std::fclose(input);
  return 0;
} catch (const std::exception& fault) {
  std::fprintf(stderr, "%s\n", fault.what());
  return 1;
}
