#include "net/client/http_response_parser.hpp"

#include "kallglot/base/ascii.hpp"

#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <charconv>

namespace kallglot {

namespace http = boost::beast::http;

namespace {

constexpr std::uint32_t header_limit_bytes = 8 * 1024;

// Beast's view to the standard's.
std::string_view view(boost::beast::string_view text) noexcept {
    return {text.data(), text.size()};
}

bool is_number(std::string_view text) noexcept {
    return !text.empty()
           && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Whether a Content-Type is JSON; its parameters do not matter.
bool is_json(std::string_view value) noexcept {
    std::string_view type = value.substr(0, value.find(';'));
    while (type.ends_with(' ') || type.ends_with('\t')) {
        type.remove_suffix(1);
    }
    constexpr std::string_view suffix = "+json";
    return ascii_iequals(type, "application/json")
           || (type.size() > suffix.size()
               && ascii_iequals(type.substr(type.size() - suffix.size()), suffix));
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

http_response_parser::http_response_parser(response_headers& headers,
                                           body_sink& sink,
                                           std::size_t body_limit)
    : headers_(headers),
      sink_(sink),
      body_limit_(body_limit) {
    // Eager: the body is passed on as it arrives, in the same call as the end of the header.
    this->eager(true);
    this->header_limit(header_limit_bytes);
    this->body_limit(body_limit);
}

void http_response_parser::refuse(errc fault, error_code& error) noexcept {
    // Any error ends Beast's parser; ours says why.
    fault_ = fault;
    error = http::error::bad_value;
}

bool http_response_parser::is_bodiless() const noexcept {
    return status_ < 200 || status_ == 204 || status_ == 304;
}

// The status line.
void http_response_parser::on_response_impl(int code, string_view, int version, error_code& error) {
    status_ = code;
    version_ = version;
    // After 101 the connection would no longer speak HTTP.
    if (code < 100 || code > 599 || code == 101 || (version != 10 && version != 11)) {
        refuse(errc::malformed_response, error);
    }
}

void http_response_parser::on_field_impl(field name,
                                         string_view name_text,
                                         string_view value,
                                         error_code& error) {
    // A field after the header is a trailer.
    if (header_done_) {
        refuse(errc::malformed_response, error);
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
            if (++codings_ > 1 || !ascii_iequals(value, "chunked") || version_ != 11) {
                refuse(errc::malformed_response, error);
            }
            break;
        case field::content_encoding:
            // The request asks for identity, and the session parser reads plain JSON only.
            if (!ascii_iequals(value, "identity")) {
                refuse(errc::encoded_response, error);
            }
            break;
        case field::content_type:
            // A 200 of another type is a page of a proxy. Errors may have any type.
            if (status_ == 200 && !is_json(view(value))) {
                refuse(errc::foreign_content, error);
            }
            break;
        case field::keep_alive:
            keep_alive_timeout_ = parse_keep_alive(view(value));
            break;
        default:
            // The headers of an interim response (1xx) do not describe the final one.
            if (!interim()) {
                note_header(headers_, view(name_text), view(value));
            }
            break;
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
    // Counted as it arrives, so that the limit holds for chunked bodies as well.
    body_size_ += body.size();
    if (body_size_ > body_limit_) {
        refuse(errc::response_too_large, error);
        return 0;
    }
    sink_.on_body(status_, view(body));
    return body.size();
}

// The limit of a body is the same, however it is framed.
std::size_t http_response_parser::on_chunk_body_impl(std::uint64_t,
                                                     string_view body,
                                                     error_code& error) {
    return on_body_impl(body, error);
}

} // namespace kallglot
