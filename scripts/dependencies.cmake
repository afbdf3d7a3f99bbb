# SPDX-License-Identifier: GPL-2.0-or-later
# Every library that is used, as an imported target. All that are missing are named at once, each
# with its Debian package. Nothing is downloaded.

set(missing "")

find_package(Threads REQUIRED)

find_package(PkgConfig QUIET)
if(NOT PkgConfig_FOUND)
    message(FATAL_ERROR "pkg-config is not there: install the Debian package pkg-config")
endif()

# Gives PkgConfig::<prefix>.
macro(require_pkg prefix module name package)
    pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module})
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
require_package(CLI11 "CLI11" libcli11-dev CONFIG)
require_package(nlohmann_json "JSON for Modern C++" nlohmann-json3-dev CONFIG)

# libaio comes without a .pc file.
find_path(AIO_INCLUDE_DIR libaio.h)
find_library(AIO_LIBRARY aio)
mark_as_advanced(AIO_INCLUDE_DIR AIO_LIBRARY)
if(AIO_INCLUDE_DIR AND AIO_LIBRARY)
    add_library(AIO::aio UNKNOWN IMPORTED)
    set_target_properties(AIO::aio PROPERTIES
        IMPORTED_LOCATION ${AIO_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${AIO_INCLUDE_DIR})
else()
    list(APPEND missing "libaio (Debian package libaio-dev)")
endif()

# Debian has libipsec-mb for amd64 alone, and it has no .pc file. Without it sha256 goes one block at a time.
find_path(IPSEC_MB_INCLUDE_DIR intel-ipsec-mb.h)
find_library(IPSEC_MB_LIBRARY IPSec_MB)
mark_as_advanced(IPSEC_MB_INCLUDE_DIR IPSEC_MB_LIBRARY)
if(IPSEC_MB_INCLUDE_DIR AND IPSEC_MB_LIBRARY)
    add_library(IPSEC_MB::ipsec_mb UNKNOWN IMPORTED)
    set_target_properties(IPSEC_MB::ipsec_mb PROPERTIES
        IMPORTED_LOCATION ${IPSEC_MB_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${IPSEC_MB_INCLUDE_DIR})
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND missing "libipsec-mb (Debian package libipsec-mb-dev)")
endif()

if(BUILD_TESTING)
    require_package(GTest "GoogleTest, for the tests (or -DBUILD_TESTING=OFF)" libgtest-dev)
    require_package(Python3 "Python 3, for the tests (or -DBUILD_TESTING=OFF)" python3 COMPONENTS Interpreter)
    if(Python3_FOUND)
        execute_process(COMMAND ${Python3_EXECUTABLE} -c "import jsonschema; jsonschema.Draft202012Validator"
            RESULT_VARIABLE without_jsonschema OUTPUT_QUIET ERROR_QUIET)
        if(without_jsonschema)
            list(APPEND missing "jsonschema for ${Python3_EXECUTABLE}, for the tests (Debian package \
python3-jsonschema; -DPython3_EXECUTABLE=/usr/bin/python3 has it)")
        endif()
    endif()
endif()

if(missing)
    list(JOIN missing "\n  " missing)
    message(FATAL_ERROR "What btrfs-raid56 is built with is not there:\n  ${missing}\n"
        "On Debian 12 images/demo and tests/run install what they need of these.")
endif()
