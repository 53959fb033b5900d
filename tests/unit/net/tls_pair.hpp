// A client engine and a server engine that talk through memory.

#ifndef KALLGLOT_TEST_NET_TLS_PAIR_HPP
#define KALLGLOT_TEST_NET_TLS_PAIR_HPP

#include "kallglot/net/tls/tls_context.hpp"
#include "net/tls/tls_engine.hpp"
#include "support/certificates.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace kallglot::test {

/// Contexts from certificates made for the test.
class tls_setup {
public:
    [[nodiscard]] tls_context server(const identity& who, tls_server_options options = {}) const {
        options.cert_file = folder.file("server.pem", who.chain_pem);
        options.key_file = folder.file("server.key", who.private_key_pem);
        return take(tls_context::make_server(options));
    }

    [[nodiscard]] tls_context client(const std::string& host = "localhost") const {
        return client_trusting(certificates.authority().certificate_pem(), host);
    }

    [[nodiscard]] tls_context client_trusting(const std::string& authority_pem,
                                              const std::string& host = "localhost") const {
        tls_client_options options;
        options.host = host;
        options.ca_file = folder.file("ca.pem", authority_pem);
        return take(tls_context::make_client(options));
    }

    static tls_context take(tls_result<tls_context> made) {
        if (!made) {
            throw std::runtime_error(made.error().message);
        }
        return *made;
    }

    test_certificates certificates;
    temporary_folder folder;
};

class tls_pair {
public:
    tls_pair(const tls_context& client_context, const tls_context& server_context)
        : client(std::make_unique<tls_engine>(client_context)),
          server(std::make_unique<tls_engine>(server_context)) {}

    /// Both handshakes to their end, `piece` bytes at a time; what is left over stays in the two strings.
    void shake_hands(std::size_t piece = 1 << 20) {
        client_status = tls_status::want_input;
        server_status = tls_status::want_input;
        client_status = advance(*client, to_client, to_server, piece);
        for (int turn = 0; turn < 10 && !settled(); ++turn) {
            if (server_status == tls_status::want_input) {
                server_status = advance(*server, to_server, to_client, piece);
            }
            if (client_status == tls_status::want_input) {
                client_status = advance(*client, to_client, to_server, piece);
            }
        }
    }

    [[nodiscard]] bool established() const {
        return client_status == tls_status::done && server_status == tls_status::done;
    }

    /// What `reader` makes of the bytes in `wire`, `piece` bytes at a time; its last status is kept.
    std::string read(tls_engine& reader,
                     std::string& wire,
                     std::string& answer,
                     std::size_t piece = 1 << 20) {
        std::string text;
        std::array<char, 20000> plain{};
        std::size_t at = 0;
        do {
            const std::size_t size = std::min(piece, wire.size() - at);
            std::span<const char> input(wire.data() + at, size);
            at += size;
            do {
                const auto got = reader.read(input, plain, answer);
                last = got.status;
                text.append(plain.data(), got.size);
            } while (last == tls_status::done);
        } while (at < wire.size() && last == tls_status::want_input);
        wire.clear();
        return text;
    }

    std::unique_ptr<tls_engine> client;
    std::unique_ptr<tls_engine> server;
    std::string to_client;
    std::string to_server;
    tls_status client_status = tls_status::want_input;
    tls_status server_status = tls_status::want_input;
    tls_status last = tls_status::want_input;

private:
    [[nodiscard]] bool settled() const {
        return client_status != tls_status::want_input && server_status != tls_status::want_input;
    }

    static tls_status advance(tls_engine& engine,
                              std::string& in,
                              std::string& out,
                              std::size_t piece) {
        tls_status status = tls_status::want_input;
        std::size_t at = 0;
        do {
            const std::size_t size = std::min(piece, in.size() - at);
            std::span<const char> input(in.data() + at, size);
            status = engine.handshake(input, out);
            at += size - input.size();
        } while (at < in.size() && status == tls_status::want_input);
        in.erase(0, at);
        return status;
    }
};

} // namespace kallglot::test

#endif
