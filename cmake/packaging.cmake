# What is installed, and the Debian package: the program, the scenarios it can name, the reading.
include(GNUInstallDirs)

# Package the program without building the tests first.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

if(TARGET freshet)
  install(TARGETS freshet RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY scenarios/library DESTINATION ${CMAKE_INSTALL_DATADIR}/freshet/scenarios
        FILES_MATCHING PATTERN "*.textproto" PATTERN "*.yaml" PATTERN "*.csv")
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME freshet)
set(CPACK_PACKAGE_CONTACT "The Freshet authors <freshet@localhost>")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/package)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Tells what a streaming pipeline does when something breaks, grows or has to be\nreplayed: how fresh its output stays, how long it takes to recover, and why.\nThe same scenario and seed give the same bytes.")
include(CPack)
