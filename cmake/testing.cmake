# How a test of ours is made.
#
#   freshet_test(sim_resources_test            # the target, and the prefix of the ctest names
#                SOURCES fifo_test.cc pool_test.cc
#                LIBS freshet_sim rapidcheck_gtest
#                [LABELS slow] [WHOLE] [TIMEOUT seconds] [ARGS argument ...])
#
# By default every TEST() is a ctest of its own, listed when ctest runs. WHOLE makes the program one
# ctest: for programs with a costly start, or with thousands of cases. Links gmock_main.
# Labels: slow (left out of the test workflow), matrix (other builds of the program), oracle, tidy,
# long (minutes under a sanitizer); below_models is added by itself.
include(GoogleTest)

option(FRESHET_REQUIRE_ALL_LEGS "A test that would skip for a missing tool fails instead" OFF)

add_custom_target(below_models)

function(freshet_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "WHOLE" "TIMEOUT" "SOURCES;LIBS;LABELS;ARGS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "freshet_test(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE freshet_options ${arg_LIBS} GTest::gmock_main)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  # A fixed seed for RapidCheck: a failure seen once is a failure seen again. Its message prints
  # how to reproduce the case.
  set(environment "RC_PARAMS=seed=92")
  if(FRESHET_REQUIRE_ALL_LEGS)
    list(APPEND environment "FRESHET_REQUIRE_ALL_LEGS=1")
  endif()
  # What stands below the models builds in minutes: CI's sample of the sanitizers.
  if(NOT "freshet_models" IN_LIST arg_LIBS AND NOT "freshet_run" IN_LIST arg_LIBS)
    list(APPEND arg_LABELS below_models)
    add_dependencies(below_models ${name})
  endif()
  set(properties TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}" ENVIRONMENT "${environment}")
  if(arg_WHOLE)
    add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
    set_tests_properties(${name} PROPERTIES ${properties})
  else()
    gtest_discover_tests(${name} EXTRA_ARGS ${arg_ARGS} DISCOVERY_MODE PRE_TEST
                         TEST_PREFIX "${name}/" PROPERTIES ${properties})
  endif()
endfunction()

# A test that is a shell script: exit code 77 means "skipped, and the last line says why"; with
# FRESHET_REQUIRE_ALL_LEGS=1 in the environment it must fail instead.
#
#   freshet_script_test(name COMMAND command argument ... [LABELS ...] [TIMEOUT seconds])
function(freshet_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "COMMAND;LABELS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${arg_TIMEOUT}
                                          LABELS "${arg_LABELS}")
  if(FRESHET_REQUIRE_ALL_LEGS)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "FRESHET_REQUIRE_ALL_LEGS=1")
  endif()
endfunction()
