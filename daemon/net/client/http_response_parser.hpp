/// Beast's parser for responses, with the framing checks that Boost 1.81 leaves out.
///
/// Beast accepts messages with ambiguous framing: two lengths, unknown transfer codings, trailers that change the
/// connection. This parser rejects them. What a response says goes straight into
/// answer_reader, so there is no container of fields.

#ifndef KALLGLOT_NET_CLIENT_HTTP_RESPONSE_PARSER_HPP
#define KALLGLOT_NET_CLIENT_HTTP_RESPONSE_PARSER_HPP

#include "kallglot/base/error.hpp"
#include "kallglot/base/time.hpp"
#include "net/client/answer_reader.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kallglot {

/// Parses one message into `answer`; each message needs a new parser. Lifetime: `answer` outlives it.
class http_response_parser final : public boost::beast::http::basic_parser<false> {
public:
    http_response_parser(answer_reader& answer, std::size_t body_limit);

    /// Why a check rejected the message; nothing if none did.
    [[nodiscard]] std::optional<errc> fault() const noexcept { return fault_; }

    [[nodiscard]] std::optional<seconds> keep_alive_timeout() const noexcept {
        return keep_alive_timeout_;
    }

private:
    using error_code = boost::beast::error_code;
    using string_view = boost::beast::string_view;
    using field = boost::beast::http::field;

    void on_request_impl(boost::beast::http::verb,
                         string_view,
                         string_view,
                         int,
                         error_code&) override {}

    void on_response_impl(int code, string_view reason, int version, error_code& error) override;
    void on_field_impl(field name,
                       string_view name_text,
                       string_view value,
                       error_code& error) override;
    void on_header_impl(error_code& error) override;

    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

    std::size_t on_body_impl(string_view body, error_code& error) override;

    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}

    std::size_t on_chunk_body_impl(std::uint64_t remain,
                                   string_view body,
                                   error_code& error) override;

    void on_finish_impl(error_code&) override {}

    void refuse(std::optional<errc> fault, error_code& error) noexcept;
    void on_trailer(field name, std::size_t size, error_code& error) noexcept;
    [[nodiscard]] bool is_bodiless() const noexcept;

    answer_reader& answer_;
    std::optional<errc> fault_;
    std::optional<seconds> keep_alive_timeout_;
    int version_ = 0;
    int lengths_ = 0;
    int codings_ = 0;
    bool header_done_ = false;
    std::size_t trailer_bytes_ = 0;
};

} // namespace kallglot

#endif
