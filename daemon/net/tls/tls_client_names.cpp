#include "net/tls/tls_client_names.hpp"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace kallglot {

namespace {

struct free_names {
    void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

// ASN.1 strings may contain zero bytes, so the length comes from the certificate.
std::string text_of(const ASN1_STRING* bytes) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(bytes)),
            static_cast<std::size_t>(ASN1_STRING_length(bytes))};
}

// The text of an IP address of 4 or 16 bytes; empty for another length.
std::string address_of(const ASN1_STRING* bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = ASN1_STRING_length(bytes) == 4    ? AF_INET
                       : ASN1_STRING_length(bytes) == 16 ? AF_INET6
                                                         : AF_UNSPEC;
    // AF_UNSPEC makes inet_ntop fail, which covers a damaged length.
    const bool known =
        ::inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(), text.size()) != nullptr;
    return known ? text.data() : "";
}

// The text of a name; empty for kinds that the configuration cannot name.
std::string name_of(const GENERAL_NAME& name) {
    switch (name.type) {
        case GEN_DNS:
        case GEN_EMAIL:
        // These three are IA5 strings, and share a member of the union.
        case GEN_URI:
            return text_of(name.d.ia5);
        case GEN_IPADD:
            return address_of(name.d.iPAddress);
        default:
            return {};
    }
}

} // namespace

bool carries_one_of(const X509* certificate, const std::vector<std::string>& names) {
    // The client has sent no certificate.
    if (certificate == nullptr) {
        return false;
    }
    // Only the subject alternative names count; the common name does not, as for servers.
    const std::unique_ptr<GENERAL_NAMES, free_names> found(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; found && i < sk_GENERAL_NAME_num(found.get()); ++i) {
        const std::string name = name_of(*sk_GENERAL_NAME_value(found.get(), i));
        // With case, as exporter-toolkit compares them: the operator writes the name as it is in the certificate.
        if (!name.empty() && std::ranges::find(names, name) != names.end()) {
            return true;
        }
    }
    return false;
}

} // namespace kallglot
