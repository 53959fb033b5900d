# The compiler of a preset. It names a family, because each Debian has versions of its own.

set(KALLGLOT_COMPILER "" CACHE STRING "clang or gcc, the newest tested version that is installed; empty: CMake chooses")

# Where no version that Debian has is installed under its name, options.cmake judges the plain one.
set(clang_names clang++-19 clang++)
set(gcc_names g++-14 g++-12 g++)
if(KALLGLOT_COMPILER)
    find_program(CMAKE_CXX_COMPILER NAMES ${${KALLGLOT_COMPILER}_names} REQUIRED)
endif()
