/// The private listener with the settings of `--web.config.file`: TLS, users, headers and rate.
///
/// The file and the certificates it names are followed and reloaded, as operators expect from exporter-toolkit, which reads
/// them for each request. A change that takes protection away waits for a reload or restart. Open connections stay open.

#ifndef KALLGLOT_APP_WEB_HOST_HPP
#define KALLGLOT_APP_WEB_HOST_HPP

#include "app/listener.hpp"
#include "app/web_protection.hpp"
#include "kallglot/async/task.hpp"
#include "kallglot/config/config_fault.hpp"
#include "kallglot/net/server/http_server.hpp"
#include "kallglot/net/tls/tls_context.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/logger.hpp"
#include "kallglot/settings/web_settings.hpp"
#include "kallglot/web/private_gate.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace kallglot {

/// A web configuration whose certificates have been read and are valid.
struct loaded_web {
    web_settings values;
    std::optional<tls_context> identity;
    file_group files; ///< their state before they were read
};

struct failed_web {
    std::vector<config::config_fault> faults;
    file_group files; ///< their state before they were read
};

using web_load_result = std::variant<loaded_web, failed_web>;

/// Reads the file and its certificates; without a file it returns the defaults. Blocking.
[[nodiscard]] web_load_result load_web(const std::string& file);

/// Loop only. Lifetime: routes, gate, clock and logger outlive it; destroyed after its server has been joined.
class web_host {
public:
    /// `gate` decides which requests reach the routes.
    web_host(const loop_executor& loop,
             const http_routes& routes,
             const http_limits& limits,
             private_gate& gate,
             clock& time,
             worker& files,
             logger& log);

    /// Applies a configuration and follows `file`, which may be empty. Logs a warning for each protection that it takes away.
    void use(const std::string& file, loaded_web web);

    [[nodiscard]] listener& own_listener() noexcept { return listener_; }

    [[nodiscard]] http_server& server() noexcept { return listener_.server(); }

    [[nodiscard]] std::int64_t certificate_not_after() const noexcept {
        return listener_.certificate_not_after();
    }

private:
    [[nodiscard]] file_follower::reading read();
    [[nodiscard]] std::optional<unusable_files> take(web_load_result read);

    logger& log_;
    private_gate& gate_;
    listener listener_;
    std::string file_;
    web_protection protection_;
};

} // namespace kallglot

#endif
