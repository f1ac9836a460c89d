# Compiler settings shared by every target: language level, warnings as errors, sanitizers, ccache, output folders.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# -g1 keeps backtraces readable in release at little cost in size; asserts of libraries stay off there.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -fno-omit-frame-pointer")

# The same bits on every target: no contraction of a*b+c into fused multiply-add behind our back.
add_compile_options(-ffp-contract=off)
add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
                    -Wold-style-cast -Woverloaded-virtual -Wcast-align -Wdouble-promotion -Wimplicit-fallthrough)

option(NDSHARE_UNITY "Compile the sources of a folder some at a time, see NdshareFolder.cmake" ON)
if(NDSHARE_UNITY)  # every source is an included file then, and g++ takes its private types for a header's
  add_compile_options(-Wno-subobject-linkage)
endif()

if(NDSHARE_SANITIZE)
  add_compile_options(-fsanitize=${NDSHARE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${NDSHARE_SANITIZE})
  # Under sanitizers g++ 12 reports uninitialised and bounds warnings in system headers that it does not see otherwise;
  # its thread sanitizer does not model fences, which only oneTBB uses here.
  # No vptr check: it probes memory through a pipe of its own, and so reports sound objects in the tests that run a process
  # out of descriptors.
  if(NDSHARE_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize=vptr)
  endif()
  add_compile_options(-Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds -Wno-tsan)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Precompiled headers: ccache must know that what they define and when they were made does not matter.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()
