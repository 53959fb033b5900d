#include "kallglot/net/server/http_server_types.hpp"

#include "kallglot/base/text.hpp"

#include <boost/beast/http/status.hpp>

#include <cstdio>

namespace kallglot {

namespace {

// Responses with 1xx, 204 and 304 have no body and no length (RFC 9112 section 6.3).
[[nodiscard]] bool has_body(int status) noexcept {
    return status >= 200 && status != 204 && status != 304;
}

// One line of a head.
void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

// Names and values in the order of the message.
using field_list = std::vector<std::pair<std::string, std::string>>;

/// The value of the first field of that name, ignoring case; empty if there is none.
std::string_view value_of(const field_list& fields, std::string_view name) noexcept {
    for (const auto& [key, value] : fields) {
        if (ascii_iequals(key, name)) {
            return value;
        }
    }
    return {};
}

} // namespace

std::string_view http_request::field(std::string_view name) const noexcept {
    return value_of(fields, name);
}

std::string_view http_response::body_text() const noexcept {
    if (const auto* const own = std::get_if<std::string>(&body)) {
        return *own;
    }
    // A handler may leave the shared text empty.
    const auto& shared = *std::get_if<std::shared_ptr<const std::string>>(&body);
    return shared ? std::string_view(*shared) : std::string_view();
}

// For errors and short pages. The line end is for people at a terminal.
http_response make_text_response(int status, std::string_view text) {
    std::string body(text);
    body += '\n';
    http_response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

// Beast has the table of phrases.
std::string_view reason_phrase(int status) noexcept {
    const auto known = boost::beast::http::int_to_status(static_cast<unsigned>(status));
    const auto phrase = boost::beast::http::obsolete_reason(known);
    return {phrase.data(), phrase.size()};
}

std::string serialize_head(const http_response& response,
                           std::int64_t wall_seconds,
                           bool keep_alive) {
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
    head += reason_phrase(response.status);
    head += "\r\n";
    // A server with a clock must send it (RFC 9110 section 6.6.1).
    append_field(head, "Date", format_http_date(wall_seconds));
    if (has_body(response.status)) {
        append_field(head, "Content-Type", response.content_type);
        append_field(head, "Content-Length", std::to_string(response.body_text().size()));
        // A browser must not guess another type: pages may contain texts from outside.
        if (value_of(response.fields, "X-Content-Type-Options").empty()) {
            append_field(head, "X-Content-Type-Options", "nosniff");
        }
    }
    for (const auto& [name, value] : response.fields) {
        append_field(head, name, value);
    }
    append_field(head, "Connection", keep_alive ? "keep-alive" : "close");
    head += "\r\n";
    return head;
}

std::string format_http_date(std::int64_t wall_seconds) {
    using namespace std::chrono;
    // English names whatever the locale is, so strftime cannot be used.
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] =
        {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const sys_seconds moment{seconds(wall_seconds)};
    const auto day = floor<std::chrono::days>(moment);
    const year_month_day date(day);
    const hh_mm_ss<seconds> time(moment - day);

    // The longest text has 29 bytes, up to the year 9999.
    char text[64];
    const int size = std::snprintf(text,
                                   sizeof text,
                                   "%s, %02u %s %04d %02d:%02d:%02d GMT",
                                   days[weekday(day).c_encoding()],
                                   static_cast<unsigned>(date.day()),
                                   months[static_cast<unsigned>(date.month()) - 1],
                                   static_cast<int>(date.year()),
                                   static_cast<int>(time.hours().count()),
                                   static_cast<int>(time.minutes().count()),
                                   static_cast<int>(time.seconds().count()));
    return {text, static_cast<std::size_t>(size)};
}

} // namespace kallglot
