// libFuzzer on the text of a scenario, byte by byte:
//   fuzz_load -max_len=8192 -timeout=10 work_dir tests/scenarios/language/corpus
#include <cstddef>
#include <cstdint>

#include "tests/scenarios/language/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  freshet::LoadOneInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
