# One CMake target a folder, and one test program a folder.

include(GNUInstallDirs)

# Half of a compiler's time goes into headers: the standard's and the arrays' are precompiled for the folders, with the CLI's own for the
# CLI. Sources still include what they use. Not for tests: models of memory have operators that arrays' would make ambiguous.
set(NDSHARE_STD_HEADERS <algorithm> <array> <atomic> <bit> <chrono> <cstdint> <cstring> <functional> <limits> <map>
    <memory> <mutex> <numeric> <optional> <ostream> <set> <span> <sstream> <string> <string_view> <thread> <utility> <vector>)
set(NDSHARE_ARRAY_HEADERS <ndshare/array.h> <ndshare/create.h> <ndshare/error.h> <ndshare/lazy.h> <ndshare/print.h>)

# Small sources with large headers are compiled some at a time, as one: from nothing that halves the time of the whole build. A name in an
# anonymous namespace is therefore its folder's. The dev preset compiles each alone, as the clearer errors and the quicker change need.
function(ndshare_unity target)
  if(NDSHARE_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
  endif()
endfunction()

# ndshare_folder(NAME base SOURCES a.cc b.cc DEPS array LINK TBB::tbb)
#   makes the static library ndshare_<NAME>. DEPS are folders above it in the include table, LINK is third party, HEADERS are
#   precompiled beside the usual ones; NO_PCH where the sources are compiled with options of their own; ALONE where each includes
#   itself again for another target.
function(ndshare_folder)
  cmake_parse_arguments(ARG "NO_PCH;ALONE" "NAME" "SOURCES;DEPS;LINK;HEADERS" ${ARGN})
  set(target ndshare_${ARG_NAME})
  add_library(${target} STATIC ${ARG_SOURCES})
  if(NOT ARG_ALONE)
    ndshare_unity(${target})
  endif()
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
                                              $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>)
  target_compile_definitions(${target} PRIVATE NDSHARE_BUILDING)
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(${target} PUBLIC ndshare_${dep})
  endforeach()
  target_link_libraries(${target} PRIVATE ${ARG_LINK})
  if(NDSHARE_SANITIZE STREQUAL "thread")
    # None: with them g++ 12 takes the standard's strings for ours there, and reports reads that are sound.
  elseif(ARG_HEADERS OR ARG_NAME STREQUAL "array")
    target_precompile_headers(${target} PRIVATE ${NDSHARE_STD_HEADERS} ${NDSHARE_ARRAY_HEADERS} ${ARG_HEADERS})
  elseif(TARGET ndshare_array AND NOT ARG_NO_PCH)
    target_precompile_headers(${target} REUSE_FROM ndshare_array)
  endif()
endfunction()

# ndshare_unit_test(NAME array_test SOURCES … LINK ndshare_array)
#   makes a GoogleTest program of that name and one ctest entry for it. Options: DEFINES, TIMEOUT (seconds), ALONE as above, ONE_THREAD: it has
#   one thread, or such as other programs test too, and the thread sanitizer nothing new to see: not built with it.
function(ndshare_unit_test)
  cmake_parse_arguments(ARG "ALONE;ONE_THREAD" "NAME;TIMEOUT" "SOURCES;LINK;DEFINES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NDSHARE_SANITIZE)  # beside others, some take ten times as long; a timeout is for what hangs
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 3")
  endif()
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  if(ARG_ONE_THREAD AND NDSHARE_SANITIZE STREQUAL "thread")
    set_target_properties(${ARG_NAME} PROPERTIES EXCLUDE_FROM_ALL ON)
  else()
    add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME})
    set_tests_properties(${ARG_NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  endif()
  if(NOT ARG_ALONE)
    ndshare_unity(${ARG_NAME})
  endif()
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_LINK} ndshare_test_support)
  target_compile_definitions(${ARG_NAME} PRIVATE NDSHARE_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data" ${ARG_DEFINES})
endfunction()
