// Fixture of the client's tests: the client, a server with a script, and the client's answers.

#ifndef KALLGLOT_TEST_NET_CLIENT_FIXTURE_HPP
#define KALLGLOT_TEST_NET_CLIENT_FIXTURE_HPP

#include "kallglot/async/worker_thread.hpp"
#include "kallglot/net/client/https_client.hpp"
#include "scripted_server.hpp"
#include "support/certificates.hpp"
#include "support/loop.hpp"
#include "support/permit.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kallglot::test {

/// Long enough to be recognised in any buffer that it leaks into.
inline constexpr std::string_view api_key =
    "kg_live_0123456789abcdefghijklmnopqrstuvwxyz0123456789";

class HttpsClient : public ::testing::Test, protected api_listener {
protected:
    HttpsClient();
    ~HttpsClient() override;

    /// TLS for a server with this certificate.
    [[nodiscard]] tls_context server_tls(const identity& certificate);

    /// Starts the server, with the good certificate, another one, or another context.
    void serve(std::vector<script> scripts);
    void serve_as(const identity& certificate, std::vector<script> scripts);
    void serve_with(std::optional<tls_context> tls, std::vector<script> scripts);

    /// Makes the client, which connects to `host` and trusts the test's authority.
    void start_client(const std::string& host = "127.0.0.1");

    /// Gives the client the present settings_, as a reload does.
    void configure_client();

    /// Requests a session; each request has the next slot number.
    void ask(const std::string& id, bool fresh = false);

    /// Runs until there are `count` answers in total, and returns the last one.
    [[nodiscard]] const api_answer& answer(std::size_t count);

    /// Requests a session and waits for the answer.
    [[nodiscard]] const api_answer& ask_and_wait(const std::string& id, bool fresh = false);

    /// Ends client and server, and checks that nothing is left.
    void finish();

    void on_answer(const api_answer& answer) override;

    loop loop_;
    test_certificates certificates_;
    temporary_folder folder_;
    worker_thread worker_{loop_.executor(), "lookups"};
    resolver resolver_{worker_};
    resolver::lookup_function lookup_; // replaces the system's when set before start_client()
    std::unique_ptr<resolver> own_resolver_;
    api_settings settings_;
    std::optional<tls_context> trust_;
    std::unique_ptr<scripted_server> server_;
    std::unique_ptr<https_client> client_;
    std::vector<api_answer> answers_;
    std::size_t throws_ = 0; // on_answer() throws for this many of the next answers
    std::vector<std::string>
        bugs_; // reported by the client; one that is not expected fails the test
    std::uint32_t next_slot_ = 0;
    std::string ask_again_; // requested once from inside the next answer
};

} // namespace kallglot::test

#endif
