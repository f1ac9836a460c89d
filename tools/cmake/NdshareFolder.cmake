# One CMake target a folder, and one test program a folder.

include(GNUInstallDirs)

# ndshare_folder(NAME base SOURCES a.cc b.cc DEPS array LINK TBB::tbb)
#   makes the static library ndshare_<NAME>. DEPS are folders above it in the include table, LINK is third party.
function(ndshare_folder)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;LINK" ${ARGN})
  set(target ndshare_${ARG_NAME})
  add_library(${target} STATIC ${ARG_SOURCES})
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
                                              $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>)
  target_compile_definitions(${target} PRIVATE NDSHARE_BUILDING)
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(${target} PUBLIC ndshare_${dep})
  endforeach()
  target_link_libraries(${target} PRIVATE ${ARG_LINK})
endfunction()

# ndshare_unit_test(NAME array_test SOURCES … LINK ndshare_array)
#   makes a GoogleTest program of that name and one ctest entry for it. Options: DEFINES, TIMEOUT (seconds).
function(ndshare_unit_test)
  cmake_parse_arguments(ARG "" "NAME;TIMEOUT" "SOURCES;LINK;DEFINES" ${ARGN})
  if(NOT ARG_TIMEOUT)  # under the thread sanitizer, beside others, some take ten times as long
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_LINK} ndshare_test_support)
  target_compile_definitions(${ARG_NAME} PRIVATE NDSHARE_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data" ${ARG_DEFINES})
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME})
  set_tests_properties(${ARG_NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()
