#include "net/client/http_response_parser.hpp"

#include "kallglot/base/text.hpp"

#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <charconv>

namespace kallglot {

namespace http = boost::beast::http;

namespace {

// Beast's limit of a header does not hold for trailers.
constexpr std::size_t trailer_limit_bytes = 8 * 1024;

// Beast's view to the standard's.
std::string_view view(boost::beast::string_view text) noexcept {
    return {text.data(), text.size()};
}

bool is_number(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// The N of `Keep-Alive: timeout=N, max=M`.
std::optional<seconds> parse_keep_alive(std::string_view value) noexcept {
    // A value that is no number is ignored: the client's own timeout applies then.
    constexpr std::string_view name = "timeout=";
    const std::size_t at = value.find(name);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    std::uint32_t count = 0;
    const std::string_view digits = value.substr(at + name.size());
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    return parsed.ec == std::errc() ? std::optional(seconds(count)) : std::nullopt;
}

} // namespace

http_response_parser::http_response_parser(answer_reader& answer, std::size_t body_limit)
    : answer_(answer) {
    // Eager: the body is passed on as it arrives, in the same call as the end of the header.
    this->eager(true);
    this->header_limit(response_header_limit_bytes);
    this->body_limit(body_limit);
}

// Ends the message if there is a fault.
void http_response_parser::refuse(std::optional<errc> fault, error_code& error) noexcept {
    // Any error ends Beast's parser; ours says why.
    if (fault) {
        fault_ = fault;
        error = http::error::bad_value;
    }
}

bool http_response_parser::is_bodiless() const noexcept {
    // RFC 9112 section 6.3: these end with their header, whatever it says.
    return answer_.interim() || answer_.status() == 204 || answer_.status() == 304;
}

// The status line.
void http_response_parser::on_response_impl(int code, string_view, int version, error_code& error) {
    version_ = version;
    if (version != 10 && version != 11) {
        refuse(errc::malformed_response, error);
        return;
    }
    refuse(answer_.take_status(code), error);
}

void http_response_parser::on_field_impl(field name,
                                         string_view name_text,
                                         string_view value,
                                         error_code& error) {
    // A field after the header is a trailer.
    if (header_done_) {
        on_trailer(name, name_text.size() + value.size(), error);
        return;
    }
    switch (name) {
        case field::content_length:
            // Two readers of a message with two lengths could see its end in different places.
            if (++lengths_ > 1 || !is_number(view(value))) {
                refuse(errc::malformed_response, error);
            }
            break;
        case field::transfer_encoding:
            // A request without TE allows chunked alone (RFC 9112 section 7.4), and HTTP/1.0 has no codings.
            if (++codings_ > 1 || !ascii_iequals(value, "chunked") || version_ != 11) {
                refuse(errc::malformed_response, error);
            }
            break;
        case field::content_encoding:
            refuse(answer_.take_encoding(view(value)), error);
            break;
        case field::content_type:
            refuse(answer_.take_type(view(value)), error);
            break;
        case field::keep_alive:
            keep_alive_timeout_ = parse_keep_alive(view(value));
            break;
        default:
            // A closed set of names is read there; all others are dropped.
            answer_.take_field(view(name_text), view(value));
            break;
    }
}

// Trailers that change nothing are skipped. Those that describe the message would be too late (RFC 9110 section 6.5.1).
void http_response_parser::on_trailer(field name, std::size_t size, error_code& error) noexcept {
    switch (name) {
        case field::connection:
        case field::content_encoding:
        case field::content_length:
        case field::content_range:
        case field::content_type:
        case field::keep_alive:
        case field::proxy_connection:
        case field::transfer_encoding:
        case field::upgrade:
            refuse(errc::malformed_response, error);
            return;
        default:
            break;
    }
    trailer_bytes_ += size;
    if (trailer_bytes_ > trailer_limit_bytes) {
        refuse(errc::malformed_response, error);
    }
}

// The empty line behind the header: all framing fields are known now.
void http_response_parser::on_header_impl(error_code& error) {
    // Without a length the body would end with the connection, and a lost connection would look like a whole body.
    header_done_ = true;
    const bool framed_once = lengths_ + codings_ == 1;
    if (lengths_ + codings_ > 1 || (!is_bodiless() && !framed_once)) {
        refuse(errc::malformed_response, error);
    }
}

std::size_t http_response_parser::on_body_impl(string_view body, error_code& error) {
    refuse(answer_.take_body(view(body)), error);
    // Beast takes the rest as not consumed, and the error ends the message.
    return error ? 0 : body.size();
}

// The limit of a body is the same, however it is framed.
std::size_t http_response_parser::on_chunk_body_impl(std::uint64_t,
                                                     string_view body,
                                                     error_code& error) {
    return on_body_impl(body, error);
}

} // namespace kallglot
