/// Why the daemon does not start: a message for the operator, and the exit code.

#ifndef KALLGLOT_APP_START_FAILURE_HPP
#define KALLGLOT_APP_START_FAILURE_HPP

#include <string>

namespace kallglot {

struct start_failure {
    std::string message;
    int exit_code = 1; ///< 1: a restart may help; 2: it will not
};

} // namespace kallglot

#endif
