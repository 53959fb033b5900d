#include "net/client/response_reader.hpp"

#include "net/client/http_response_parser.hpp"
#include "net/client/wipe.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <string_view>

namespace kallglot {

namespace {

// Limit for an incomplete line: a header, or a chunk's size with its extensions.
constexpr std::size_t pending_limit = response_header_limit_bytes + 16 * 1024;

// Beast checks a status line when its end arrives; a peer of another protocol may never send one.
bool begins_like_http(std::span<const char> bytes) noexcept {
    constexpr std::string_view start = "HTTP/1.";
    const std::size_t size = std::min(start.size(), bytes.size());
    return std::string_view(bytes.data(), size) == start.substr(0, size);
}

// `HTTP/1.1 200` without the space before a reason phrase that is empty. RFC 9112 section 4 wants the space; some servers
// leave it out, and only Beast insists on it.
constexpr std::size_t status_end = 12;

bool lacks_the_space(std::span<const char> bytes) noexcept {
    return bytes.size() > status_end && bytes[status_end] == '\r';
}

// Feeds the parser once; returns how many of the bytes it took.
std::size_t put(http_response_parser& parser,
                std::span<const char> bytes,
                bool at_status_line,
                boost::beast::error_code& error) {
    if (!at_status_line || !lacks_the_space(bytes)) {
        return parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    }
    const std::array<boost::asio::const_buffer, 3> repaired = {
        boost::asio::buffer(bytes.data(), status_end),
        boost::asio::buffer(" ", 1),
        boost::asio::buffer(bytes.data() + status_end, bytes.size() - status_end)};
    // Counted without the space that is not in the response.
    const std::size_t used = parser.put(repaired, error);
    return used > status_end ? used - 1 : used;
}

// The errors of Beast that need a class of their own; every other one means a malformed response.
errc translate(const boost::beast::error_code& error) noexcept {
    if (error == boost::beast::http::error::header_limit) {
        return errc::header_too_large;
    }
    if (error == boost::beast::http::error::body_limit) {
        return errc::response_too_large;
    }
    return errc::malformed_response;
}

} // namespace

// A new parser for each message, in place, so that a poll allocates nothing. Set from start() on.
struct response_reader::http {
    std::optional<http_response_parser> parser;
};

response_reader::response_reader() : http_(std::make_unique<http>()) {}

response_reader::~response_reader() {
    forget();
}

void response_reader::forget() noexcept {
    wipe(pending_);
    answer_.forget();
}

void response_reader::start(const session_id& expected, std::size_t body_limit_bytes) {
    wipe(pending_);
    answer_.start(expected, body_limit_bytes);
    body_limit_ = body_limit_bytes;
    complete_ = false;
    restart_parser();
}

// For the first response and for each one behind an interim response.
void response_reader::restart_parser() {
    header_bytes_ = 0;
    http_->parser.emplace(answer_, body_limit_);
}

response_reader::progress response_reader::feed(std::span<const char> bytes) noexcept {
    if (complete_) {
        return bytes.empty() ? progress::complete : fail(errc::unsolicited_data);
    }
    // Beast's parser throws on some messages, and feed() promises a value.
    try {
        // The usual case: no copy, because the response arrives in one piece.
        if (pending_.empty()) {
            const progress made = consume(bytes);
            return made == progress::more ? keep_rest(bytes) : made;
        }
        // The incomplete line continues: it is parsed again together with the new bytes.
        pending_.append(bytes.data(), bytes.size());
        std::span<const char> all(pending_);
        const progress made = consume(all);
        if (made == progress::more) {
            // Wiped before it is removed: the bytes may belong to a body.
            const std::size_t used = pending_.size() - all.size();
            ::explicit_bzero(pending_.data(), used);
            pending_.erase(0, used);
            return keep_rest({});
        }
        return made;
    } catch (const std::exception&) {
        return fail(errc::malformed_response);
    }
}

// Feeds the parser until the bytes are used up, the response is complete or an error occurs. Removes from the front of
// `bytes` what the parser has taken.
response_reader::progress response_reader::consume(std::span<const char>& bytes) {
    while (!bytes.empty()) {
        boost::beast::error_code error;
        http_response_parser& parser = *http_->parser;
        // Counted here too, so that a header without an end is rejected at the limit.
        const bool in_header = !parser.is_header_done();
        if (!parser.got_some() && !begins_like_http(bytes)) {
            return fail(errc::malformed_response);
        }
        const std::size_t used = put(parser, bytes, in_header && header_bytes_ == 0, error);
        bytes = bytes.subspan(used);
        if (in_header && !parser.is_header_done()) {
            header_bytes_ += used;
        }
        if (error == boost::beast::http::error::need_more) {
            const bool too_long = header_bytes_ + bytes.size() > response_header_limit_bytes;
            return !parser.is_header_done() && too_long ? fail(errc::header_too_large)
                                                        : progress::more;
        }
        if (error) {
            return fail(parser.fault().value_or(translate(error)));
        }
        if (!parser.is_done()) {
            // No progress: the parser needs more than there is, without saying so.
            if (used == 0) {
                return progress::more;
            }
            continue;
        }
        if (!answer_.interim()) {
            // One request, one response: more bytes would count as the answer to the next request.
            if (!bytes.empty()) {
                return fail(errc::unsolicited_data);
            }
            complete_ = true;
            answer_.finish();
            return progress::complete;
        }
        // An interim response: the final one follows.
        restart_parser();
    }
    return progress::more;
}

// Stores the beginning of an incomplete line for the next call.
response_reader::progress response_reader::keep_rest(std::span<const char> bytes) {
    pending_.append(bytes.data(), bytes.size());
    return pending_.size() <= pending_limit ? progress::more : fail(errc::malformed_response);
}

// Ends the response with an error; later calls of feed() are errors too.
response_reader::progress response_reader::fail(errc fault) noexcept {
    complete_ = true;
    answer_.fail(fault);
    return progress::failed;
}

bool response_reader::reusable() const noexcept {
    // An answer about another session means that requests and answers no longer match on this connection.
    return answer().error != errc::wrong_session && http_->parser && http_->parser->is_done()
           && http_->parser->keep_alive();
}

std::optional<seconds> response_reader::keep_alive_timeout() const noexcept {
    return http_->parser ? http_->parser->keep_alive_timeout() : std::nullopt;
}

} // namespace kallglot
