# The functions that the folders call, so that a module is a list of its files and of what it stands on.

# One precompiled header for everybody. The compiler refuses one that was made with other flags, so each target that
# uses it must be given kallglot_options and nothing that changes code generation.
function(kallglot_use_pch target)
    if(KALLGLOT_PCH)
        target_precompile_headers(${target} REUSE_FROM kallglot_pch)
    endif()
endfunction()

# kallglot_module(core SOURCES error.cpp ... LINK Boost::json ...)
# A module of the daemon: the static library kallglot_core, also known as kallglot::core. Its headers are in
# include/kallglot/core/. LINK is public: who uses the module may use what its headers use.
function(kallglot_module name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
    set(target kallglot_${name})
    if(arg_SOURCES)
        add_library(${target} STATIC ${arg_SOURCES})
        target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}/include")
        target_link_libraries(${target} PUBLIC kallglot_options ${arg_LINK} PRIVATE kallglot_boost)
        kallglot_use_pch(${target})
    else()
        add_library(${target} INTERFACE)
        target_include_directories(${target} INTERFACE "${PROJECT_SOURCE_DIR}/include")
        target_link_libraries(${target} INTERFACE kallglot_options kallglot_boost ${arg_LINK})
    endif()
    add_library(kallglot::${name} ALIAS ${target})
endfunction()

# kallglot_program(kallglot_simulator SOURCES main.cpp ... LINK ...)
# An executable at the root of the build folder.
function(kallglot_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
    add_executable(${name} ${arg_SOURCES})
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/include")
    target_link_libraries(${name} PRIVATE kallglot_options kallglot_boost ${arg_LINK})
    kallglot_use_pch(${name})
endfunction()

# kallglot_test(poll_schedule_test LABEL unit SOURCES poll_schedule_test.cpp LINK kallglot::core)
# A GoogleTest program; each of its tests is one test of ctest and carries the label. A test may find files of the
# repository through KALLGLOT_SOURCE_DIR, the two programs through KALLGLOT_BINARY_DIR.
function(kallglot_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "SOURCES;LINK")
    if(NOT arg_LABEL)
        message(FATAL_ERROR "kallglot_test(${name}): LABEL is missing")
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 60)
    endif()
    add_executable(${name} ${arg_SOURCES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/tests")
    target_compile_definitions(${name} PRIVATE
        KALLGLOT_SOURCE_DIR="${PROJECT_SOURCE_DIR}" KALLGLOT_BINARY_DIR="${PROJECT_BINARY_DIR}")
    target_link_libraries(${name} PRIVATE
        kallglot_options kallglot_boost ${arg_LINK} GTest::gmock GTest::gtest GTest::gtest_main)
    kallglot_use_pch(${name})
    gtest_discover_tests(${name}
        TEST_PREFIX "${KALLGLOT_TEST_PREFIX}"
        DISCOVERY_TIMEOUT 60
        PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT})
endfunction()

# Missing folders are passed over, so that a part of the tree can be built.
function(kallglot_add_folders)
    foreach(folder IN LISTS ARGN)
        if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
            add_subdirectory(${folder})
        endif()
    endforeach()
endfunction()

function(kallglot_install_files)
    set(doc "${CMAKE_INSTALL_DOCDIR}")
    if(TARGET kallglot_exporter)
        install(TARGETS kallglot_exporter RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
    endif()
    install(FILES README.md CHANGELOG.md LICENSE DESTINATION "${doc}")
endfunction()
