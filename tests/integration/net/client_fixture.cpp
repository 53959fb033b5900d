#include "client_fixture.hpp"

namespace kallglot::test {

HttpsClient::HttpsClient() {
    settings_.max_connections = 8;
}

HttpsClient::~HttpsClient() {
    finish();
}

tls_context HttpsClient::server_tls(const identity& certificate) {
    tls_server_options options;
    options.cert_file = folder_.file("server.pem", certificate.chain_pem);
    options.key_file = folder_.file("server.key", certificate.private_key_pem);
    auto made = tls_context::make_server(options);
    if (!made) {
        throw std::runtime_error(made.error().message);
    }
    return *made;
}

void HttpsClient::serve(std::vector<script> scripts) {
    serve_as(certificates_.good(), std::move(scripts));
}

void HttpsClient::serve_as(const identity& certificate, std::vector<script> scripts) {
    serve_with(server_tls(certificate), std::move(scripts));
}

void HttpsClient::serve_with(std::optional<tls_context> tls, std::vector<script> scripts) {
    settings_.base_url.tls = tls.has_value();
    server_ =
        std::make_unique<scripted_server>(loop_.executor(), std::move(tls), std::move(scripts));
}

void HttpsClient::start_client(const std::string& host) {
    settings_.base_url.host = host;
    settings_.base_url.port = server_ ? server_->port() : settings_.base_url.port;
    settings_.base_url.host_header = host + ":" + std::to_string(settings_.base_url.port);
    if (settings_.base_url.tls && !trust_) {
        tls_client_options options;
        options.host = host;
        options.ca_file = folder_.file("ca.pem", certificates_.authority().certificate_pem());
        auto made = tls_context::make_client(options);
        ASSERT_TRUE(made.has_value()) << made.error().message;
        trust_ = *made;
    }
    own_resolver_ = lookup_ ? std::make_unique<resolver>(worker_, lookup_) : nullptr;
    client_ =
        std::make_unique<https_client>(loop_.executor(),
                                       own_resolver_ ? *own_resolver_ : resolver_,
                                       [this](const std::string& name, const std::string& what) {
                                           bugs_.push_back(name + ": " + what);
                                       });
    client_->set_listener(*this);
    configure_client();
}

void HttpsClient::configure_client() {
    ASSERT_TRUE(client_->configure(settings_, trust_, secret(api_key), "kallglot_exporter/test"));
}

void HttpsClient::ask(const std::string& id, bool fresh) {
    const auto parsed = session_id::parse(id);
    ASSERT_TRUE(parsed.has_value()) << id;
    const get_request request{session_slot{next_slot_++}, *parsed, fresh};
    client_->get(request_permit_for_tests::make(), request);
}

const api_answer& HttpsClient::answer(std::size_t count) {
    static const api_answer none;
    const auto outcome = loop_.run_until([&] { return answers_.size() >= count; });
    EXPECT_TRUE(outcome) << "waiting for answer " << count;
    return answers_.size() >= count ? answers_[count - 1] : none;
}

const api_answer& HttpsClient::ask_and_wait(const std::string& id, bool fresh) {
    ask(id, fresh);
    return answer(answers_.size() + 1);
}

void HttpsClient::on_answer(const api_answer& answer) {
    answers_.push_back(answer);
    if (throws_ > 0) {
        --throws_;
        throw std::bad_alloc();
    }
    if (!ask_again_.empty()) {
        ask(std::exchange(ask_again_, std::string()));
    }
}

void HttpsClient::finish() {
    if (client_) {
        client_->cut();
        EXPECT_TRUE(loop_.run(client_->join()));
        EXPECT_TRUE(std::exchange(bugs_, {}).empty());
        EXPECT_EQ(answers_.size(), next_slot_) << "every request is answered exactly once";
        client_.reset();
    }
    if (server_) {
        server_->stop();
        EXPECT_TRUE(loop_.run_until([&] { return server_->finished(); }));
        loop_.poll();
        server_.reset();
    }
}

} // namespace kallglot::test
