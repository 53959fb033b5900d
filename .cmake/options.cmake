# Options of compiler and linker, the same for every target: one INTERFACE library, kallglot_options.

# Untested compilers are rejected, because compilers differ in coroutines (CONTRIBUTING.md, rule C1).
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
        message(FATAL_ERROR "clang ${CMAKE_CXX_COMPILER_VERSION} is too old: clang 19 is the reference compiler")
    endif()
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
        message(FATAL_ERROR "g++ ${CMAKE_CXX_COMPILER_VERSION} is too old: 12.2 is the oldest that is tested")
    endif()
    if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS_EQUAL 12.2)
        message(STATUS "g++ ${CMAKE_CXX_COMPILER_VERSION} destroys some co_await temporaries twice: "
            "keep to rule C1 in CONTRIBUTING.md")
    endif()
else()
    message(FATAL_ERROR "unknown compiler ${CMAKE_CXX_COMPILER_ID}: use clang 19 or newer, or g++ 12 or newer")
endif()

set(KALLGLOT_SANITIZE "" CACHE STRING "Sanitizers for all targets, for example address,undefined")
option(KALLGLOT_WERROR "Warnings are errors" OFF)
option(KALLGLOT_HARDENING "Flags that make exploits harder, for release" OFF)
option(KALLGLOT_COVERAGE "Source-based coverage (clang)" OFF)
option(KALLGLOT_PCH "One precompiled header for all targets" ON)
option(KALLGLOT_CCACHE "Use ccache when it is installed" ON)
set(KALLGLOT_TEST_PREFIX "" CACHE STRING "Prefix of the name of each test, for example gcc/")

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()

# Invariants of our own code are asserted in all builds, so Release does not define NDEBUG.
if(CMAKE_CXX_FLAGS_RELEASE MATCHES "NDEBUG")
    set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1" CACHE STRING "Flags of a release build" FORCE)
endif()

add_library(kallglot_options INTERFACE)
add_library(kallglot::options ALIAS kallglot_options)
set(CMAKE_CXX_EXTENSIONS OFF)
target_compile_features(kallglot_options INTERFACE cxx_std_20)

# -Wnull-dereference is left to clang: g++ 12 reports comparisons inside Asio's own headers once it inlines them.
target_compile_options(kallglot_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
    -Wformat=2 -Wimplicit-fallthrough
    $<$<CXX_COMPILER_ID:Clang>:-Wnull-dereference> $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
    # g++ 12 pairs the operator new of a coroutine's promise with the wrong operator delete once they are inlined.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>
    $<$<BOOL:${KALLGLOT_WERROR}>:-Werror>)

# Asio, its TLS and Beast are compiled once, in daemon/async/boost_impl.cpp.
target_compile_definitions(kallglot_options INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION
    BOOST_BEAST_SEPARATE_COMPILATION
    BOOST_ASIO_NO_DEPRECATED
    OPENSSL_API_COMPAT=30000
    OPENSSL_NO_DEPRECATED
    _GLIBCXX_ASSERTIONS)

if(KALLGLOT_SANITIZE)
    target_compile_options(kallglot_options INTERFACE
        -fsanitize=${KALLGLOT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(kallglot_options INTERFACE -fsanitize=${KALLGLOT_SANITIZE})
endif()

if(KALLGLOT_COVERAGE)
    target_compile_options(kallglot_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
    target_link_options(kallglot_options INTERFACE -fprofile-instr-generate)
endif()

if(KALLGLOT_HARDENING)
    target_compile_options(kallglot_options INTERFACE
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        target_compile_options(kallglot_options INTERFACE -fcf-protection)
    endif()
    target_link_options(kallglot_options INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

# lld links a sanitized test in a fraction of the time that GNU ld takes.
find_program(KALLGLOT_LLD ld.lld-19)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND KALLGLOT_LLD)
    target_link_options(kallglot_options INTERFACE --ld-path=${KALLGLOT_LLD})
endif()

# ccache needs to know that there is a precompiled header, and that its time stamp does not matter. With the compiler's own
# list of dependencies it needs no run of the preprocessor for a unit that is not in its cache.
find_program(KALLGLOT_CCACHE_PROGRAM ccache)
if(KALLGLOT_CCACHE AND KALLGLOT_CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        env CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros
        ${KALLGLOT_CCACHE_PROGRAM})
    if(KALLGLOT_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        target_compile_options(kallglot_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
endif()
