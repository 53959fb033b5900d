#include "store/postgresql/pg_batch.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kallglot {
namespace {

using namespace std::string_literals;

std::string bytes_of(const pg_parameters& parameters, std::size_t index) {
    return {parameters.values()[index], static_cast<std::size_t>(parameters.lengths()[index])};
}

TEST(PgParameters, NumbersAreBigEndian) {
    pg_parameters parameters;
    parameters.add(std::int16_t{-2})
        .add(std::int32_t{0x01020304})
        .add(std::numeric_limits<std::int64_t>::min())
        .add(true);
    EXPECT_EQ(parameters.count(), 4);
    EXPECT_EQ(bytes_of(parameters, 0), "\xFF\xFE");
    EXPECT_EQ(bytes_of(parameters, 1), "\x01\x02\x03\x04");
    EXPECT_EQ(bytes_of(parameters, 2), "\x80\0\0\0\0\0\0\0"s);
    EXPECT_EQ(bytes_of(parameters, 3), "\1");
    EXPECT_EQ(parameters.types()[0], 21U);
    EXPECT_EQ(parameters.types()[2], 20U);
}

// A text may hold a zero byte or none at all: its length is sent.
TEST(PgParameters, TextsAreSentAsTheyAre) {
    pg_parameters parameters;
    parameters.add(std::string_view()).add(std::string_view("session'; DROP TABLE sessions; --"));
    EXPECT_EQ(bytes_of(parameters, 0), "");
    EXPECT_EQ(bytes_of(parameters, 1), "session'; DROP TABLE sessions; --");
}

TEST(PgParameters, ArraysHaveDimensionTypeSizeAndLowerBound) {
    pg_parameters parameters;
    parameters.add(std::vector<std::int16_t>{1, -1});
    parameters.add(std::vector<std::string>{"ab", ""});
    parameters.add(std::vector<std::optional<std::int64_t>>{std::nullopt, 5});
    const std::string header_of_two = "\0\0\0\1"s;
    EXPECT_EQ(
        bytes_of(parameters, 0),
        header_of_two + "\0\0\0\0\0\0\0\x15\0\0\0\2\0\0\0\1"s + "\0\0\0\2\0\1\0\0\0\2\xFF\xFF"s);
    EXPECT_EQ(bytes_of(parameters, 1),
              header_of_two + "\0\0\0\0\0\0\0\x19\0\0\0\2\0\0\0\1"s + "\0\0\0\2ab\0\0\0\0"s);
    EXPECT_EQ(bytes_of(parameters, 2),
              header_of_two + "\0\0\0\1\0\0\0\x14\0\0\0\2\0\0\0\1"s
                  + "\xFF\xFF\xFF\xFF\0\0\0\x08\0\0\0\0\0\0\0\x05"s);
}

TEST(PgParameters, AUuidIsItsHighHalfAndThenItsLowOne) {
    pg_parameters parameters;
    parameters.add(std::vector<std::optional<text_hash>>{
        std::nullopt,
        text_hash{.low = 0x1112131415161718, .high = 0x0102030405060708}});
    EXPECT_EQ(parameters.types()[0], 2951U);
    EXPECT_EQ(bytes_of(parameters, 0),
              "\0\0\0\1\0\0\0\1\0\0\x0B\x86\0\0\0\2\0\0\0\1"s
                  + "\xFF\xFF\xFF\xFF\0\0\0\x10\1\2\3\4\5\6\7\x08"s
                  + "\x11\x12\x13\x14\x15\x16\x17\x18"s);
}

TEST(PgParameters, AnEmptyArrayHasNoDimension) {
    pg_parameters parameters;
    parameters.add(std::vector<std::int64_t>());
    EXPECT_EQ(bytes_of(parameters, 0), "\0\0\0\0\0\0\0\0\0\0\0\x14"s);
}

// A pipeline that one call of the system cannot send leaves the server in a transaction while the exporter is stopped.
TEST(PgBatch, SeveralStatementsMustBeSmall) {
    pg_batch one;
    pg_parameters large;
    large.add(std::string_view(std::string(100'000, 'x')));
    one.add("SELECT $1", large);
    EXPECT_TRUE(one.is_one_message());
    one.add("COMMIT");
    EXPECT_FALSE(one.is_one_message());

    pg_batch several;
    several.add("BEGIN").add("SELECT 1").add("COMMIT");
    EXPECT_TRUE(several.is_one_message());
}

} // namespace
} // namespace kallglot
