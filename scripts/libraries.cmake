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

# For those without a .pc file: gives the target where both are found.
macro(find_bare prefix target header library)
    find_path(${prefix}_INCLUDE_DIR ${header})
    find_library(${prefix}_LIBRARY ${library})
    mark_as_advanced(${prefix}_INCLUDE_DIR ${prefix}_LIBRARY)
    if(NOT TARGET ${target} AND ${prefix}_INCLUDE_DIR AND ${prefix}_LIBRARY)
        add_library(${target} UNKNOWN IMPORTED)
        set_target_properties(${target} PROPERTIES
            IMPORTED_LOCATION ${${prefix}_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${${prefix}_INCLUDE_DIR})
    endif()
endmacro()

find_bare(AIO AIO::aio libaio.h aio)
if(NOT TARGET AIO::aio)
    list(APPEND missing "libaio (Debian package libaio-dev)")
endif()

# Debian has libipsec-mb for amd64 alone. Without it sha256 goes one block at a time.
find_bare(IPSEC_MB IPSEC_MB::ipsec_mb intel-ipsec-mb.h IPSec_MB)
if(NOT TARGET IPSEC_MB::ipsec_mb AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND missing "libipsec-mb (Debian package libipsec-mb-dev)")
endif()
