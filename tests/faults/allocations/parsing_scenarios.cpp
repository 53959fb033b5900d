// Scenarios of responses, requests, events and files: an input is read correctly or rejected.

#include "config/config_parsing.hpp"
#include "intake/session_list.hpp"
#include "kallglot/api/webhook_event.hpp"
#include "kallglot/config/web_config.hpp"
#include "net/client/response_reader.hpp"
#include "net/server/http_server_parser.hpp"
#include "scenarios.hpp"
#include "unit/web/signed_delivery.hpp"
#include "web/webhook_signature.hpp"

#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot::test {
namespace {

std::string source(std::string_view name) {
    std::ifstream file(KALLGLOT_SOURCE_DIR "/" + std::string(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Read by the first run of each scenario, before an allocation fails.
const std::string& active_body() {
    static const std::string text = source("tests/samples/session_active.json");
    return text;
}

const char* read_responses(const surroundings& around) {
    static const std::string good =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
        + std::to_string(active_body().size()) + "\r\n\r\n" + active_body();
    static const std::string error = source("tests/samples/error_429.json");
    static const std::string throttled =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Type: "
        "application/json\r\nContent-Length: "
        + std::to_string(error.size()) + "\r\n\r\n" + error;
    static const session_id id = [] {
        const std::size_t at = active_body().find("\"sess_") + 1;
        return session_id::parse(active_body().substr(at, active_body().find('"', at) - at))
            .value();
    }();

    response_reader reader;
    for (const auto& [text, status] : {std::pair{&good, 200}, {&throttled, 429}}) {
        reader.start(id, 65536);
        // In pieces, so that the reader stores an incomplete line.
        const std::span<const char> bytes(*text);
        auto progress = reader.feed(bytes.first(40));
        if (progress == response_reader::progress::more) {
            progress = reader.feed(bytes.subspan(40));
        }
        if (progress == response_reader::progress::complete && !reader.answer().error) {
            if (reader.answer().http_status != status) {
                return "another status was read";
            }
            if (status == 200 && reader.answer().snapshot.status != session_status::active) {
                return "another session status was read";
            }
            if (status == 429 && reader.answer().headers.retry_after != seconds(7)) {
                return "another Retry-After was read";
            }
        } else if (around.nothing_fails) {
            return "a good response was not read";
        }
        reader.forget();
    }
    return nullptr;
}

const char* read_requests(const surroundings&) {
    static const std::string text =
        "POST /api/v1/sessions?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
        "application/json\r\nContent-Length: 40\r\n\r\n{\"ids\":[\"sess_0123456789abcdefghijkl\"]} "
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n";
    http_server_parser parser(http_limits{});
    parser.put(std::string_view(text).substr(0, 30));
    parser.put(std::string_view(text).substr(30));
    for (const std::string_view path : {"/api/v1/sessions", "/metrics"}) {
        if (parser.now() != http_server_parser::state::complete) {
            return "a good request was not read";
        }
        if (parser.take().path != path) {
            return "another path was read";
        }
    }
    return nullptr;
}

const char* verify_event(const surroundings& around) {
    static const std::string body = source("tests/samples/webhook_session_ended.json");
    constexpr std::string_view key = "whsec_0123456789abcdef0123456789abcdef";
    static const std::vector<secret> secrets = secrets_of({key});
    static const std::string signed_header = signature_header(key, "1776159394", body);
    // Of the right form, and made with no secret.
    constexpr std::string_view forged =
        "t=1776159394,v1=a0e3a7e2f0b4c6d8e1f3a5b7c9d0e2f4a6b8c0d2e4f6a8b0c2d4e6f8a0b2c4d6";
    const api_time now{seconds(1'776'159'394)};
    constexpr milliseconds tolerance{300'000};
    if (verify_signature(forged, body, secrets, now, tolerance) == signature_verdict::good) {
        return "a wrong signature was believed";
    }
    const bool believed =
        verify_signature(signed_header, body, secrets, now, tolerance) == signature_verdict::good;
    if (around.nothing_fails && !believed) {
        return "a right signature was not believed";
    }
    const auto event = parse_webhook_event(body);
    if (event ? event->type != webhook_type::session_ended : around.nothing_fails) {
        return "another event was read, or none";
    }
    return nullptr;
}

const char* read_config(const surroundings&) {
    static const std::string text = source("config/demo.yml");
    const config::parsed_config parsed =
        config::parse(text, "config.yml", "/etc/kallglot_exporter", config::environment{});
    for (const config::config_fault& fault : parsed.faults) {
        static_cast<void>(to_string(fault));
    }
    // The file is valid, so a missing key without a fault is a wrong result.
    return parsed.faults.empty() && parsed.lines.size() > 8
               ? nullptr
               : "a good configuration was read as another";
}

const char* read_web_config(const surroundings&) {
    static const std::string text = source("tests/fuzz/corpus/web_config/users");
    const config::web_config_result parsed = config::parse_web_config(text, "web.yml", "/etc");
    const auto* const settings = std::get_if<web_settings>(&parsed);
    // A configuration that lost its user would permit access without a password.
    return settings != nullptr && settings->users.size() == 1
                   && settings->users.front().name == "prometheus"
               ? nullptr
               : "a good configuration was read as another";
}

const char* read_session_list(const surroundings&) {
    session_list_parser parser;
    std::vector<session_id> ids;
    std::string text;
    for (int i = 0; i < 20; ++i) {
        text += "sess_of_a_file_" + std::to_string(i) + (i % 5 == 0 ? " and more\n" : "\n");
    }
    static_cast<void>(parser.write(text, ids, 100));
    parser.finish(ids);
    static_cast<void>(parser.take_report().text());
    return ids.size() == 16 ? nullptr : "ids were lost without an error";
}

void nothing(const surroundings&) {}

const char* no_fault(const surroundings&) {
    return nullptr;
}

} // namespace

std::span<const scenario> parsing_scenarios() {
    static constexpr std::array all = {
        scenario{"responses", nothing, read_responses, no_fault},
        scenario{"requests", nothing, read_requests, no_fault},
        scenario{"event", nothing, verify_event, no_fault},
        scenario{"config", nothing, read_config, no_fault},
        scenario{"web_config", nothing, read_web_config, no_fault},
        scenario{"session_list", nothing, read_session_list, no_fault},
    };
    return all;
}

} // namespace kallglot::test
