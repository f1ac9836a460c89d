# Install and export: find_package(ndshare), targets ndshare::ndshare and ndshare::array, a pkg-config file.
include(CMakePackageConfigHelpers)

foreach(pair "ndshare_shared;ndshare" "ndshare_array_shared;array")
  list(GET pair 0 target)
  list(GET pair 1 exported)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${exported})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
                                                 $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  install(TARGETS ${target} EXPORT ndshareTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endforeach()
install(TARGETS ndshare ndshared RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/ndshare DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT ndshareTargets NAMESPACE ndshare:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ndshare)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ndshareConfig.cmake.in ${CMAKE_BINARY_DIR}/ndshareConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ndshare)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/ndshareConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/ndshareConfig.cmake ${CMAKE_BINARY_DIR}/ndshareConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ndshare)

file(RELATIVE_PATH NDSHARE_PC_TO_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${CMAKE_CURRENT_LIST_DIR}/ndshare.pc.in ${CMAKE_BINARY_DIR}/ndshare.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/ndshare.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
