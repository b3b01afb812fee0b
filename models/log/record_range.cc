#include "models/log/record_range.h"

#include <numeric>

namespace freshet {
namespace {

// The sum over i in [0, n) of (a i + b) / m, rounded down, modulo 2^128. REQUIRES: m > 0.
unsigned __int128 FloorSum(unsigned __int128 n, unsigned __int128 m, unsigned __int128 a,
                           unsigned __int128 b) {
  unsigned __int128 sum = 0;
  while (true) {
    if (a >= m) {
      sum += n % 2 == 0 ? n / 2 * (n - 1) * (a / m) : (n - 1) / 2 * n * (a / m);
      a %= m;
    }
    if (b >= m) {
      sum += n * (b / m);
      b %= m;
    }
    const unsigned __int128 top = a * n + b;
    if (top < m) return sum;
    n = top / m;
    b = top % m;
    const unsigned __int128 swapped = m;
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

}  // namespace

int64_t CountPlacesBelow(int64_t records, int64_t whole, int64_t place) {
  const auto step = static_cast<unsigned __int128>(StepOf(whole));
  const auto n = static_cast<unsigned __int128>(records);
  const auto m = static_cast<unsigned __int128>(whole);
  // i x step modulo m is below `place` where adding m - place to it carries no further than m.
  return static_cast<int64_t>(FloorSum(n, m, step, 0) + n -
                              FloorSum(n, m, step, m - static_cast<unsigned __int128>(place)));
}

}  // namespace freshet
