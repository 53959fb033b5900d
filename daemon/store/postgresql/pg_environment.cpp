#include "store/postgresql/pg_environment.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

pg_environment pg_environment::clear() {
    // The names first: removing a variable moves those behind it.
    std::vector<std::string> names;
    for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
        const std::string_view variable(*each);
        if (variable.starts_with("PG")) {
            names.emplace_back(variable.substr(0, variable.find('=')));
        }
    }
    for (const std::string& name : names) {
        ::unsetenv(name.c_str());
    }
    // A server may ask for Kerberos. Without credentials that ends with an error, and never with a login by a ticket that is on
    // the machine for another purpose.
    ::setenv("KRB5CCNAME", "MEMORY:kallglot", 1);
    ::setenv("KRB5_CLIENT_KTNAME", "MEMORY:kallglot", 1);
    return {};
}

} // namespace kallglot
