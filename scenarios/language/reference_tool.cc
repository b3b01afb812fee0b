// Prints docs/reference/scenario.md.
#include <cstdio>
#include <string>

#include "scenarios/language/reference.h"

int main() {
  const std::string page = freshet::ReferencePage();
  const bool written = std::fwrite(page.data(), 1, page.size(), stdout) == page.size();
  return written && std::fflush(stdout) == 0 ? 0 : 3;
}
