#include "simulator/error_body.hpp"

#include <algorithm>
#include <array>

namespace kallglot::simulator {

namespace {

// The texts of every status that is sent; a status with another body has no error texts.
struct error_words {
    unsigned status;
    std::string_view reason;
    std::string_view type;
    std::string_view code;
    std::string_view message;
};

constexpr std::array<error_words, 14> error_table{{
    {400, "Bad Request", "invalid_request_error", "invalid_request", "That was not understood."},
    {401,
     "Unauthorized",
     "authentication_error",
     "invalid_api_key",
     "This API key was not recognised."},
    {402,
     "Payment Required",
     "permission_error",
     "insufficient_api_credits",
     "The credits of this account are used up."},
    {403,
     "Forbidden",
     "authorization_error",
     "insufficient_permissions",
     "This key lacks sessions:read."},
    {404, "Not Found", "not_found_error", "session_not_found", "No such session."},
    {405,
     "Method Not Allowed",
     "invalid_request_error",
     "method_not_allowed",
     "Only GET is known here."},
    {410, "Gone", "not_found_error", "session_gone", "This session is no longer kept."},
    {421,
     "Misdirected Request",
     "invalid_request_error",
     "misdirected_request",
     "This server does not answer for that host."},
    {429,
     "Too Many Requests",
     "rate_limit_error",
     "rate_limit_exceeded",
     "Request budget used up; try again later."},
    {500, "Internal Server Error", "api_error", "internal_error", "Something went wrong."},
    {502, "Bad Gateway", "api_error", "bad_gateway", ""},
    {503, "Service Unavailable", "api_error", "unavailable", ""},
    {200, "OK", "", "", ""},
    {302, "Found", "", "", ""},
}};

const error_words& words_of(unsigned status) {
    const auto* found =
        std::find_if(error_table.begin(), error_table.end(), [status](const error_words& row) {
            return row.status == status;
        });
    return found != error_table.end() ? *found : error_table[9];
}

} // namespace

std::string_view reason_of(unsigned status) {
    return words_of(status).reason;
}

void append_error(std::string& out,
                  unsigned status,
                  json_generation generation,
                  std::uint64_t request_number) {
    const error_words& words = words_of(status);
    out.append(R"({"error":{"type":")").append(words.type).append(R"(","code":")");
    out.append(words.code).append(R"(","message":")").append(words.message);
    if (generation == json_generation::first) {
        out.append(R"(","param":null,"doc_url":"https://developer.kallglot.com/errors#)");
        out.append(words.code).append("\"}}");
    } else {
        out += R"(","request_id":"req_)";
        append_number(out, request_number);
        out += "\"}}";
    }
}

} // namespace kallglot::simulator
