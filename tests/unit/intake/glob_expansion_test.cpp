#include "intake/glob_expansion.hpp"

#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

namespace kallglot::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class GlobExpansion : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(folder_.path() / "a.d/deeper");
        std::filesystem::create_directories(folder_.path() / "b.d");
        for (const char* name : {"one.ids",
                                 "two.ids",
                                 ".hidden.ids",
                                 "a.d/x.ids",
                                 "b.d/x.ids",
                                 "a.d/deeper/y",
                                 "[odd].txt"}) {
            static_cast<void>(folder_.file(name, "sess_01JQ7N0C5VXB3HEZ4M8K00000001\n"));
        }
    }

    // Without the beginning that is different each time.
    [[nodiscard]] std::vector<std::string> inner(std::vector<std::string> paths) const {
        for (std::string& path : paths) {
            EXPECT_TRUE(path.starts_with(folder_.path().string())) << path;
            path.erase(0, folder_.path().string().size());
        }
        return paths;
    }

    [[nodiscard]] glob_matches expand(const std::string& glob, std::size_t most = 100) const {
        return expand_globs({folder_.path().string() + glob}, {most, 1000});
    }

    temporary_folder folder_;
};

TEST_F(GlobExpansion, FindsFilesAndTheFoldersToWatch) {
    const glob_matches all = expand("/*.ids");
    EXPECT_THAT(inner(all.files), ElementsAre("/one.ids", "/two.ids"));
    EXPECT_THAT(inner(all.folders), ElementsAre("/"));
    const glob_matches deep = expand("/?.d/*.ids");
    EXPECT_THAT(inner(deep.files), ElementsAre("/a.d/x.ids", "/b.d/x.ids"));
    EXPECT_THAT(inner(deep.folders), ElementsAre("/", "/a.d/", "/b.d/"));
    EXPECT_THAT(inner(expand("/.h*").files), ElementsAre("/.hidden.ids"));
    EXPECT_THAT(inner(expand("/\\[odd\\].txt").files), ElementsAre("/[odd].txt"));
    EXPECT_THAT(inner(expand("/[ot]*.ids").files), ElementsAre("/one.ids", "/two.ids"));
}

TEST_F(GlobExpansion, NamesWithoutWildcardsAreFoundIfTheyAreThere) {
    EXPECT_THAT(inner(expand("/a.d/x.ids").files), ElementsAre("/a.d/x.ids"));
    EXPECT_THAT(inner(expand("/a.d/x.ids").folders), ElementsAre("/a.d/"));
    EXPECT_THAT(expand("/a.d/missing").files, IsEmpty());
    // The nearest folder that is there, so that the rest is seen when it comes.
    EXPECT_THAT(inner(expand("/a.d/not/yet/*.ids").folders), ElementsAre("/a.d/"));
    EXPECT_THAT(inner(expand("/one.ids/x").folders), ElementsAre("/"));
}

TEST_F(GlobExpansion, AWildcardDoesNotMeanFolders) {
    EXPECT_THAT(inner(expand("/a.d/*").files), ElementsAre("/a.d/x.ids"));
    EXPECT_THAT(inner(expand("/*/*").files), ElementsAre("/a.d/x.ids", "/b.d/x.ids"));
}

TEST_F(GlobExpansion, RepeatedMatchesCountOnceAndTheirNumberIsBounded) {
    const std::string base = folder_.path().string();
    const glob_matches twice = expand_globs({base + "/*.ids", base + "/one.*"}, {});
    EXPECT_THAT(inner(twice.files), ElementsAre("/one.ids", "/two.ids"));
    EXPECT_FALSE(twice.too_many);
    const glob_matches bounded = expand("/*.ids", 1);
    EXPECT_EQ(bounded.files.size(), 1u);
    EXPECT_TRUE(bounded.too_many);
}

TEST_F(GlobExpansion, TheNumberOfEntriesIsBounded) {
    const std::string glob = folder_.path().string() + "/*.ids";
    EXPECT_TRUE(expand_globs({glob}, {100, 3}).too_many);
    EXPECT_FALSE(expand_globs({glob}, {100, 100}).too_many);
}

TEST_F(GlobExpansion, AFolderIsWatchedBeforeItIsListed) {
    const glob_matches matches =
        expand_globs({folder_.path().string() + "/*"}, {}, [&](const std::string& folder) {
            EXPECT_EQ(inner({folder}).front(), "/");
            static_cast<void>(folder_.file("late", "sess_01JQ7N0C5VXB3HEZ4M8K00000001\n"));
        });
    EXPECT_THAT(inner(matches.files), Contains("/late"));
}

TEST_F(GlobExpansion, ALinkIsFoundWithoutItsTarget) {
    std::filesystem::create_symlink("b.d/x.ids", folder_.path() / "link");
    std::filesystem::create_symlink("nowhere", folder_.path() / "broken");
    EXPECT_THAT(inner(expand("/link").files), ElementsAre("/link"));
    EXPECT_THAT(inner(expand("/link").folders), ElementsAre("/"));
    EXPECT_THAT(inner(expand("/broken").files), ElementsAre("/broken"));
}

TEST(GlobSpelling, WhatIsNotExpandedIsNamed) {
    EXPECT_TRUE(why_unmatched("/etc/kallglot_exporter/~/s.txt").starts_with("~ is not expanded"));
    EXPECT_TRUE(why_unmatched("/srv/**/*.txt").starts_with("** matches within one folder"));
    EXPECT_TRUE(why_unmatched("/srv/{a,b}.txt").starts_with("{} is not expanded"));
    EXPECT_NE(why_unmatched("/tmp/s.txt").find("PrivateTmp"), std::string::npos);
    EXPECT_EQ(why_unmatched("/etc/kallglot_exporter/sesions.txt"), "");
}

TEST_F(GlobExpansion, AnUnreadableFolderIsReported) {
    std::filesystem::create_symlink("loop", folder_.path() / "loop");
    const glob_matches matches = expand("/loop/*.ids");
    EXPECT_THAT(matches.files, IsEmpty());
    EXPECT_EQ(inner({matches.unreadable}).front(), "/loop");
    EXPECT_EQ(matches.error, ELOOP);
    EXPECT_EQ(expand("/missing/*.ids").error, 0) << "it may come yet";
}

TEST(GlobSpelling, OneForEachPath) {
    EXPECT_EQ(normal_glob("/etc//kallglot/./ids/../*.txt"), "/etc/kallglot/*.txt");
    EXPECT_TRUE(glob_accepts("/etc/*/x?.txt", "/etc/a/x1.txt"));
    EXPECT_FALSE(glob_accepts("/etc/*.txt", "/etc/a/x1.txt"));
    EXPECT_FALSE(glob_accepts("/etc/*.txt", "/etc/.x.txt"));
}

} // namespace
} // namespace kallglot::test
