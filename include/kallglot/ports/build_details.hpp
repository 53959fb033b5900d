/// Version and origin of this build, from the build system.

#ifndef KALLGLOT_PORTS_BUILD_DETAILS_HPP
#define KALLGLOT_PORTS_BUILD_DETAILS_HPP

#include <string_view>

namespace kallglot {

/// Constant texts.
struct build_details {
    std::string_view version;
    std::string_view revision;
    std::string_view compiler;
};

} // namespace kallglot

#endif
