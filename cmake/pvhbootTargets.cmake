# SPDX-License-Identifier: BSL-1.0
# The targets, for an installed package (pvhbootConfig.cmake) and for this project inside another one (CMakeLists.txt).
# Both set pvhboot_INCLUDE_DIR first. The targets are imported, so a project that exports its own libraries does not have
# to export these, and its warnings do not reach the headers.

# pvhboot::pvhboot: the headers.
add_library(pvhboot::pvhboot INTERFACE IMPORTED)
set_target_properties(pvhboot::pvhboot PROPERTIES
  INTERFACE_COMPILE_FEATURES cxx_std_20
  INTERFACE_INCLUDE_DIRECTORIES "${pvhboot_INCLUDE_DIR}")

# pvhboot::c: the C interface, whose source is compiled as a part of the target that links it. CMake ignores a C++ source in
# a project without C++ until the link fails, so such a project gets a target that does not exist: the error has its name.
add_library(pvhboot::c INTERFACE IMPORTED)
set_target_properties(pvhboot::c PROPERTIES
  INTERFACE_SOURCES "${pvhboot_INCLUDE_DIR}/pvhboot/c/pvhboot_c.cpp"
  INTERFACE_LINK_LIBRARIES
    "pvhboot::pvhboot;$<$<STREQUAL:$<CXX_COMPILER_ID>,>:pvhboot::c_needs_CXX_among_the_languages_of_the_project>")
