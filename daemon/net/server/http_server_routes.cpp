#include "kallglot/net/server/http_server_routes.hpp"

#include <cassert>

namespace kallglot {

// A missing slash or handler is a mistake of the code.
void http_routes::add(std::string method, std::string path, http_handler handler, match how) {
    assert(path.starts_with('/') && handler);
    routes_.push_back({std::move(method), std::move(path), std::move(handler), how});
}

// Whether a route covers a path, whatever the method is.
bool http_routes::fits(const route& candidate, std::string_view path) noexcept {
    return candidate.how == match::exact ? path == candidate.path
                                         : path.starts_with(candidate.path);
}

http_routes::found http_routes::find(std::string_view method, std::string_view path) const {
    // The path decides first: a wrong method on an exact path is a 405, even if a prefix around it has that method.
    const route* best = nullptr;
    for (const route& candidate : routes_) {
        const bool better = best == nullptr || candidate.path.size() > best->path.size();
        if (fits(candidate, path) && better) {
            best = &candidate;
        }
    }
    found outcome;
    if (best == nullptr) {
        outcome.status = 404;
        return outcome;
    }

    // The methods of this path, for the field Allow of a 405 (RFC 9110 section 15.5.6).
    const auto allow = [&outcome](std::string_view name) {
        outcome.allow += outcome.allow.empty() ? "" : ", ";
        outcome.allow += name;
    };
    for (const route& candidate : routes_) {
        if (candidate.path != best->path || candidate.how != best->how) {
            continue;
        }
        // HEAD is a GET without the body of its response; the server drops the body.
        const bool reads = candidate.method == "GET";
        if (candidate.method == method || (reads && method == "HEAD")) {
            outcome.handler = &candidate.handler;
            outcome.allow.clear();
            return outcome;
        }
        allow(candidate.method);
        if (reads) {
            allow("HEAD");
        }
    }
    // The path exists, and `allow` has its methods.
    outcome.status = 405;
    return outcome;
}

} // namespace kallglot
