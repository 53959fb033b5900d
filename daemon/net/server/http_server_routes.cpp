#include "kallglot/net/server/http_server_routes.hpp"

#include <algorithm>
#include <cassert>
#include <set>
#include <utility>

namespace kallglot {

// A missing slash, handler or check is a mistake of the code.
void http_routes::add(std::string method, std::string path, http_handler handler, match how) {
    assert(path.starts_with('/') && handler);
    routes_.push_back({std::move(method), std::move(path), std::move(handler), how, {}});
}

void http_routes::add_with_body(std::string method,
                                std::string path,
                                http_handler handler,
                                http_body_check check) {
    assert(check);
    add(std::move(method), std::move(path), std::move(handler));
    routes_.back().check = std::move(check);
}

// Whether a route covers a path, whatever the method is.
bool http_routes::fits(const route& candidate, std::string_view path) noexcept {
    return candidate.how == match::exact ? path == candidate.path
                                         : path.starts_with(candidate.path);
}

// The path decides first: a wrong method on an exact path is a 405, even if a prefix around it has that method.
const http_routes::route* http_routes::best_for(std::string_view path) const noexcept {
    const route* best = nullptr;
    for (const route& candidate : routes_) {
        // The longest path fits best. A table has some twenty routes, so a search is fast enough.
        const bool better = best == nullptr || candidate.path.size() > best->path.size();
        if (fits(candidate, path) && better) {
            best = &candidate;
        }
    }
    return best;
}

// The methods of a path, or of all paths, for the field Allow (RFC 9110 section 10.2.1).
std::string http_routes::methods_of(const route* chosen) const {
    // A set, because several routes may have one path.
    std::set<std::string_view> methods{"OPTIONS"};
    for (const route& candidate : routes_) {
        const bool counts =
            chosen == nullptr || (candidate.path == chosen->path && candidate.how == chosen->how);
        if (!counts) {
            continue;
        }
        methods.insert(candidate.method);
        if (candidate.method == "GET") {
            methods.insert("HEAD");
        }
    }
    std::string allow;
    for (const std::string_view name : methods) {
        allow += allow.empty() ? "" : ", ";
        allow += name;
    }
    return allow;
}

http_routes::found http_routes::find(std::string_view method, std::string_view path) const {
    const bool asks = method == "OPTIONS";
    found outcome;
    const route* const best = best_for(path);
    if (best == nullptr && !(asks && path == "*")) {
        // `OPTIONS *` is about the server as a whole (RFC 9110 section 9.3.7).
        outcome.status = 404;
        return outcome;
    }
    for (const route& candidate : routes_) {
        if (best == nullptr || candidate.path != best->path || candidate.how != best->how) {
            continue;
        }
        // HEAD is a GET without the body of its response; the server drops the body.
        const bool reads = candidate.method == "GET" && method == "HEAD";
        if (candidate.method == method || reads) {
            outcome.handler = &candidate.handler;
            outcome.check = candidate.check ? &candidate.check : nullptr;
            return outcome;
        }
    }
    // The path exists. A load balancer may ask for its methods to see whether the server works.
    outcome.status = asks ? 204 : 405;
    outcome.allow = methods_of(best);
    return outcome;
}

} // namespace kallglot
