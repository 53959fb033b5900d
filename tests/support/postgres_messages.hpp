// The messages of a PostgreSQL server, as bytes: for peers that follow a script.
//
// Source: PostgreSQL's documentation, chapter "Frontend/Backend Protocol", message formats, protocol 3.0.

#ifndef KALLGLOT_TEST_SUPPORT_POSTGRES_MESSAGES_HPP
#define KALLGLOT_TEST_SUPPORT_POSTGRES_MESSAGES_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kallglot::test::postgres {

inline std::string int32(std::uint32_t value) {
    std::string bytes;
    for (unsigned shift = 32; shift != 0;) {
        shift -= 8;
        bytes.push_back(static_cast<char>((value >> shift) & 0xFFU));
    }
    return bytes;
}

inline std::string int16(std::uint16_t value) {
    return int32(value).substr(2);
}

inline std::string text(std::string_view value) {
    return std::string(value) + '\0';
}

/// Any message, with its length.
inline std::string message(char type, std::string_view body) {
    return type + int32(static_cast<std::uint32_t>(body.size() + 4)) + std::string(body);
}

inline std::string authentication(std::uint32_t kind, std::string_view rest = {}) {
    return message('R', int32(kind) + std::string(rest));
}

inline std::string parameter(std::string_view name, std::string_view value) {
    return message('S', text(name) + text(value));
}

inline std::string ready(char status = 'I') {
    return message('Z', std::string(1, status));
}

/// What a server says after a login: 16.2, two parameters, the key for cancelling.
inline std::string welcome(std::string_view version = "16.2") {
    return authentication(0) + parameter("server_version", version)
           + parameter("client_encoding", "UTF8") + message('K', int32(4711) + int32(815))
           + ready();
}

/// The fields of an error or a notice. S is in the language of the server, V is not.
struct report {
    std::string_view severity = "ERROR";
    std::string_view code = "XX000";
    std::string_view text = "a value of a row: +4915112345678";
    std::string_view file = "postgres.c";
    std::string_view local_severity = "FEHLER";
};

inline std::string fields_of(const report& what) {
    const std::pair<char, std::string_view> fields[]{{'S', what.local_severity},
                                                     {'V', what.severity},
                                                     {'C', what.code},
                                                     {'M', what.text},
                                                     {'F', what.file}};
    std::string body;
    for (const auto& [name, value] : fields) {
        body += name + text(value);
    }
    return body + '\0';
}

inline std::string error(const report& what) {
    return message('E', fields_of(what));
}

inline std::string notice(const report& what) {
    return message('N', fields_of(what));
}

inline std::string notification(std::string_view channel, std::string_view payload) {
    return message('A', int32(4711) + text(channel) + text(payload));
}

/// Columns of a type; 25 is text.
inline std::string row_description(std::size_t columns, std::uint32_t type = 25) {
    std::string body = int16(static_cast<std::uint16_t>(columns));
    for (std::size_t i = 0; i < columns; ++i) {
        body += text("c") + int32(0) + int16(0) + int32(type) + int16(0xFFFF) + int32(0xFFFFFFFF)
                + int16(1);
    }
    return message('T', body);
}

inline std::string row(const std::vector<std::string>& values) {
    std::string body = int16(static_cast<std::uint16_t>(values.size()));
    for (const std::string& each : values) {
        body += int32(static_cast<std::uint32_t>(each.size())) + each;
    }
    return message('D', body);
}

/// The answer to Parse, Bind, Describe and Execute of one statement that returns rows.
inline std::string rows(const std::vector<std::vector<std::string>>& values) {
    std::string bytes = message('1', "") + message('2', "")
                        + row_description(values.empty() ? 1 : values[0].size());
    for (const auto& each : values) {
        bytes += row(each);
    }
    return bytes + message('C', text("SELECT " + std::to_string(values.size())));
}

/// The same for one that returns none.
inline std::string done(std::string_view tag) {
    return message('1', "") + message('2', "") + message('n', "") + message('C', text(tag));
}

/// The answer to the question whether the server is of use.
inline std::string checked(bool primary = true,
                           std::string_view read_only = "off",
                           std::string_view least_severity = "notice") {
    return rows({{std::string(1, primary ? '\1' : '\0'),
                  std::string(read_only),
                  std::string(least_severity)}})
           + ready();
}

} // namespace kallglot::test::postgres

#endif
