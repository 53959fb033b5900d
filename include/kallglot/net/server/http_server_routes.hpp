/// The routes of a listener: method, path, handler.
///
/// The look-up is a pure function of method and path, so that 404 and 405 are tested without a socket.

#ifndef KALLGLOT_NET_SERVER_HTTP_SERVER_ROUTES_HPP
#define KALLGLOT_NET_SERVER_HTTP_SERVER_ROUTES_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/net/server/http_server_types.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {

/// Answers one request. A function or callable that *returns* a coroutine; never a capturing lambda coroutine (house
/// rule C7). An exception that leaves it is a bug: the server logs it and responds with 500.
using http_handler = std::function<task<http_response>(http_request)>;

/// Decides by the head whether the server reads the body of a request. A response rejects the request.
using http_body_check = std::function<std::optional<http_response>(const http_request& head)>;

/// Filled at the start, constant while the server runs.
class http_routes {
public:
    enum class match { exact, prefix };

    /// Precondition: `path` begins with a slash. A route for GET answers HEAD as well. A body of the request may be left
    /// unread; the handler must not need it.
    void add(std::string method, std::string path, http_handler handler, match how = match::exact);

    /// The same for an exact path whose handler needs the body.
    void add_with_body(std::string method,
                       std::string path,
                       http_handler handler,
                       http_body_check check);

    struct found {
        const http_handler* handler = nullptr;  ///< null: see status
        const http_body_check* check = nullptr; ///< null: the body is not needed
        int status = 200;                       ///< 204 (OPTIONS), 404 or 405 without a handler
        std::string allow;                      ///< for 204 and 405: the methods of this path
    };

    /// The route of a request. An exact path wins over a prefix, a longer prefix over a shorter one. OPTIONS asks for the
    /// methods of a path, or with `*` for those of all paths.
    [[nodiscard]] found find(std::string_view method, std::string_view path) const;

private:
    struct route {
        std::string method;
        std::string path;
        http_handler handler;
        match how;
        http_body_check check;
    };

    [[nodiscard]] static bool fits(const route& candidate, std::string_view path) noexcept;
    [[nodiscard]] const route* best_for(std::string_view path) const noexcept;
    [[nodiscard]] std::string methods_of(const route* chosen) const;

    std::vector<route> routes_;
};

} // namespace kallglot

#endif
