# Writes the generated header with version, revision and compiler. Runs at each build, and changes the file only if its
# text changes, so that a commit costs the compilation of two small files and one link.
#
# Called with -DSOURCE -DOUTPUT -DVERSION -DCOMPILER -DSANITIZERS.

set(revision "unknown")
find_program(GIT git)
if(GIT AND EXISTS "${SOURCE}/.git")
    # safe.directory: for this one command git accepts a clone of another user.
    execute_process(
        COMMAND ${GIT} -c safe.directory=* -C "${SOURCE}" describe --always --dirty --abbrev=12 --exclude=*
        OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed AND answer)
        set(revision "${answer}")
    endif()
endif()

set(text "/// Version, revision and compiler of this build. Generated, see .cmake/revision.cmake; do not edit.

#ifndef KALLGLOT_BUILD_INFO_HPP
#define KALLGLOT_BUILD_INFO_HPP

#include <string_view>

namespace kallglot::build_info {

inline constexpr std::string_view version = \"${VERSION}\";
inline constexpr std::string_view revision = \"${revision}\";
inline constexpr std::string_view compiler = \"${COMPILER}\";
inline constexpr std::string_view sanitizers = \"${SANITIZERS}\"; ///< empty in a release

}  // namespace kallglot::build_info

#endif
")

set(old "")
if(EXISTS "${OUTPUT}")
    file(READ "${OUTPUT}" old)
endif()
if(NOT old STREQUAL text)
    file(WRITE "${OUTPUT}" "${text}")
endif()
