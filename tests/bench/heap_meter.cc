#include "tests/bench/heap_meter.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace {

int64_t allocations = 0;
int64_t held = 0;

void* Count(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  ++allocations;
  held += static_cast<int64_t>(malloc_usable_size(memory));
  return memory;
}

void Release(void* memory) {
  held -= static_cast<int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

// The array forms and those without a size or with one come here by the standard's own defaults.
void* operator new(std::size_t size) { return Count(std::malloc(size)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto line = static_cast<std::size_t>(alignment);
  return Count(std::aligned_alloc(line, (size + line - 1) / line * line));
}
void operator delete(void* memory) noexcept { Release(memory); }
void operator delete(void* memory, std::size_t) noexcept { Release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { Release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { Release(memory); }

namespace freshet::bench {

HeapUse HeapUsed() { return {allocations, held}; }

}  // namespace freshet::bench
