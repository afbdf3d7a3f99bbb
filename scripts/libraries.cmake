# SPDX-License-Identifier: GPL-2.0-or-later
# Every library that ours are linked with, as an imported target; also of an installed tree, whose CMake package reads
# this file. What is missing is appended to the list `missing`, each with its Debian package.

set(missing "")

find_package(Threads QUIET)
if(NOT Threads_FOUND)
    list(APPEND missing "threads")
endif()

find_package(PkgConfig QUIET)
if(NOT PkgConfig_FOUND)
    list(APPEND missing "pkg-config (Debian package pkg-config)")
endif()

# Gives PkgConfig::<prefix>.
macro(require_pkg prefix module name package)
    if(PkgConfig_FOUND)
        pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module})
    endif()
    if(NOT ${prefix}_FOUND)
        list(APPEND missing "${name} (Debian package ${package})")
    endif()
endmacro()

macro(require_package module name package)
    find_package(${module} QUIET ${ARGN})
    if(NOT ${module}_FOUND)
        list(APPEND missing "${name} (Debian package ${package})")
    endif()
endmacro()

require_pkg(ISAL libisal "ISA-L" libisal-dev)
require_pkg(XXHASH libxxhash "xxHash" libxxhash-dev)
require_pkg(GCRYPT libgcrypt "libgcrypt" libgcrypt20-dev)
require_pkg(BLKID blkid "libblkid" libblkid-dev)
require_package(nlohmann_json "JSON for Modern C++" nlohmann-json3-dev CONFIG)

# libaio comes without a .pc file.
find_path(AIO_INCLUDE_DIR libaio.h)
find_library(AIO_LIBRARY aio)
mark_as_advanced(AIO_INCLUDE_DIR AIO_LIBRARY)
if(NOT TARGET AIO::aio AND AIO_INCLUDE_DIR AND AIO_LIBRARY)
    add_library(AIO::aio UNKNOWN IMPORTED)
    set_target_properties(AIO::aio PROPERTIES
        IMPORTED_LOCATION ${AIO_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${AIO_INCLUDE_DIR})
endif()
if(NOT TARGET AIO::aio)
    list(APPEND missing "libaio (Debian package libaio-dev)")
endif()

# Debian has libipsec-mb for amd64 alone, and it has no .pc file. Without it sha256 goes one block at a time.
find_path(IPSEC_MB_INCLUDE_DIR intel-ipsec-mb.h)
find_library(IPSEC_MB_LIBRARY IPSec_MB)
mark_as_advanced(IPSEC_MB_INCLUDE_DIR IPSEC_MB_LIBRARY)
if(NOT TARGET IPSEC_MB::ipsec_mb AND IPSEC_MB_INCLUDE_DIR AND IPSEC_MB_LIBRARY)
    add_library(IPSEC_MB::ipsec_mb UNKNOWN IMPORTED)
    set_target_properties(IPSEC_MB::ipsec_mb PROPERTIES
        IMPORTED_LOCATION ${IPSEC_MB_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${IPSEC_MB_INCLUDE_DIR})
endif()
if(NOT TARGET IPSEC_MB::ipsec_mb AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND missing "libipsec-mb (Debian package libipsec-mb-dev)")
endif()
