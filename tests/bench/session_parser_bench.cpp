// The time to parse the body of a session: at once, in two parts, and with the white space of a pretty-printing server;
// and an error body for comparison.

#include "kallglot/api/api_error_parser.hpp"
#include "kallglot/api/session_parser.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace {

using kallglot::session_id;
using kallglot::session_parser;

// The active session of the samples, without white space: 900 bytes, as the API sends it.
const std::string compact =
    R"({"id":"sess_01JQ7N0C5VXB3HEZ","object":"session","status":"active",)"
    R"("mode":"assistive_translation","source_language":"es","target_language":"en",)"
    R"("stream":{"url":"wss://stream.kallglot.com/v1/sessions/sess_01JQ7N0C5VXB3HEZ/connect",)"
    R"("token":"kst_live_SAMPLE_NOT_A_REAL_TOKEN_SAMPLE_NOT_A_REAL_TOKEN",)"
    R"("expires_at":"2026-04-14T10:41:07Z"},"provider":{"type":"twilio",)"
    R"("phone_number":"+12025550177","status":"connected",)"
    R"("call_sid":"CA00000000000000000000000000000001"},"duration":88.4,)"
    R"("recording":{"enabled":false,"channels":"dual"},)"
    R"("transcript":{"available":true,"word_count":231},)"
    R"("metadata":{"caller_id":"+12025550188","queue":"returns","customer_id":"cust_8841",)"
    R"("ticket_id":"T-20417","region":"eu-central-1","campaign":"spring_returns_2026"},)"
    R"("created_at":"2026-04-14T09:41:07Z","started_at":"2026-04-14T09:41:19Z",)"
    R"("ended_at":"2026-04-14T09:45:19Z","end_reason":"customer_hangup"})";

// One line for each member, indented by two, as in the API's documentation.
std::string pretty() {
    std::string text;
    bool quoted = false;
    for (const char c : compact) {
        quoted = quoted != (c == '"');
        text += c;
        if (!quoted && (c == ',' || c == '{')) {
            text += "\n  ";
        } else if (!quoted && c == ':') {
            text += ' ';
        }
    }
    return text;
}

void parse_whole(benchmark::State& state, std::string_view body) {
    const auto id = session_id::parse("sess_01JQ7N0C5VXB3HEZ").value();
    session_parser parser;
    for (auto _ : state) {
        parser.start(id);
        parser.write(body);
        auto snapshot = parser.finish();
        if (!snapshot) {
            state.SkipWithError("body was refused");
            break;
        }
        benchmark::DoNotOptimize(snapshot);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}

void session_compact(benchmark::State& state) {
    parse_whole(state, compact);
}

void session_pretty(benchmark::State& state) {
    parse_whole(state, pretty());
}

void session_in_two_parts(benchmark::State& state) {
    const auto id = session_id::parse("sess_01JQ7N0C5VXB3HEZ").value();
    const std::string_view body = compact;
    session_parser parser;
    std::size_t cut = 0;
    for (auto _ : state) {
        cut = (cut + 7) % body.size();
        parser.start(id);
        parser.write(body.substr(0, cut));
        parser.write(body.substr(cut));
        auto snapshot = parser.finish();
        benchmark::DoNotOptimize(snapshot);
    }
}

void api_error_body(benchmark::State& state) {
    const std::string body = R"({"error":{"type":"rate_limit_error","code":"rate_limit_exceeded",)"
                             R"("message":"Request budget used up; try again in 17 seconds.",)"
                             R"("request_id":"req_01JQ7RSAMPLE0002","retry_after":17}})";
    for (auto _ : state) {
        auto error = kallglot::parse_api_error(body);
        benchmark::DoNotOptimize(error);
    }
}

BENCHMARK(session_compact);
BENCHMARK(session_pretty);
BENCHMARK(session_in_two_parts);
BENCHMARK(api_error_body);

} // namespace
