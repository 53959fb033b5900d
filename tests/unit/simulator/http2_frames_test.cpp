#include "simulator/http2_frames.hpp"

#include <gtest/gtest.h>

namespace kallglot::simulator::http2 {
namespace {

TEST(Http2Frames, HeadHasLengthTypeFlagsAndStream) {
    std::string out;
    append_frame(out, frame_type::ping, 1, 0x01020304, "rehearse");
    EXPECT_EQ(out, std::string("\0\0\x08\x06\x01\x01\x02\x03\x04rehearse", 17));
}

TEST(Http2Frames, DataIsSplitAtTheUsualMaximum) {
    std::string out;
    append_data(out, 1, 2 * max_frame_bytes + 5);
    EXPECT_EQ(out.size(), 2 * max_frame_bytes + 5 + std::size_t{3} * 9);
}

TEST(Http2Frames, FloodsAreWholeFramesOfAboutSixteenKibibytes) {
    for (int place = static_cast<int>(fault::ping_flood); place < static_cast<int>(fault_count);
         ++place) {
        const auto kind = static_cast<fault>(place);
        const std::string unit = flood_unit(kind, 7);
        EXPECT_GE(unit.size(), max_frame_bytes) << to_text(kind);
        EXPECT_LE(unit.size(), max_frame_bytes + 100) << to_text(kind);
        std::size_t place_in_unit = 0;
        while (place_in_unit + 9 <= unit.size()) {
            const auto byte = [&](std::size_t offset) {
                return static_cast<std::size_t>(
                    static_cast<unsigned char>(unit[place_in_unit + offset]));
            };
            place_in_unit += 9 + (byte(0) << 16U) + (byte(1) << 8U) + byte(2);
        }
        EXPECT_EQ(place_in_unit, unit.size()) << to_text(kind);
    }
}

} // namespace
} // namespace kallglot::simulator::http2
