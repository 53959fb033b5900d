# The libraries that the project uses, all of them packages of Debian 12 and 13 (.packages lists them). The versions are the
# oldest that are tested.

# Config mode, because a machine may have the run-time files of an older Boost beside this one.
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS headers json)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
# An older revision of 1.52 can be aborted by a server; the package demands a newer one (package.cmake).
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET GLOBAL libnghttp2>=1.52.0)
# Pipelines are in libpq since 14.
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET GLOBAL libpq>=14)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET GLOBAL libsystemd)
pkg_check_modules(CRYPT REQUIRED IMPORTED_TARGET GLOBAL libcrypt)

if(BUILD_TESTING)
    find_package(GTest CONFIG REQUIRED)
    find_package(benchmark CONFIG REQUIRED)
    include(GoogleTest)
endif()

# All targets use one precompiled header, so all of them must use the same thread options.
target_link_libraries(kallglot_options INTERFACE Threads::Threads)
