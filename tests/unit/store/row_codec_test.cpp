// The format of a row on disk, as constants computed independently of the code. This version must read the store of an older
// one, even if the order of an enumeration changes.

#include "store/sqlite/row_codec.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>

namespace kallglot {
namespace {

stored_session golden_row() {
    stored_session row(session_id::parse("sess_golden_0123456789_abcdefghij").value());
    row.sources = source_bit(session_source::file) | source_bit(session_source::webhook);
    row.status = session_status::ending;
    row.mode = session_mode::ai_agent;
    row.provider = session_provider::sip;
    row.reason = end_reason::agent_hangup;
    row.by_webhook = true;
    row.since = {1'700'000'000'000};
    row.slack = 1234;
    row.seen = 150'000;
    row.created = stored_time{1'699'999'980'000};
    row.started = stored_time{1'699'999'993'000};
    row.missing = stored_time{1'700'000'160'000};
    row.missing_count = 200;
    row.call_ms = 77'000;
    return row;
}

TEST(RowCodec, GoldenRowKeepsItsFormat) {
    EXPECT_EQ(pack(golden_row()), 0xC812'2235);
    EXPECT_EQ(sum_of(golden_row()), 2'908'647'551);
}

TEST(RowCodec, EmptyRowKeepsItsFormat) {
    stored_session row(golden_row().id);
    row.sources = source_bit(session_source::file);
    row.since = {1'700'000'000'000};
    EXPECT_EQ(pack(row), 0x6'4551);
    EXPECT_EQ(sum_of(row), 3'147'484'855);
}

TEST(RowCodec, PackedRowIsReadBack) {
    stored_session read(golden_row().id);
    ASSERT_TRUE(unpack(pack(golden_row()), read));
    EXPECT_EQ(read.sources, golden_row().sources);
    EXPECT_EQ(read.status, session_status::ending);
    EXPECT_EQ(read.mode, session_mode::ai_agent);
    EXPECT_EQ(read.provider, session_provider::sip);
    EXPECT_EQ(read.reason, end_reason::agent_hangup);
    EXPECT_TRUE(read.by_webhook);
    EXPECT_EQ(read.missing_count, 200);
}

// The numbers in existing stores. Add to the list, but change nothing in it.
TEST(RowCodec, NumbersOfWordsNeverChange) {
    const auto number = [](const auto& words, std::string_view text) {
        for (const auto& word : words) {
            if (word.text == text) {
                return int{word.stored_as};
            }
        }
        return -1;
    };
    const std::array statuses{"created", "connecting", "active", "ending", "ended", "unknown"};
    for (int i = 0; i < std::ssize(statuses); ++i) {
        EXPECT_EQ(number(session_status_words, statuses[static_cast<std::size_t>(i)]), i);
    }
    const std::array modes{"bidirectional_translation",
                           "assistive_translation",
                           "ai_agent",
                           "help_chat_voice",
                           "other",
                           "none"};
    for (int i = 0; i < std::ssize(modes); ++i) {
        EXPECT_EQ(number(session_mode_words, modes[static_cast<std::size_t>(i)]), i);
    }
    const std::array providers{"twilio", "telnyx", "sip", "other", "none"};
    for (int i = 0; i < std::ssize(providers); ++i) {
        EXPECT_EQ(number(session_provider_words, providers[static_cast<std::size_t>(i)]), i);
    }
    const std::array reasons{"completed",
                             "customer_hangup",
                             "agent_hangup",
                             "error",
                             "timeout",
                             "other",
                             "none"};
    for (int i = 0; i < std::ssize(reasons); ++i) {
        EXPECT_EQ(number(end_reason_words, reasons[static_cast<std::size_t>(i)]), i);
    }
    const std::array sources{"file", "api", "webhook"};
    for (int i = 0; i < std::ssize(sources); ++i) {
        EXPECT_EQ(number(session_source_words, sources[static_cast<std::size_t>(i)]), i);
    }
    const std::array kinds{"ended", "not_found", "event"};
    for (int i = 0; i < std::ssize(kinds); ++i) {
        EXPECT_EQ(number(remembered_kind_words, kinds[static_cast<std::size_t>(i)]), i);
    }
}

TEST(RowCodec, AnUnknownNumberIsDamage) {
    const std::int64_t good = pack(golden_row());
    stored_session read(golden_row().id);
    // Four bits each: sources, status, mode, provider, reason.
    for (int part = 1; part <= 4; ++part) {
        EXPECT_FALSE(unpack(good | (std::int64_t{0xF} << (4 * part)), read)) << part;
    }
}

TEST(RowCodec, RememberedKindKeepsItsFormat) {
    const auto packed = [](remembered_kind kind) {
        const remembered_key key{0x0123'4567'89AB'CDEF, 0xFEDC'BA98'7654'3210};
        return kind_and_sum({key, {1'700'000'000'000}, kind});
    };
    EXPECT_EQ(packed(remembered_kind::ended), 45'929'909'120);
    EXPECT_EQ(packed(remembered_kind::not_found), 28'574'171'793);
    EXPECT_EQ(packed(remembered_kind::event), 11'921'907'234);
}

TEST(RowCodec, RememberedKindOfVersion1IsRead) {
    const auto packed = [](remembered_kind kind) {
        return version_1_kind_and_sum({{0x0123'4567'89AB'CDEF, 0}, {1'700'000'000'000}, kind});
    };
    EXPECT_EQ(packed(remembered_kind::ended), 4'260'613'840);
    EXPECT_EQ(packed(remembered_kind::not_found), 21'616'351'265);
    EXPECT_EQ(packed(remembered_kind::event), 38'972'088'690);
}

TEST(RowCodec, StateKeepsItsFormat) {
    state_row row;
    row.mark.stored = {1'700'000'060'000};
    row.mark.wall = api_time(milliseconds(1'700'000'060'123));
    row.mark.steady = steady_time(steady_duration(5'000'000'000));
    row.mark.boot = 0x1122'3344'5566'7788;
    row.secret = {0x0706'0504'0302'0100, 0x0F0E'0D0C'0B0A'0908};
    EXPECT_EQ(version_1_sum_of(row.mark), 1'053'952'994);
    EXPECT_EQ(sum_of(row), 2'239'661'104);
}

TEST(RowCodec, EverySourceIsSound) {
    stored_session row = golden_row();
    row.sources = all_sources();
    EXPECT_TRUE(is_sound(row, row.since));
    row.sources = static_cast<std::uint8_t>(all_sources() + 1);
    EXPECT_FALSE(is_sound(row, row.since));
}

} // namespace
} // namespace kallglot
