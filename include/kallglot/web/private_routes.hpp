/// Routes of the private listener: `/`, `/metrics`, `/-/healthy`, `/-/ready`.
///
/// They access the daemon only through the port daemon_control and its metrics. Answers repeat nothing of a request.

#ifndef KALLGLOT_WEB_PRIVATE_ROUTES_HPP
#define KALLGLOT_WEB_PRIVATE_ROUTES_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/metrics/exposition.hpp"
#include "kallglot/metrics/exposition_writer.hpp"
#include "kallglot/net/server/http_server_routes.hpp"
#include "kallglot/net/server/http_server_types.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/daemon_control.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace kallglot {

/// Loop only. Lifetime: `daemon`, `metrics` and `time` outlive this object, which outlives the server that uses its
/// routes.
class private_routes {
public:
    /// `telemetry_path` begins with a slash. `prefix` of all paths behind a proxy: empty, or begins with a slash.
    private_routes(daemon_control& daemon,
                   const daemon_metrics& metrics,
                   const clock& time,
                   const build_details& build,
                   std::string telemetry_path = "/metrics",
                   std::string prefix = {});
    private_routes(const private_routes&) = delete;
    private_routes& operator=(const private_routes&) = delete;

    void install(http_routes& routes);

private:
    [[nodiscard]] task<http_response> status_page(http_request request);
    [[nodiscard]] task<http_response> metrics(http_request request);
    [[nodiscard]] task<http_response> healthy(http_request request);
    [[nodiscard]] task<http_response> ready(http_request request);

    using shared_report = std::shared_ptr<const daemon_report>;
    using shared_text = std::shared_ptr<const std::string>;

    /// Rendered texts of the latest report by format, plain and compressed; shared by scrapes that arrive together.
    struct rendering {
        shared_report of;
        std::array<shared_text, 2> plain;
        std::array<shared_text, 2> packed;
    };

    [[nodiscard]] http_response render_metrics(const http_request& request,
                                               const shared_report& report);
    [[nodiscard]] shared_text plain_text(exposition_format format);
    [[nodiscard]] shared_text packed_text(exposition_format format);
    [[nodiscard]] http_response render_page(const readiness& state,
                                            const daemon_report* report,
                                            bool reloads);

    daemon_control& daemon_;
    const daemon_metrics& metrics_;
    const clock& clock_;
    build_details build_;
    std::string telemetry_path_;
    std::string prefix_;
    steady_time started_;
    process_metrics process_;
    rendering latest_;
    std::size_t last_size_ = 0; ///< of the last exposition; reserved for the next
    std::optional<double> last_duration_seconds_;
};

} // namespace kallglot

#endif
