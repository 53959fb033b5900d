/// `GET /config` and `POST /-/reload` of the private listener.

#ifndef KALLGLOT_WEB_CONFIG_ROUTES_HPP
#define KALLGLOT_WEB_CONFIG_ROUTES_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/net/server/http_server_routes.hpp"
#include "kallglot/net/server/http_server_types.hpp"
#include "kallglot/ports/daemon_control.hpp"

namespace kallglot {

/// Loop only. Lifetime: `control` outlives this object, which outlives the server that uses its routes.
class config_routes {
public:
    /// `may_reload` is the flag --web.enable-lifecycle. Without it the answer to a reload is 403.
    config_routes(config_control& control, bool may_reload) noexcept
        : control_(control),
          may_reload_(may_reload) {}

    void install(http_routes& routes);

private:
    [[nodiscard]] task<http_response> show(http_request request);
    [[nodiscard]] task<http_response> reload(http_request request);

    config_control& control_;
    bool may_reload_;
};

} // namespace kallglot

#endif
