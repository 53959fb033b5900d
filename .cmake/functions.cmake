# Functions for the CMakeLists.txt of the folders, so that a room is a list of its files and of the libraries it uses.

# kallglot_use_pch(target [test])
# Uses the shared precompiled header, or the one of the tests. The compiler rejects one that was made with other flags, so
# the target must link kallglot_options and have no flags of its own that change code generation.
function(kallglot_use_pch target)
    if(KALLGLOT_PCH AND "test" IN_LIST ARGN)
        target_precompile_headers(${target} REUSE_FROM kallglot_test_pch)
    elseif(KALLGLOT_PCH)
        target_precompile_headers(${target} REUSE_FROM kallglot_pch)
    endif()
endfunction()

# kallglot_room(tracking SOURCES session_registry.cpp ... LINK kallglot::base ...)
# A room of the daemon: the static library kallglot_tracking, also known as kallglot::tracking. Headers that other rooms
# include are in include/kallglot/tracking/, private ones beside their bodies in daemon/tracking/. LINK is public: a room's
# users may use what its headers use. A room without SOURCES has headers only.
function(kallglot_room name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
    set(target kallglot_${name})
    set(folders "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/daemon")
    if(arg_SOURCES)
        add_library(${target} STATIC ${arg_SOURCES})
        target_include_directories(${target} PUBLIC ${folders})
        target_link_libraries(${target} PUBLIC kallglot_options ${arg_LINK} PRIVATE kallglot_boost)
        kallglot_use_pch(${target})
    else()
        add_library(${target} INTERFACE)
        target_include_directories(${target} INTERFACE ${folders})
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

# kallglot_test(poll_schedule_test LABEL unit SOURCES poll_schedule_test.cpp LINK kallglot::polling)
# A GoogleTest program; each of its tests is one test of ctest and has the label. A test finds files of the repository
# through KALLGLOT_SOURCE_DIR, and the two programs through KALLGLOT_BINARY_DIR. TIMEOUT is in seconds (60). WILL_FAIL marks
# tests that are known to fail with this compiler: ctest reports an error if they pass.
function(kallglot_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "WILL_FAIL" "LABEL;TIMEOUT" "SOURCES;LINK")
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
    kallglot_use_pch(${name} test)
    gtest_discover_tests(${name}
        TEST_PREFIX "${KALLGLOT_TEST_PREFIX}"
        NO_PRETTY_VALUES
        DISCOVERY_TIMEOUT 60
        PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT} WILL_FAIL ${arg_WILL_FAIL})
endfunction()

# kallglot_bench(timing_wheel_bench SOURCES timing_wheel_bench.cpp LINK kallglot::polling)
# A program of Google Benchmark, in bench/ of the build folder; `./dev bench` runs all of them.
add_custom_target(kallglot_benchmarks)
function(kallglot_bench name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
    add_executable(${name} ${arg_SOURCES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bench")
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(${name} PRIVATE
        kallglot_options kallglot_boost ${arg_LINK} benchmark::benchmark benchmark::benchmark_main)
    kallglot_use_pch(${name})
    add_dependencies(kallglot_benchmarks ${name})
endfunction()

# kallglot_fuzz(session_parser_fuzz CORPUS folder SOURCES session_parser_fuzz.cpp LINK kallglot::api)
# A libFuzzer program (clang only). With the preset fuzz it searches for faults. In every clang build a test with the label
# fuzz replays its corpus.
function(kallglot_fuzz name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;LINK")
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        return()
    endif()
    add_executable(${name} ${arg_SOURCES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(${name} PRIVATE kallglot_options kallglot_boost ${arg_LINK})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    kallglot_use_pch(${name})
    if(NOT TARGET kallglot_fuzzers)
        add_custom_target(kallglot_fuzzers)
    endif()
    add_dependencies(kallglot_fuzzers ${name})
    add_test(NAME "${KALLGLOT_TEST_PREFIX}${name}.replay"
        COMMAND ${name} -runs=0 "${CMAKE_CURRENT_SOURCE_DIR}/${arg_CORPUS}")
    set_tests_properties("${KALLGLOT_TEST_PREFIX}${name}.replay" PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()

function(kallglot_add_folders)
    foreach(folder IN LISTS ARGN)
        add_subdirectory(${folder})
    endforeach()
endfunction()

# `cmake --install` (with DESTDIR): the program, the service, documents, and an example configuration. An upgrade does not
# overwrite a configuration that was changed (.cmake/debian/conffiles).
function(kallglot_install_files)
    set(share "${CMAKE_INSTALL_DATADIR}/kallglot-exporter")
    set(doc "${CMAKE_INSTALL_DATADIR}/doc/kallglot-exporter")
    install(TARGETS kallglot_exporter RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
    if(TARGET kallglot_simulator)
        install(TARGETS kallglot_simulator RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
        kallglot_install_compressed(tests/simulator/kallglot_simulator.1 "${CMAKE_INSTALL_MANDIR}/man1" kallglot_simulator.1)
    endif()
    install(FILES systemd/kallglot_exporter.service systemd/kallglot_exporter-retry.service
        DESTINATION lib/systemd/system)
    install(FILES config/example.yml DESTINATION /etc/kallglot_exporter RENAME config.yml)
    install(DIRECTORY config/prometheus config/grafana DESTINATION "${share}")
    install(FILES config/alertmanager.yml DESTINATION "${share}")
    install(FILES README.md config/prometheus/metrics.md config/prometheus/runbooks.md DESTINATION "${doc}")
    install(FILES config/README.md DESTINATION "${doc}" RENAME configuration.md)
    install(FILES .cmake/debian/copyright DESTINATION "${doc}")
    install(FILES .cmake/debian/lintian-overrides DESTINATION "${CMAKE_INSTALL_DATADIR}/lintian/overrides" RENAME kallglot-exporter)
    kallglot_install_compressed(CHANGELOG.md "${doc}" changelog)
    kallglot_install_compressed(.cmake/debian/changelog "${doc}" changelog.Debian)
    kallglot_install_compressed(daemon/kallglot_exporter.8 "${CMAKE_INSTALL_MANDIR}/man8" kallglot_exporter.8)
endfunction()

# Installs a text as <name>.gz; the same text gives the same bytes (gzip -n).
function(kallglot_install_compressed file folder name)
    set(packed "${PROJECT_BINARY_DIR}/packed/${name}.gz")
    add_custom_command(OUTPUT "${packed}"
        COMMAND ${CMAKE_COMMAND} -E make_directory "${PROJECT_BINARY_DIR}/packed"
        COMMAND sh -c "gzip -9n < '${PROJECT_SOURCE_DIR}/${file}' > '${packed}'"
        DEPENDS "${PROJECT_SOURCE_DIR}/${file}" VERBATIM)
    if(NOT TARGET kallglot_packed)
        add_custom_target(kallglot_packed ALL)
    endif()
    add_custom_target("packed_${name}" DEPENDS "${packed}")
    add_dependencies(kallglot_packed "packed_${name}")
    install(FILES "${packed}" DESTINATION "${folder}")
endfunction()
