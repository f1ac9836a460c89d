# Manual pages, completions, units, and a Debian package: `cpack -G DEB` in the build folder (tools/README.md).

# ---- written by the programs themselves, so that they say what these are
set(docs ${CMAKE_BINARY_DIR}/docs)
add_custom_command(
  OUTPUT ${docs}/ndshare.1 ${docs}/ndshared.8 ${docs}/ndshare.bash ${docs}/_ndshare ${docs}/ndshare.fish
  COMMAND ${CMAKE_COMMAND} -E env NDSHARE_DAEMON=$<TARGET_FILE:ndshared> ASAN_OPTIONS=detect_leaks=0
          $<TARGET_FILE:ndshare> help --man ${docs}
  COMMAND ndshare completion bash > ${docs}/ndshare.bash
  COMMAND ndshare completion zsh > ${docs}/_ndshare
  COMMAND ndshare completion fish > ${docs}/ndshare.fish
  DEPENDS ndshare ndshared
  COMMENT "Manual pages and completions" VERBATIM)
add_custom_target(ndshare_docs ALL DEPENDS ${docs}/ndshare.1)
install(FILES ${docs}/ndshare.1 DESTINATION ${CMAKE_INSTALL_DATADIR}/man/man1)
install(FILES ${docs}/ndshared.8 DESTINATION ${CMAKE_INSTALL_DATADIR}/man/man8)
install(FILES ${docs}/ndshare.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ndshare)
install(FILES ${docs}/_ndshare DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${docs}/ndshare.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# ---- units: the programs' place is known when they are installed, not before
install(CODE "set(NDSHARE_UNITS \"${CMAKE_SOURCE_DIR}/tools/systemd\")")
install(CODE [[
  set(BINDIR "${CMAKE_INSTALL_PREFIX}/bin")
  foreach(kind system user)
    configure_file("${NDSHARE_UNITS}/${kind}-ndshared@.service.in"
                   "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/lib/systemd/${kind}/ndshared@.service" @ONLY)
  endforeach()
]])
install(FILES ${CMAKE_SOURCE_DIR}/tools/systemd/user-ndshared@.socket DESTINATION lib/systemd/user RENAME ndshared@.socket)
install(FILES ${CMAKE_SOURCE_DIR}/tools/systemd/ndshare.sysusers DESTINATION lib/sysusers.d RENAME ndshare.conf)
install(FILES ${CMAKE_SOURCE_DIR}/tools/grafana/ndshare.json DESTINATION ${CMAKE_INSTALL_DATADIR}/ndshare/grafana)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/ndshare RENAME copyright)

# ---- the package: everything in one, as users need headers and programs of the same memory layout
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ndshare)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "the ndshare maintainers <ndshare@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_SET_DESTDIR ON)  # so that the prefix in units is the one of the installed system
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus, bash-completion")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/tools/debian/postinst ${CMAKE_SOURCE_DIR}/tools/debian/prerm
    ${CMAKE_SOURCE_DIR}/tools/debian/postrm)
include(CPack)
