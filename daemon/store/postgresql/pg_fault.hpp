/// What can go wrong with a PostgreSQL server, as a closed set of kinds with a constant text each.
///
/// libpq reports errors as text that contains host names, users, paths of keys and, from the server, values of rows. None of
/// that text leaves this file: a fault has a kind, a constant text, and the five characters of an SQLSTATE.

#ifndef KALLGLOT_STORE_POSTGRESQL_PG_FAULT_HPP
#define KALLGLOT_STORE_POSTGRESQL_PG_FAULT_HPP

#include <array>
#include <cstdint>
#include <string_view>

namespace kallglot {

enum class pg_fault_kind : std::uint8_t {
    none,
    name_not_resolved, ///< the DNS has no address for a host
    unreachable,       ///< no server accepts connections at the address
    unavailable,       ///< the server starts, stops or is full: the next address, later this one
    untrusted,         ///< TLS was not agreed on, or the certificate is not that of the host
    login_refused,     ///< user, password or certificate; a file of the login cannot be read
    unsuitable,        ///< connected, but not a writable primary of a known version
    rejected,          ///< a statement failed; nothing of its batch has happened
    lost,              ///< the connection ended
    overdue,           ///< the deadline passed
    malformed,         ///< the server broke the protocol, or sent what no statement asked for
    too_large,         ///< one row, or what came without a row, exceeds the limit
    no_descriptors,    ///< out of file descriptors or memory
    cancelled,         ///< by the daemon itself: never logged as an error
};

/// The five characters of an error code of SQL. Empty by default, and for anything but five digits and capitals: the text
/// can come from a server and ends in log lines.
///
/// Source: PostgreSQL's documentation, appendix A.
class pg_sqlstate {
public:
    constexpr pg_sqlstate() = default;

    constexpr explicit pg_sqlstate(std::string_view text) noexcept {
        for (const char each : text) {
            if (!((each >= '0' && each <= '9') || (each >= 'A' && each <= 'Z'))) {
                return;
            }
        }
        if (text.size() == text_.size()) {
            for (std::size_t i = 0; i < text_.size(); ++i) {
                text_[i] = text[i];
            }
            set_ = true;
        }
    }

    [[nodiscard]] constexpr std::string_view text() const noexcept {
        return set_ ? std::string_view(text_.data(), text_.size()) : std::string_view();
    }

    [[nodiscard]] constexpr bool operator==(std::string_view other) const noexcept {
        return text() == other;
    }

private:
    std::array<char, 5> text_{};
    bool set_ = false;
};

struct pg_fault {
    pg_fault_kind kind = pg_fault_kind::none;
    pg_sqlstate sqlstate{};
    /// Constant. Empty if the kind says it all.
    std::string_view detail{};
    /// The server may have done what was asked. False: it certainly has not.
    bool outcome_unknown = false;

    [[nodiscard]] explicit operator bool() const noexcept { return kind != pg_fault_kind::none; }
};

/// For log lines and people; constant.
[[nodiscard]] std::string_view describe(pg_fault_kind kind) noexcept;

/// The kind of an error that a server reports to a new connection.
[[nodiscard]] pg_fault_kind kind_of_refusal(const pg_sqlstate& code) noexcept;

/// Whether a server that reports this is of no use now, so that the connection has to be closed: it stops, starts, crashed,
/// or is a standby since a switchover.
[[nodiscard]] bool ends_connection(const pg_sqlstate& code) noexcept;

/// What libpq was doing when an opening failed.
enum class pg_phase : std::uint8_t {
    connecting, ///< the socket is not connected
    securing,   ///< TLS is being agreed on
    logging_in, ///< user, password, parameters
};

/// The fault of an opening that failed. `message` is libpq's, at verbosity SQLSTATE; it is searched, never copied.
[[nodiscard]] pg_fault fault_of_opening(pg_phase phase, std::string_view message) noexcept;

} // namespace kallglot

#endif
