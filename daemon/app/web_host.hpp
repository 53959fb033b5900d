/// The file of `--web.config.file` in force: TLS, users, headers and rate of the private listener.
///
/// The file and the certificates it names are followed, since exporter-toolkit reads them for each request. Connections
/// that are there go on.

#ifndef KALLGLOT_APP_WEB_HOST_HPP
#define KALLGLOT_APP_WEB_HOST_HPP

#include "app/listener.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/config/config_fault.hpp"
#include "kallglot/net/server/http_server.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/settings/web_settings.hpp"
#include "kallglot/web/basic_auth.hpp"
#include "kallglot/web/session_api.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace kallglot {

/// A web configuration whose certificates were read and fit.
struct loaded_web {
    web_settings values;
    std::optional<tls_context> identity;
    file_group files; ///< as they were before they were read
};

struct failed_web {
    std::vector<config::config_fault> faults;
    file_group files; ///< as they were before they were read
};

using web_load_result = std::variant<loaded_web, failed_web>;

/// Reads the file and its certificates; without a file, the defaults. Blocking.
[[nodiscard]] web_load_result load_web(const std::string& file);

/// Loop only. Lifetime: routes, clock, logger and API outlive it; its server has been joined before it goes.
class web_host {
public:
    /// `api` guards its own pages.
    web_host(const loop_executor& loop,
             const http_routes& routes,
             const http_limits& limits,
             clock& time,
             logger& log,
             const session_api& api);

    /// Puts it in force and follows `file`, which may be empty.
    void use(const std::string& file, loaded_web web);

    [[nodiscard]] listener& own_listener() noexcept { return listener_; }

    [[nodiscard]] http_server& server() noexcept { return listener_.server(); }

    [[nodiscard]] std::int64_t certificate_not_after() const noexcept {
        return listener_.certificate_not_after();
    }

    [[nodiscard]] bool stop_worker(steady_duration patience) { return auth_.stop(patience); }

private:
    [[nodiscard]] task<std::optional<http_response>> admit(const http_request* request);
    [[nodiscard]] bool take_turn();
    [[nodiscard]] std::optional<unusable_files> read();

    clock& clock_;
    logger& log_;
    const session_api& api_;
    listener listener_;
    basic_auth auth_;
    std::string file_;
    std::optional<request_rate> rate_;
    double turns_ = 0; ///< of the rate, saved up
    steady_time counted_ = no_time;
};

} // namespace kallglot

#endif
