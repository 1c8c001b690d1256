# SPDX-License-Identifier: BSL-1.0
# What CMakeLists.txt installs. meson.build installs the same files, from the same templates.

# GNUInstallDirs has these too, and warns in a project without a language.
set(CMAKE_INSTALL_INCLUDEDIR include CACHE STRING "the folder of headers, below the prefix")
set(CMAKE_INSTALL_DATADIR share CACHE STRING "the folder of data that no architecture owns, below the prefix")

set(package_folder "${CMAKE_INSTALL_DATADIR}/cmake/pvhboot")
set(PREFIX "${CMAKE_INSTALL_PREFIX}")
set(VERSION "${PROJECT_VERSION}")
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(INCLUDE_FROM_PREFIX "${CMAKE_INSTALL_INCLUDEDIR}")
  set(INCLUDE_FROM_PACKAGE "${CMAKE_INSTALL_INCLUDEDIR}")
else()
  set(INCLUDE_FROM_PREFIX "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
  if(IS_ABSOLUTE "${CMAKE_INSTALL_DATADIR}")
    set(INCLUDE_FROM_PACKAGE "${PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}")
  else()
    file(RELATIVE_PATH INCLUDE_FROM_PACKAGE "/${package_folder}" "/${CMAKE_INSTALL_INCLUDEDIR}")
  endif()
endif()

foreach(name pvhbootConfig.cmake pvhbootConfigVersion.cmake pvhboot.pc)
  configure_file("cmake/${name}.in" "${name}" @ONLY)
endforeach()
install(DIRECTORY include/pvhboot DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES spec/fields.json spec/fields.schema.json spec/pvh.ksy spec/pvhboot_gdb.py
  DESTINATION "${CMAKE_INSTALL_DATADIR}/pvhboot")
install(FILES
  cmake/pvhbootTargets.cmake
  "${CMAKE_CURRENT_BINARY_DIR}/pvhbootConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/pvhbootConfigVersion.cmake"
  DESTINATION "${package_folder}")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/pvhboot.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
