#include "intake/session_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {
namespace {

constexpr std::size_t no_limit = 1'000'000;

// The ids of a text, separated by spaces, and its bad lines.
struct outcome {
    std::string ids;
    std::string bad;
};

outcome read(std::string_view text, std::size_t piece = no_limit, std::size_t most = no_limit) {
    session_list_parser parser;
    std::vector<session_id> batch;
    outcome seen;
    const auto take = [&] {
        for (const session_id& id : batch) {
            seen.ids += seen.ids.empty() ? "" : " ";
            seen.ids += id.view();
        }
        batch.clear();
    };
    for (std::size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at)) {
        std::string_view rest = text.substr(at, piece);
        while (!rest.empty()) {
            const std::size_t used = parser.write(rest, batch, most);
            EXPECT_GT(used, 0u);
            EXPECT_LE(batch.size(), most);
            rest.remove_prefix(std::max<std::size_t>(used, 1));
            take();
        }
    }
    if (parser.line_open()) {
        parser.finish(batch);
        take();
    }
    seen.bad = parser.take_report().text();
    return seen;
}

struct list_case {
    const char* name;
    std::string text;
    std::string ids;
    std::string bad;
};

class SessionListFormat : public testing::TestWithParam<list_case> {};

TEST_P(SessionListFormat, IsReadForEachSplit) {
    const list_case& expected = GetParam();
    for (const std::size_t piece : {no_limit, std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
        const outcome seen = read(expected.text, piece);
        EXPECT_EQ(seen.ids, expected.ids) << "in pieces of " << piece;
        EXPECT_EQ(seen.bad, expected.bad) << "in pieces of " << piece;
    }
    EXPECT_EQ(read(expected.text, 7, 1).ids, expected.ids) << "one id a call";
}

const std::string longest(64, 'k');
const std::string too_long(65, 'k');

INSTANTIATE_TEST_SUITE_P(
    Table,
    SessionListFormat,
    testing::Values(
        list_case{"OneIdALine", "sess_01JQ\nsess-02_KX\n", "sess_01JQ sess-02_KX", ""},
        list_case{"LastLineWithoutEnd", "sess_01JQ\nsess_02KX", "sess_01JQ sess_02KX", ""},
        list_case{"CarriageReturns", "sess_01JQ\r\n\r\nsess_02KX\r\n", "sess_01JQ sess_02KX", ""},
        list_case{"CarriageReturnAtTheEnd", "sess_01JQ\r", "sess_01JQ", ""},
        list_case{"WhiteSpaceAround", "  sess_01JQ\t \n\tsess_02KX", "sess_01JQ sess_02KX", ""},
        list_case{"BlankLines", "\n\n  \n\t\nsess_01JQ\n\n", "sess_01JQ", ""},
        list_case{"WholeLineComment",
                  "# all of today\nsess_01JQ\n  # more: a b\n",
                  "sess_01JQ",
                  ""},
        list_case{"CommentBehindAnId",
                  "sess_01JQ # caller of €5\nsess_02KX\t#x",
                  "sess_01JQ sess_02KX",
                  ""},
        list_case{"CommentOnlyWithoutEnd", "sess_01JQ\n# the end", "sess_01JQ", ""},
        list_case{"HashWithinAWord", "sess_01#JQ\nsess_02KX\n", "sess_02KX", "1 bad character"},
        list_case{"ByteOrderMark", "\xEF\xBB\xBFsess_01JQ\nsess_02KX\n", "sess_01JQ sess_02KX", ""},
        list_case{"ByteOrderMarkAlone", "\xEF\xBB\xBF", "", ""},
        list_case{"HalfAByteOrderMark",
                  "\xEF\xBBsess_01JQ\nsess_02KX",
                  "sess_02KX",
                  "1 bad character"},
        list_case{"HalfAByteOrderMarkAlone", "\xEF\xBB", "", "1 bad character"},
        list_case{"ByteOrderMarkLater",
                  "a\n\xEF\xBB\xBF"
                  "b\n",
                  "a",
                  "2 bad character"},
        list_case{"LongestId", longest + "\n", longest, ""},
        list_case{"TooLongId", too_long + "\nsess_02KX", "sess_02KX", "1 too long"},
        list_case{"TooLongWithoutEnd", "sess_02KX\n" + too_long, "sess_02KX", "2 too long"},
        list_case{"OtherCharacters",
                  "a.b\nc/d\n\xC3\xA4\n+4930123456\nsess_02KX",
                  "sess_02KX",
                  "1 bad character, 2 bad character, 3 bad character, 4 bad character"},
        list_case{"ZeroByte", std::string("a\0b\nc\n", 6), "c", "1 bad character"},
        list_case{"TwoWords", "sess_01JQ sess_02KX\nsess_03LY\n", "sess_03LY", "1 two words"},
        list_case{"Nothing", "", "", ""}),
    [](const auto& given) { return std::string(given.param.name); });

TEST(SessionList, AnEndlessLineIsOneBadLine) {
    session_list_parser parser;
    std::vector<session_id> ids;
    const std::string piece(256 * 1024, 'x');
    for (int round = 0; round < 40; ++round) {
        EXPECT_EQ(parser.write(piece, ids, 4096), piece.size());
    }
    EXPECT_EQ(parser.write("\nsess_01JQ\n", ids, 4096), 11u);
    ASSERT_EQ(ids.size(), 1u);
    EXPECT_EQ(ids.front().view(), "sess_01JQ");
    EXPECT_EQ(parser.take_report().text(), "1 too long");
}

TEST(SessionList, ManyBadLinesAreCountedAndTheFirstTenNamed) {
    std::string text;
    for (int line = 0; line < 1000; ++line) {
        text += "sess_01JQ\nnot an id\n";
    }
    session_list_parser parser;
    std::vector<session_id> ids;
    EXPECT_EQ(parser.write(text, ids, no_limit), text.size());
    const bad_line_report report = parser.take_report();
    EXPECT_EQ(report.count, 1000u);
    EXPECT_EQ(report.first.front(), (bad_line{2, line_fault::two_words}));
    EXPECT_EQ(report.first.back(), (bad_line{20, line_fault::two_words}));
    EXPECT_TRUE(report.text().ends_with(", and 990 more")) << report.text();
    EXPECT_EQ(parser.take_report().count, 0u) << "reported once";
}

TEST(SessionList, StopsAtTheLimitAndContinuesThere) {
    session_list_parser parser;
    std::vector<session_id> ids;
    const std::string_view text = "sess_01JQ\nsess_02KX\nsess_03LY\n";
    const std::size_t used = parser.write(text, ids, 2);
    EXPECT_EQ(used, 20u);
    ids.clear();
    EXPECT_EQ(parser.write(text.substr(used), ids, 2), 10u);
    ASSERT_EQ(ids.size(), 1u);
    EXPECT_EQ(ids.front().view(), "sess_03LY");
}

TEST(SessionList, ACopyFinishesALineThatMayStillGrow) {
    session_list_parser parser;
    std::vector<session_id> ids;
    EXPECT_EQ(parser.write("sess_01", ids, no_limit), 7u);
    EXPECT_TRUE(parser.line_open());
    session_list_parser copy = parser;
    copy.finish(ids);
    EXPECT_EQ(parser.write("JQ\n", ids, no_limit), 3u);
    EXPECT_FALSE(parser.line_open());
    ASSERT_EQ(ids.size(), 2u);
    EXPECT_EQ(ids[0].view(), "sess_01");
    EXPECT_EQ(ids[1].view(), "sess_01JQ");
}

} // namespace
} // namespace kallglot
