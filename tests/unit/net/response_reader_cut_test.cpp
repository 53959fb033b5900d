// Every sample of the API's documentation, split at every byte: the same answer, and none before the last byte.

#include "net/client/response_reader.hpp"
#include "response_samples.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace kallglot::test {

namespace {

using progress = response_reader::progress;

struct body_sample {
    std::string name;
    std::string text;
    int status;
    std::string id;
};

std::string read_file(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

std::vector<body_sample> body_samples() {
    std::vector<body_sample> all;
    const std::filesystem::path folder =
        std::filesystem::path(KALLGLOT_SOURCE_DIR) / "tests/samples";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().stem().string();
        std::string text = read_file(entry.path());
        if (name.starts_with("session_")) {
            const std::size_t at = text.find("\"sess_") + 1;
            all.push_back({name, text, 200, text.substr(at, text.find('"', at) - at)});
        } else if (name.starts_with("error_")) {
            all.push_back({name, text, std::stoi(name.substr(6)), std::string(asked_id)});
        }
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return all;
}

std::string with_length(const body_sample& each) {
    return "HTTP/1.1 " + std::to_string(each.status)
           + " Word\r\nContent-Type: application/json\r\nContent-Length: "
           + std::to_string(each.text.size()) + "\r\n\r\n" + each.text;
}

std::string in_chunks(const body_sample& each) {
    std::string text =
        "HTTP/1.1 " + std::to_string(each.status) + " Word\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < each.text.size(); at += 100) {
        text += chunk(each.text.substr(at, 100));
    }
    return text + "0\r\n\r\n";
}

} // namespace

class EverySample : public ::testing::TestWithParam<body_sample> {};

INSTANTIATE_TEST_SUITE_P(Bodies,
                         EverySample,
                         ::testing::ValuesIn(body_samples()),
                         [](const auto& each) { return each.param.name; });

TEST_P(EverySample, MayBeSplitAtAnyByte) {
    response_reader reader;
    const session_id id = *session_id::parse(GetParam().id);
    for (const std::string& bytes : {with_length(GetParam()), in_chunks(GetParam())}) {
        for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
            reader.start(id, 256 * 1024);
            // An incomplete response never counts, at whichever byte the rest is lost.
            ASSERT_EQ(reader.feed({bytes.data(), cut}), progress::more) << "cut at " << cut;
            ASSERT_EQ(reader.answer().http_status, 0);
            ASSERT_FALSE(reader.answer().snapshot.created_at.has_value());
            ASSERT_EQ(reader.feed({bytes.data() + cut, bytes.size() - cut}), progress::complete)
                << "cut at " << cut << ": " << reader.answer().error.message();
            ASSERT_EQ(reader.answer().http_status, GetParam().status);
            ASSERT_EQ(reader.answer().snapshot.created_at.has_value(), GetParam().status == 200);
        }
    }
}

} // namespace kallglot::test
