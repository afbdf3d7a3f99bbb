# SPDX-License-Identifier: GPL-2.0-or-later
# Every library that is used, as an imported target. All that are missing are named at once, each
# with its Debian package. Nothing is downloaded.

include(${CMAKE_CURRENT_LIST_DIR}/libraries.cmake)

require_package(CLI11 "CLI11" libcli11-dev CONFIG)

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
