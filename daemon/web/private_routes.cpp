#include "kallglot/web/private_routes.hpp"

#include "kallglot/metrics/exposition.hpp"
#include "kallglot/web/landing_page.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kallglot {

namespace {

// Room for what the counts have grown by since the last answer.
constexpr std::size_t exposition_slack = 4096;

void forbid_caching(http_response& response) {
    response.fields.emplace_back("Cache-Control", "no-store");
}

[[nodiscard]] http_response make_unavailable(std::string_view why) {
    http_response response = make_text_response(503, why);
    forbid_caching(response);
    return response;
}

// The body as the client takes it; where gzip has no memory it goes as it is.
void set_exposition(http_response& response, std::string text, bool compress) {
    response.fields.emplace_back("Vary", "Accept, Accept-Encoding");
    if (compress) {
        if (std::optional<std::string> packed = gzip(text)) {
            response.fields.emplace_back("Content-Encoding", "gzip");
            response.body = std::move(*packed);
            return;
        }
    }
    response.body = std::move(text);
}

} // namespace

private_routes::private_routes(daemon_control& daemon,
                               const daemon_metrics& metrics,
                               const clock& time,
                               const build_details& build,
                               std::string telemetry_path)
    : daemon_(daemon),
      metrics_(metrics),
      clock_(time),
      build_(build),
      telemetry_path_(std::move(telemetry_path)) {}

void private_routes::install(http_routes& routes) {
    const auto get = [&](std::string path,
                         task<http_response> (private_routes::*page)(http_request)) {
        routes.add("GET", std::move(path), [this, page](http_request request) {
            return (this->*page)(std::move(request));
        });
    };
    get(telemetry_path_, &private_routes::metrics);
    get("/-/healthy", &private_routes::healthy);
    get("/-/ready", &private_routes::ready);
    if (telemetry_path_ != "/") {
        get("/", &private_routes::landing_page);
    }
}

task<http_response> private_routes::metrics(http_request request) {
    // Before the restore every count would be a 0 that is not true.
    const readiness state = daemon_.ready();
    if (!state.restored) {
        co_return make_unavailable(state.reason);
    }
    result<daemon_report> report = co_await daemon_.take_report();
    if (!report) {
        co_return make_unavailable("stopping");
    }

    co_return render_metrics(request, *report);
}

http_response private_routes::render_metrics(const http_request& request, daemon_report& report) {
    const steady_time begun = clock_.now();
    report.daemon.scrape_duration_seconds = last_duration_seconds_;
    const exposition_format format = choose_format(request.field("Accept"));
    std::string text;
    text.reserve(last_size_ + exposition_slack);
    write_exposition(text, format, report, metrics_, process_);
    last_size_ = text.size();

    http_response response;
    response.content_type = content_type(format);
    set_exposition(response, std::move(text), accepts_gzip(request.field("Accept-Encoding")));
    last_duration_seconds_ = to_seconds(clock_.now() - begun);
    return response;
}

task<http_response> private_routes::landing_page(http_request) {
    const readiness state = daemon_.ready();
    if (!state.restored) {
        co_return render_page(state, nullptr);
    }
    const result<daemon_report> report = co_await daemon_.take_report();
    co_return render_page(state, report ? &*report : nullptr);
}

http_response private_routes::render_page(const readiness& state, const daemon_report* report) {
    http_response response;
    response.content_type = "text/html; charset=utf-8";
    response.body = render_landing_page(build_, state, report, telemetry_path_);
    response.fields.emplace_back("Content-Security-Policy", content_security_policy);
    response.fields.emplace_back("Referrer-Policy", "no-referrer");
    forbid_caching(response);
    return response;
}

task<http_response> private_routes::healthy(http_request) {
    // That this runs at all is the answer: the loop advances.
    http_response response = make_text_response(200, "healthy");
    forbid_caching(response);
    co_return response;
}

task<http_response> private_routes::ready(http_request) {
    const readiness state = daemon_.ready();
    if (!state.ready) {
        co_return make_unavailable(state.reason);
    }
    http_response response = make_text_response(200, "ready");
    forbid_caching(response);
    co_return response;
}

} // namespace kallglot
