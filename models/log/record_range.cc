#include "models/log/record_range.h"

#include <cstdint>
#include <numeric>

namespace freshet {
namespace {

// The sum over i in [0, n) of (a i + b) / m, rounded down, modulo 2^bits of the type. REQUIRES: m >
// 0, m (n + 1) is in the type.
template <class Unsigned>
Unsigned FloorSum(Unsigned n, Unsigned m, Unsigned a, Unsigned b) {
  Unsigned sum = 0;
  while (true) {
    if (a >= m) {
      sum += n % 2 == 0 ? n / 2 * (n - 1) * (a / m) : (n - 1) / 2 * n * (a / m);
      a %= m;
    }
    if (b >= m) {
      sum += n * (b / m);
      b %= m;
    }
    const Unsigned top = a * n + b;
    if (top < m) return sum;
    n = top / m;
    b = top % m;
    const Unsigned swapped = m;
    m = a;
    a = swapped;
  }
}

// How far apart the places of two neighbours are: near the golden section, so that any stretch of
// records lies evenly over the row, and prime to its length, so that every record has its own.
int64_t StepOf(int64_t whole) {
  int64_t step = MulDivFloor(whole, 618'033'989, 1'000'000'000);
  while (std::gcd(step, whole) != 1) ++step;
  return step;
}

template <class Unsigned>
int64_t CountBelow(int64_t records, int64_t whole, int64_t place) {
  const auto step = static_cast<Unsigned>(StepOf(whole));
  const auto n = static_cast<Unsigned>(records);
  const auto m = static_cast<Unsigned>(whole);
  // i x step modulo m is below `place` where adding m - place to it carries no further than m.
  return static_cast<int64_t>(FloorSum<Unsigned>(n, m, step, 0) + n -
                              FloorSum<Unsigned>(n, m, step, m - static_cast<Unsigned>(place)));
}

}  // namespace

int64_t CountPlacesBelow(int64_t records, int64_t whole, int64_t place) {
  if (place == 0 || records == 0) return 0;
  if (place == whole) return records;
  if (records == whole) return place;  // Every record has a place of its own.
  // Nearly always: a batch has fewer records, and this is several times as fast.
  if (whole < int64_t{1} << 31) return CountBelow<uint64_t>(records, whole, place);
  return CountBelow<unsigned __int128>(records, whole, place);
}

}  // namespace freshet
