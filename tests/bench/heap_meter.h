// Counts what a program takes from the heap: this target replaces operator new.
#ifndef FRESHET_TESTS_BENCH_HEAP_METER_H_
#define FRESHET_TESTS_BENCH_HEAP_METER_H_

#include <cstdint>

namespace freshet::bench {

struct HeapUse {
  int64_t allocations;  // Ever made.
  int64_t bytes;        // Held now, as the heap rounds them.
};
HeapUse HeapUsed();

}  // namespace freshet::bench

#endif  // FRESHET_TESTS_BENCH_HEAP_METER_H_
