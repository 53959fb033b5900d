// Tests of certificates that change on disk: listeners use them soon, also after a failed read.

#include "app/web_host.hpp"
#include "app/webhook_host.hpp"
#include "support/certificates.hpp"
#include "support/inline_worker.hpp"
#include "support/loop.hpp"
#include "support/no_descriptors.hpp"
#include "support/temporary_folder.hpp"
#include "support/virtual_clock.hpp"
#include "unit/web/fake_intake.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>

namespace kallglot::test {
namespace {

using namespace std::chrono_literals;

class CertificateRotation : public testing::Test {
protected:
    CertificateRotation() {
        issue(30);
        web_file_ =
            folder_.file("web.yml", "tls_server_config: {cert_file: own.crt, key_file: own.key}\n");
    }

    /// Replaces the certificate and its key by new ones that are valid for `days`.
    void issue(int days) {
        certificate_wish wish;
        wish.not_after = std::chrono::system_clock::now() + 24h * days;
        const identity made = authority_.issue(wish);
        replace("own.crt", made.certificate_pem);
        replace("own.key", made.private_key_pem);
    }

    void replace(const std::string& name, std::string_view text) {
        std::filesystem::rename(folder_.file(name + ".new", text), folder_.path() / name);
    }

    loaded_web load() { return std::get<loaded_web>(load_web(web_file_)); }

    /// In how many days the certificate of the private listener expires.
    [[nodiscard]] std::int64_t days_of_web() const { return days(web_.certificate_not_after()); }

    [[nodiscard]] static std::int64_t days(std::int64_t not_after) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return (not_after - std::chrono::duration_cast<seconds>(now).count() + 3600) / 86'400;
    }

    temporary_folder folder_;
    certificate_authority authority_{"authority of the test"};
    std::string web_file_;
    loop loop_;
    virtual_clock clock_;
    null_logger log_;
    http_routes routes_;
    fake_intake intake_{loop_.executor()};
    daemon_metrics metrics_{build_details{"0", "0", "0"}};
    session_api api_{intake_, metrics_, secret()};
    private_gate gate_{loop_.executor(), api_, std::nullopt, metrics_, clock_, log_};
    inline_worker worker_{loop_.executor()};
    web_host web_{loop_.executor(), routes_, {}, gate_, clock_, worker_, log_};
};

TEST_F(CertificateRotation, AReplacedCertificateIsUsedSoon) {
    web_.use(web_file_, load());
    EXPECT_EQ(days_of_web(), 30);
    issue(60);
    clock_.advance(5s);
    EXPECT_EQ(days_of_web(), 60);
}

TEST_F(CertificateRotation, AReplacementBeforeFollowingIsDetected) {
    loaded_web read = load();
    issue(60);
    web_.use(web_file_, std::move(read));
    clock_.advance(5s);
    EXPECT_EQ(days_of_web(), 60);
}

TEST_F(CertificateRotation, ATemporarilyUnreadableCertificateIsReadLater) {
    if (sanitizer_needs_descriptors) {
        GTEST_SKIP() << "UBSan needs descriptors of its own";
    }
    web_.use(web_file_, load());
    issue(60);
    {
        const no_descriptors now;
        clock_.advance(5s);
    }
    EXPECT_EQ(days_of_web(), 30);
    clock_.advance(5s);
    EXPECT_EQ(days_of_web(), 60);
}

TEST_F(CertificateRotation, AnInvalidFileOfANewConfigurationIsFollowed) {
    web_.use(web_file_, load());
    replace("other.crt", "not a certificate");
    replace("web.yml", "tls_server_config: {cert_file: other.crt, key_file: own.key}\n");
    clock_.advance(5s);
    EXPECT_EQ(days_of_web(), 30);
    issue(60);
    std::filesystem::rename(folder_.path() / "own.crt", folder_.path() / "other.crt");
    clock_.advance(5s);
    EXPECT_EQ(days_of_web(), 60);
}

TEST_F(CertificateRotation, TheWebhookCertificateIsReloadedToo) {
    if (sanitizer_needs_descriptors) {
        GTEST_SKIP() << "UBSan needs descriptors of its own";
    }
    webhook_settings values;
    values.listen = listen_address{"127.0.0.1:0", "127.0.0.1", 0};
    values.tls_cert_file = (folder_.path() / "own.crt").string();
    values.tls_key_file = (folder_.path() / "own.key").string();
    webhook_host webhooks(loop_.executor(), values, {}, intake_, metrics_, clock_, worker_, log_);
    file_group first = webhook_certificate_files(values);
    auto identity = make_webhook_identity(values);
    ASSERT_FALSE(webhooks.listen(std::move(*identity), std::move(first)));
    issue(60);
    {
        const no_descriptors now;
        clock_.advance(5s);
    }
    EXPECT_EQ(days(webhooks.certificate_not_after()), 30);
    clock_.advance(5s);
    EXPECT_EQ(days(webhooks.certificate_not_after()), 60);

    file_group before = webhook_certificate_files(values);
    auto read = make_webhook_identity(values);
    issue(90);
    webhooks.reload(values, {}, std::move(*read), std::move(before));
    EXPECT_EQ(days(webhooks.certificate_not_after()), 60);
    clock_.advance(5s);
    EXPECT_EQ(days(webhooks.certificate_not_after()), 90);
    webhooks.finish();
    webhooks.cut();
    EXPECT_TRUE(loop_.run(webhooks.join()));
}

} // namespace
} // namespace kallglot::test
