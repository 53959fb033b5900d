#include "net/server/chunk_decoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace kallglot {
namespace {

using namespace std::string_literals;
using state = chunk_decoder::state;

constexpr std::size_t limit = 1000;

struct decoded {
    state outcome = state::reading;
    std::string body;
    std::string rest;
};

// Feeds the text in pieces of `piece` bytes, as reads of a socket do.
decoded decode(std::string_view text, std::size_t piece) {
    chunk_decoder decoder(limit);
    decoded got;
    while (!text.empty() && got.outcome == state::reading) {
        got.rest += text.substr(0, piece);
        text.remove_prefix(std::min(piece, text.size()));
        std::string_view input = got.rest;
        got.outcome = decoder.decode(input, got.body);
        got.rest = std::string(input);
    }
    got.rest += text;
    return got;
}

struct chunked_text {
    std::string name;
    std::string bytes;
    state outcome;
    std::string body;
};

class ChunkDecoder : public testing::TestWithParam<chunked_text> {};

TEST_P(ChunkDecoder, IsTheSameForPiecesOfAnySize) {
    const chunked_text& tested = GetParam();
    for (std::size_t piece = 1; piece <= tested.bytes.size() + 1; ++piece) {
        const decoded got = decode(tested.bytes, piece);
        ASSERT_EQ(got.outcome, tested.outcome) << "pieces of " << piece;
        if (tested.outcome == state::complete) {
            ASSERT_EQ(got.body, tested.body);
            ASSERT_EQ(got.rest, "");
        }
    }
}

const std::string text = "a body of more than thirty-two bytes";

INSTANTIATE_TEST_SUITE_P(
    Bodies,
    ChunkDecoder,
    testing::Values(
        chunked_text{"Empty", "0\r\n\r\n", state::complete, ""},
        chunked_text{"OneChunk", "24\r\n" + text + "\r\n0\r\n\r\n", state::complete, text},
        chunked_text{"SeveralChunks",
                     "4\r\na bo\r\n20\r\n" + text.substr(4) + "\r\n0\r\n\r\n",
                     state::complete,
                     text},
        chunked_text{"LeadingZeros",
                     "00000024\r\n" + text + "\r\n000\r\n\r\n",
                     state::complete,
                     text},
        chunked_text{"UpperAndLowerCase",
                     "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
                     state::complete,
                     "01234567890123456789"},
        chunked_text{"Extension",
                     "24;name=\"a value\";flag\r\n" + text + "\r\n0;last\r\n\r\n",
                     state::complete,
                     text},
        chunked_text{"LineEndsInTheData",
                     "6\r\n\r\n0\r\n\r\r\n0\r\n\r\n",
                     state::complete,
                     "\r\n0\r\n\r"},
        chunked_text{"NoEnd", "24\r\n" + text + "\r\n", state::reading, ""},
        chunked_text{"NoSize", "\r\n\r\n", state::malformed, ""},
        chunked_text{"NoDigits", "x\r\n\r\n", state::malformed, ""},
        chunked_text{"Sign", "+5\r\nhello\r\n0\r\n\r\n", state::malformed, ""},
        chunked_text{"Minus", "-1\r\n", state::malformed, ""},
        chunked_text{"Prefix", "0x5\r\nhello\r\n0\r\n\r\n", state::malformed, ""},
        chunked_text{"BlankBeforeTheSize", " 5\r\nhello\r\n0\r\n\r\n", state::malformed, ""},
        chunked_text{"BlankBehindTheSize", "5 \r\nhello\r\n0\r\n\r\n", state::malformed, ""},
        chunked_text{"BlankBeforeTheExtension", "5 ;a\r\nhello\r\n0\r\n\r\n", state::malformed, ""},
        chunked_text{"BareLineFeed", "5\nhello\r\n0\r\n\r\n", state::malformed, ""},
        chunked_text{"BareLineFeedInExtension", "5;a\nhello\r\n0\r\n\r\n", state::malformed, ""},
        chunked_text{"BareCarriageReturnInExtension",
                     "5;a\rb\r\nhello\r\n0\r\n\r\n",
                     state::malformed,
                     ""},
        chunked_text{"NulInExtension", "5;a\0b\r\nhello\r\n0\r\n\r\n"s, state::malformed, ""},
        chunked_text{"DataTooLong", "5\r\nhello, all\r\n0\r\n\r\n", state::malformed, ""},
        chunked_text{"DataTooShort", "7\r\nhello\r\n0\r\n\r\n", state::malformed, ""},
        chunked_text{"BareLineFeedBehindData", "5\r\nhello\n0\r\n\r\n", state::malformed, ""},
        chunked_text{"BareLineFeedAtTheEnd", "0\r\n\n", state::malformed, ""},
        chunked_text{"Trailer", "5\r\nhello\r\n0\r\nX: y\r\n\r\n", state::malformed, ""},
        chunked_text{"RequestBehindAnIncompleteEnd",
                     "0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                     state::malformed,
                     ""},
        chunked_text{"SizeOverTheLimit", "3e9\r\n", state::too_large, ""},
        chunked_text{"SumOverTheLimit",
                     "3e8\r\n" + std::string(1000, 'b') + "\r\n1\r\n",
                     state::too_large,
                     ""},
        chunked_text{"AtTheLimit",
                     "3e8\r\n" + std::string(1000, 'b') + "\r\n0\r\n\r\n",
                     state::complete,
                     std::string(1000, 'b')},
        chunked_text{"NineDigits", "000000005\r\nhello\r\n0\r\n\r\n", state::malformed, ""},
        chunked_text{"SizeOutOfRange", "ffffffffffffffff5\r\n", state::malformed, ""},
        chunked_text{"LongExtension", "5;" + std::string(2000, 'e') + "\r\n", state::malformed, ""},
        chunked_text{"EndlessSize", std::string(2000, '5'), state::malformed, ""}),
    [](const auto& tested) { return tested.param.name; });

TEST(ChunkDecoderLimits, LeavesTheNextRequest) {
    const decoded got = decode("5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n", 1000);
    EXPECT_EQ(got.outcome, state::complete);
    EXPECT_EQ(got.rest, "GET / HTTP/1.1\r\n");
}

TEST(ChunkDecoderLimits, BoundsAllExtensionsTogether) {
    std::string many;
    for (int i = 0; i < 20; ++i) {
        many += "1;" + std::string(99, 'e') + "\r\nx\r\n";
    }
    EXPECT_EQ(decode(many, 7).outcome, state::malformed);
    EXPECT_EQ(decode(many, 7).body.size(), 10U);
}

} // namespace
} // namespace kallglot
