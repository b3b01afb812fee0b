# Flags that every target of ours carries. They are part of the determinism contract
# (docs/determinism.md, rule D4), so a target takes them by linking freshet_options.
add_library(freshet_options INTERFACE)
target_compile_features(freshet_options INTERFACE cxx_std_20)
target_include_directories(freshet_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_options(freshet_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wvla -Wextra-semi -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:Clang>:-Wpedantic>    # g++'s does not let __int128 pass, which rule D1 needs
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # g++ 12 sees overlaps in std::string that are not there
  -ffp-contract=off -fno-fast-math
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -ffile-prefix-map=${PROJECT_BINARY_DIR}/=)
option(FRESHET_WERROR "Treat warnings as errors" OFF)
if(FRESHET_WERROR OR "$ENV{FRESHET_WERROR}")  # The variable lets CI run the README's own command.
  target_compile_options(freshet_options INTERFACE -Werror)
endif()
set(FRESHET_SANITIZE "" CACHE STRING "address, thread or undefined (or several, by comma): instrument everything")
if(FRESHET_SANITIZE)
  target_compile_options(freshet_options INTERFACE -fsanitize=${FRESHET_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)  # g++ sees what is not there in instrumented code
  target_link_options(freshet_options INTERFACE -fsanitize=${FRESHET_SANITIZE})
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_CXX_EXTENSIONS OFF)
find_program(FRESHET_CCACHE ccache)
if(FRESHET_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FRESHET_CCACHE})
endif()
# Half of the time of a file goes into headers that its neighbours read, too. Off where a compiler cache
# does better, and where a file that forgot an include has to fail: everywhere but in a build that is
# made once and from nothing (tests/determinism/matrix.sh).
option(FRESHET_PRECOMPILE "Precompile the headers that a library's files share" OFF)
function(freshet_precompile target)
  if(FRESHET_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()
