// Tests of opening and reading files that the operator names: what is not a regular file is refused at once.

#include "kallglot/files/operator_file.hpp"

#include "kallglot/net/tls/tls_context.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace kallglot::test {
namespace {

class OperatorFile : public testing::Test {
protected:
    [[nodiscard]] std::string fifo() const {
        std::string path = (folder_.path() / "pipe").string();
        EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
        return path;
    }

    temporary_folder folder_;
};

TEST_F(OperatorFile, ARegularFileIsReadWhole) {
    const auto contents =
        read_file(folder_.file("key", "a line of more than thirty-two characters"), 64);
    EXPECT_EQ(contents.reason, "");
    EXPECT_EQ(std::string(contents.bytes.begin(), contents.bytes.end()),
              "a line of more than thirty-two characters");
}

TEST_F(OperatorFile, AFileOfTheLimitIsReadAndALongerOneIsNot) {
    EXPECT_EQ(read_file(folder_.file("fits", std::string(64, 'x')), 64).bytes.size(), 64U);
    const auto longer = read_file(folder_.file("longer", std::string(65, 'x')), 64);
    EXPECT_TRUE(longer.too_large);
    EXPECT_TRUE(longer.bytes.empty());
}

TEST_F(OperatorFile, PipeFolderAndDeviceAreRefusedAtOnce) {
    EXPECT_EQ(check_readable(fifo()), "it is not a regular file");
    EXPECT_EQ(check_readable("/dev/zero"), "it is not a regular file");
    EXPECT_EQ(check_readable(folder_.path()), "it is a directory");
    EXPECT_EQ(check_readable(folder_.path() / "missing"), "No such file or directory");
}

// Before, OpenSSL's side of the daemon opened its files itself and waited for the pipe's writer for ever.
TEST_F(OperatorFile, APipeAsCertificateOrKeyIsRefusedAtOnce) {
    const std::string pipe = fifo();
    tls_server_options server;
    server.cert_file = pipe;
    server.key_file = pipe;
    const auto made = tls_context::make_server(server);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message, "cannot read " + pipe + ": it is not a regular file");
    EXPECT_TRUE(made.error().unreadable);
    tls_client_options client;
    client.host = "api.kallglot.com";
    client.ca_file = pipe;
    const auto trust = tls_context::make_client(client);
    ASSERT_FALSE(trust);
    EXPECT_EQ(trust.error().message, "cannot read " + pipe + ": it is not a regular file");
}

} // namespace
} // namespace kallglot::test
