#include "store/postgresql/pg_fault.hpp"

#include <algorithm>
#include <cstddef>

namespace kallglot {

namespace {

// libpq's words for failures that have no code. They are English, because the daemon never calls setlocale().
struct hint {
    std::string_view words;
    pg_fault_kind kind;
    std::string_view detail;
};

constexpr std::array hints{
    hint{"does not match host name",
         pg_fault_kind::untrusted,
         "the server's certificate is for another host"},
    hint{"certificate verify failed",
         pg_fault_kind::untrusted,
         "the server's certificate is not trusted"},
    hint{"does not support SSL", pg_fault_kind::untrusted, "the server does not offer TLS"},
    hint{"private key file",
         pg_fault_kind::login_refused,
         "libpq cannot use the client's key file"},
    hint{"certificate file",
         pg_fault_kind::login_refused,
         "libpq cannot use a certificate file of the settings"},
    hint{"no password supplied", pg_fault_kind::login_refused, "the server asks for a password"},
    hint{"authentication not supported",
         pg_fault_kind::login_refused,
         "the server asks for an unknown kind of login"},
    hint{"authentication method",
         pg_fault_kind::login_refused,
         "the server asks for an unknown kind of login"},
    hint{"SASL", pg_fault_kind::login_refused, "the server and libpq did not agree on a login"},
    hint{"SCRAM",
         pg_fault_kind::login_refused,
         "the server failed to prove that it knows the password"},
    hint{"GSS",
         pg_fault_kind::login_refused,
         "the server asks for Kerberos, which is not used here"},
    hint{"SSPI", pg_fault_kind::login_refused, "the server asks for SSPI, which is not used here"},
    hint{"server closed the connection", pg_fault_kind::lost, "closed during the login"},
    hint{"could not receive data", pg_fault_kind::lost, "closed during the login"},
    hint{"could not send", pg_fault_kind::lost, "closed during the login"},
    hint{"SSL SYSCALL error", pg_fault_kind::lost, "closed during the login"},
    hint{"SSL connection has been closed", pg_fault_kind::lost, "closed during the login"},
};

// At verbosity SQLSTATE an error of the server ends with its severity, two spaces and the code.
pg_sqlstate code_in(std::string_view message) noexcept {
    while (message.ends_with('\n')) {
        message.remove_suffix(1);
    }
    constexpr std::size_t size = 5;
    if (message.size() < size + 3) {
        return {};
    }
    const std::string_view before = message.substr(0, message.size() - size);
    return before.ends_with(":  ") ? pg_sqlstate(message.substr(before.size())) : pg_sqlstate();
}

} // namespace

std::string_view describe(pg_fault_kind kind) noexcept {
    // No default: the compiler reports a kind without a text.
    switch (kind) {
        case pg_fault_kind::none:
            return "no fault";
        case pg_fault_kind::name_not_resolved:
            return "host name not resolved";
        case pg_fault_kind::unreachable:
            return "no server accepts connections at the address";
        case pg_fault_kind::unavailable:
            return "the server accepts no new connections now";
        case pg_fault_kind::untrusted:
            return "TLS with the server failed";
        case pg_fault_kind::login_refused:
            return "the login was refused";
        case pg_fault_kind::unsuitable:
            return "the server is not a primary that this exporter can use";
        case pg_fault_kind::rejected:
            return "the server rejected a statement";
        case pg_fault_kind::lost:
            return "the connection was lost";
        case pg_fault_kind::overdue:
            return "no answer within the time limit";
        case pg_fault_kind::malformed:
            return "the server broke the protocol";
        case pg_fault_kind::too_large:
            return "the server sent more than the limit";
        case pg_fault_kind::no_descriptors:
            return "out of file descriptors or memory";
        case pg_fault_kind::cancelled:
            return "operation cancelled";
    }
    return {};
}

pg_fault_kind kind_of_refusal(const pg_sqlstate& code) noexcept {
    // Class 28 is about user and password, 53 about shortages; 57P01 to 57P04 are of a server that stops or starts.
    const std::string_view text = code.text();
    if (text.starts_with("28")) {
        return pg_fault_kind::login_refused;
    }
    if (text.starts_with("53") || text.starts_with("57P")) {
        return pg_fault_kind::unavailable;
    }
    return pg_fault_kind::unsuitable;
}

bool ends_connection(const pg_sqlstate& code) noexcept {
    constexpr std::array<std::string_view, 5> codes{
        "25006", // read-only: a standby, or a primary that was demoted
        "57P01", // an administrator ends the connection
        "57P02", // another process of the server crashed
        "57P03", // the server starts or stops
        "57P04", // the database was dropped
    };
    return std::ranges::find(codes, code.text()) != codes.end();
}

pg_fault fault_of_opening(pg_phase phase, std::string_view message) noexcept {
    // A code of the server says most.
    const pg_sqlstate code = code_in(message);
    if (!code.text().empty()) {
        return {.kind = kind_of_refusal(code), .sqlstate = code};
    }
    // Before the socket is connected the words can only be of the system, in its language.
    if (phase == pg_phase::connecting) {
        return {.kind = pg_fault_kind::unreachable};
    }
    const auto known = std::ranges::find_if(hints, [&](const hint& each) {
        return message.find(each.words) != std::string_view::npos;
    });
    if (known != hints.end()
        && (phase == pg_phase::logging_in || known->kind != pg_fault_kind::lost)) {
        return {.kind = known->kind, .detail = known->detail};
    }
    return {.kind =
                phase == pg_phase::securing ? pg_fault_kind::untrusted : pg_fault_kind::malformed};
}

} // namespace kallglot
