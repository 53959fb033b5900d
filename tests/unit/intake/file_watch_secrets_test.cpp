// Tests of the file watch with secrets among the session files: their content never becomes an id.

#include "unit/intake/file_watch_fixture.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace kallglot::test {
namespace {

const std::string one = "sess_01JQ7N0C5VXB3HEZ4M8K00000001";
// As `openssl rand -hex 32` makes it: also a valid session id.
const std::string token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

class FileWatchSecrets : public FileWatchFixture {
protected:
    FileWatchSecrets() {
        std::filesystem::create_directories(path("secrets"));
        std::filesystem::create_directories(path("credentials"));
        std::filesystem::create_directories(path("drop"));
        write("secrets/token", token + "\n");
        write("credentials/other", token + "\n");
        watch_.use_secrets({{path("secrets/token")}, path("credentials")});
    }

    void expect_refused(std::string_view reason) {
        settle();
        EXPECT_EQ(take_added(), names{});
        const names log = take_log();
        ASSERT_EQ(log.size(), 1U);
        EXPECT_NE(log.front().find(reason), std::string::npos) << log.front();
        EXPECT_EQ(log.front().find(token), std::string::npos) << "without the content";
    }
};

TEST_F(FileWatchSecrets, ALinkToASecretIsRefused) {
    std::filesystem::create_symlink(path("secrets/token"), path("drop/a.txt"));
    start("drop/*.txt");
    expect_refused("it is a secret of the configuration");
}

TEST_F(FileWatchSecrets, AHardLinkToASecretIsRefused) {
    std::filesystem::create_hard_link(path("secrets/token"), path("drop/a.txt"));
    start("drop/*.txt");
    expect_refused("it is a secret of the configuration");
}

TEST_F(FileWatchSecrets, ASecretNamedAsASessionFileIsRefused) {
    start("secrets/*");
    expect_refused("it is a secret of the configuration");
}

TEST_F(FileWatchSecrets, ASecretThatWasRenamedIsStillOne) {
    write("drop/ok.txt", one + "\n");
    start("drop/*.txt");
    settle();
    EXPECT_EQ(take_added(), names{one});
    std::filesystem::rename(path("secrets/token"), path("drop/old.txt"));
    write("secrets/token", token + "0\n");
    expect_refused("it is a secret of the configuration");
}

TEST_F(FileWatchSecrets, AFileOfTheCredentialsDirectoryIsRefused) {
    std::filesystem::create_directory_symlink(path("credentials"), path("way"));
    std::filesystem::create_symlink(path("way/../way/other"), path("drop/a.txt"));
    start("drop/*.txt");
    expect_refused("it is in the credentials directory of the service");
}

TEST_F(FileWatchSecrets, ALinkOfAnotherUserIsRefused) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can make links of another user";
    }
    // What another user may not read, and is no secret of the configuration.
    write("private", token + "\n");
    std::filesystem::create_symlink(path("private"), path("drop/a.txt"));
    ASSERT_EQ(::lchown(path("drop/a.txt").c_str(), 65534, 65534), 0);
    start("drop/*.txt");
    expect_refused("a symbolic link of another user leads to it");
}

TEST_F(FileWatchSecrets, ALinkInTheMiddleOfThePathIsCheckedToo) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can make links of another user";
    }
    std::filesystem::create_directories(path("private"));
    write("private/a.txt", token + "\n");
    std::filesystem::create_directory_symlink(path("private"), path("drop/folder"));
    ASSERT_EQ(::lchown(path("drop/folder").c_str(), 65534, 65534), 0);
    start("drop/*/*.txt");
    expect_refused("a symbolic link of another user leads to it");
}

// As Kubernetes mounts a ConfigMap: all links and files are root's. And a user's link to a file of its own.
TEST_F(FileWatchSecrets, LinksOfOneOwnerAndOfRootAreFollowed) {
    std::filesystem::create_directories(path("map/..2026_11_30"));
    write("map/..2026_11_30/ids", one + "\n");
    std::filesystem::create_directory_symlink("..2026_11_30", path("map/..data"));
    std::filesystem::create_symlink("..data/ids", path("map/ids"));
    start("map/ids");
    settle();
    EXPECT_EQ(take_added(), names{one});
    if (::geteuid() == 0) {
        write("own", one + "2\n");
        std::filesystem::create_symlink(path("own"), path("drop/own.txt"));
        ASSERT_EQ(::lchown(path("drop/own.txt").c_str(), 65534, 65534), 0);
        ASSERT_EQ(::chown(path("own").c_str(), 65534, 65534), 0);
        use({"drop/own.txt"});
        settle();
        EXPECT_EQ(take_added(), names{one + "2"});
    }
    EXPECT_EQ(take_log(), names{});
}

TEST_F(FileWatchSecrets, ALineThatLooksLikeASecretIsABadLine) {
    write("ids",
          "sk_live_0123456789abcdef\nsk_test_short\nwhsec_0123456789abcdef\nkst_0123456789\n" + one
              + "\n");
    start("ids");
    EXPECT_EQ(take_added(), names{one});
    EXPECT_EQ(bad_lines_, 4U);
    const names log = take_log();
    ASSERT_EQ(log.size(), 1U);
    EXPECT_NE(log.front().find("1 looks like a secret, 2 looks like a secret"), std::string::npos);
    EXPECT_EQ(log.front().find("0123456789"), std::string::npos);
}

TEST_F(FileWatchSecrets, AFileInUtf16KeepsTheIdsBefore) {
    write("ids", one + "\n");
    start("ids");
    EXPECT_EQ(take_added(), names{one});
    for (const std::string_view begin : {std::string_view("\xFF\xFEs\0", 4),
                                         std::string_view("\xFE\xFF\0s", 4),
                                         std::string_view("s\0e\0", 4),
                                         std::string_view("\0s\0e", 4)}) {
        write("ids", begin);
        pass(2s);
        EXPECT_EQ(take_added(), names{});
        const names log = take_log();
        ASSERT_EQ(log.size(), 1U);
        EXPECT_NE(log.front().find("it is UTF-16 text: save it as UTF-8"), std::string::npos);
        write("ids", one + "\n");
        pass(6s);
        static_cast<void>(take_log());
    }
    pass(11min);
    EXPECT_EQ(take_removed(), names{});
}

TEST_F(FileWatchSecrets, ALateWarningNamesAGlobThatMatchesNothing) {
    write("ids", one + "\n");
    start(names{"ids", "sesions.txt", "**/*.txt"});
    settle();
    const names log = take_log();
    ASSERT_EQ(log.size(), 2U);
    EXPECT_NE(log[0].find("warn no session file matches glob=" + path("sesions.txt")),
              std::string::npos)
        << log[0];
    EXPECT_NE(log[1].find("** matches within one folder only"), std::string::npos) << log[1];
    pass(10min);
    EXPECT_EQ(take_log(), names{}) << "once";
}

TEST_F(FileWatchSecrets, AFirstLineThatIsAColumnNameIsNoId) {
    write("ids", "# of today\n\nSession_ID\n" + one + "\nid\n");
    start("ids");
    EXPECT_EQ(take_added(), (names{"id", one})) << "only the first line can be a heading";
    EXPECT_NE(take_log().front().find("lines=3 column name"), std::string::npos);
}

} // namespace
} // namespace kallglot::test
