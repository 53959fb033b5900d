// A configuration with one mistake, and what must be said about it: shared by the tables of bad files.

#ifndef KALLGLOT_TESTS_UNIT_CONFIG_BAD_FILE_HPP
#define KALLGLOT_TESTS_UNIT_CONFIG_BAD_FILE_HPP

#include "config/config_parsing.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <ostream>
#include <string>

namespace kallglot::config {

struct bad_file {
    const char* name;
    std::string text;
    std::size_t line;
    const char* key;
    const char* message; // a part of it
};

inline std::ostream& operator<<(std::ostream& out, const bad_file& file) {
    return out << file.name;
}

inline std::string case_name(const ::testing::TestParamInfo<bad_file>& info) {
    return info.param.name;
}

// Two lines that are right, so that the mistake is the only one; what follows begins on line 3.
inline const std::string good = "api:\n  key_file: api_key\n";

// The same, open for more keys of the section api.
inline std::string in_api(const std::string& lines) {
    return good + lines;
}

// Webhooks that are right up to line 5.
inline std::string webhook(const std::string& lines) {
    return good + "webhook:\n  listen_address: 127.0.0.1:0\n  secret_files: [one]\n" + lines;
}

inline void expect_its_fault_alone(const bad_file& file) {
    const auto parsed = parse(file.text, "config.yml", "/etc/kallglot_exporter", {});
    ASSERT_EQ(parsed.faults.size(), 1U)
        << (parsed.faults.empty() ? "" : to_string(parsed.faults.back()));
    const config_fault& fault = parsed.faults.front();
    EXPECT_EQ(fault.kind, fault_kind::invalid);
    EXPECT_EQ(fault.line, file.line) << to_string(fault);
    EXPECT_EQ(fault.key, file.key) << to_string(fault);
    EXPECT_NE(fault.message.find(file.message), std::string::npos) << to_string(fault);
    EXPECT_EQ(exit_code(parsed.faults), 2);
}

} // namespace kallglot::config

#endif
