// A scrape and the status page show one report, a consistent count of the whole table. Scrapes that arrive together get
// the same report, and it is rendered once for each format and encoding.

#include "kallglot/web/private_routes.hpp"

#include "kallglot/metrics/exposition.hpp"
#include "web/page_frame.hpp"
#include "web/status_page.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kallglot {

namespace {

// Reserved beyond the size of the last answer: counts gain digits and series between two scrapes.
constexpr std::size_t exposition_slack = 4096;

// Short enough to watch a change, long enough to paste an id into the box that finds it.
constexpr const char* reload_seconds = "15";

// Every answer is true for one moment only; a proxy must not serve it again.
void forbid_caching(http_response& response) {
    response.fields.emplace_back("Cache-Control", "no-store");
}

// Not ready: 503, so that Prometheus marks the target as down instead of storing zeros.
[[nodiscard]] http_response make_unavailable(std::string_view why) {
    http_response response = make_text_response(503, why);
    forbid_caching(response);
    return response;
}

} // namespace

private_routes::private_routes(daemon_control& daemon,
                               const daemon_metrics& metrics,
                               const clock& time,
                               const build_details& build,
                               std::string telemetry_path,
                               std::string prefix)
    : daemon_(daemon),
      metrics_(metrics),
      clock_(time),
      build_(build),
      telemetry_path_(std::move(telemetry_path)),
      prefix_(std::move(prefix)),
      started_(time.now()) {}

void private_routes::install(http_routes& routes) {
    // The route table needs callables; these forward to member functions.
    const auto get = [&](std::string path,
                         task<http_response> (private_routes::*page)(http_request)) {
        routes.add("GET", std::move(path), [this, page](http_request request) {
            return (this->*page)(std::move(request));
        });
    };
    get(telemetry_path_, &private_routes::metrics);
    get("/-/healthy", &private_routes::healthy);
    get("/-/ready", &private_routes::ready);
    // With --web.telemetry-path=/ the metrics take the place of the status page.
    if (telemetry_path_ != "/") {
        get("/", &private_routes::status_page);
    }
}

task<http_response> private_routes::metrics(http_request request) {
    // Before the restore every gauge would be 0, and alerts would resolve.
    const readiness state = daemon_.ready();
    if (!state.restored) {
        co_return make_unavailable(state.reason);
    }
    // The measured time includes waiting for the count: it is what the scraper waits.
    const steady_time asked = clock_.now();
    const result<shared_report> report = co_await daemon_.take_report();
    // The only reason: the daemon stops before the count is complete.
    if (!report) {
        co_return make_unavailable("stopping");
    }
    http_response response = render_metrics(request, *report);
    // Shown by the next scrape, because this one is rendered already.
    last_duration_seconds_ = to_seconds(clock_.now() - asked);
    co_return response;
}

http_response private_routes::render_metrics(const http_request& request,
                                             const shared_report& report) {
    // Another report: the rendered texts of the last one are outdated.
    if (latest_.of != report) {
        latest_ = rendering{report, {}, {}};
    }
    const exposition_format format = choose_format(request.field("Accept"));
    http_response response;
    response.content_type = content_type(format);
    // For caches between, although none should store this: the answer depends on both headers.
    response.fields.emplace_back("Vary", "Accept, Accept-Encoding");
    forbid_caching(response);
    if (accepts_gzip(request.field("Accept-Encoding"))) {
        // If zlib has no memory, the answer is sent uncompressed.
        if (shared_text packed = packed_text(format)) {
            response.fields.emplace_back("Content-Encoding", "gzip");
            response.body = std::move(packed);
            return response;
        }
    }
    response.body = plain_text(format);
    return response;
}

private_routes::shared_text private_routes::plain_text(exposition_format format) {
    shared_text& cached = latest_.plain[static_cast<std::size_t>(format)];
    if (cached == nullptr) {
        // Reserve about the final size: growing step by step would copy the text several times.
        std::string text;
        text.reserve(last_size_ + exposition_slack);
        write_exposition(text, format, *latest_.of, metrics_, process_, last_duration_seconds_);
        last_size_ = text.size();
        cached = std::make_shared<const std::string>(std::move(text));
    }
    return cached;
}

private_routes::shared_text private_routes::packed_text(exposition_format format) {
    // Compressing is the expensive part of a large answer, so its result is shared too.
    shared_text& cached = latest_.packed[static_cast<std::size_t>(format)];
    if (cached == nullptr) {
        if (std::optional<std::string> packed = gzip(*plain_text(format))) {
            cached = std::make_shared<const std::string>(std::move(*packed));
        }
    }
    return cached;
}

task<http_response> private_routes::status_page(http_request request) {
    // Unlike /metrics, the page answers 200 at any time: for people, "not ready" is information too.
    const readiness state = daemon_.ready();
    const bool reloads = request.query != "reload=off";
    if (!state.restored) {
        co_return render_page(state, nullptr, reloads);
    }
    const result<shared_report> report = co_await daemon_.take_report();
    // Without a report the daemon stops: the page then has the verdict alone.
    co_return render_page(state, report ? report->get() : nullptr, reloads);
}

http_response private_routes::render_page(const readiness& state,
                                          const daemon_report* report,
                                          bool reloads) {
    status_page_input shown{build_,
                            state,
                            report,
                            {},
                            clock_.now() - started_,
                            telemetry_path_,
                            prefix_,
                            reloads};
    // Counters are not part of the report; they belong to the metrics.
    for (std::size_t i = 0; i < shown.added.size(); ++i) {
        shown.added[i] = metrics_.sessions_added(static_cast<session_source>(i));
    }
    http_response response = make_page(200, render_status_page(shown));
    if (reloads) {
        response.fields.emplace_back("Refresh", reload_seconds);
    }
    return response;
}

task<http_response> private_routes::healthy(http_request) {
    // The check is that this code runs: the event loop advances.
    http_response response = make_text_response(200, "healthy");
    forbid_caching(response);
    co_return response;
}

task<http_response> private_routes::ready(http_request) {
    // Not ready during the restore and while stopping: load balancers and service managers look here.
    const readiness state = daemon_.ready();
    if (!state.ready) {
        co_return make_unavailable(state.reason);
    }
    http_response response = make_text_response(200, "ready");
    forbid_caching(response);
    co_return response;
}

} // namespace kallglot
