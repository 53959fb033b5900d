// Each section is a map_reader table. Words of Go's crypto/tls are translated into OpenSSL's, and the rules between
// keys are those of exporter-toolkit, so that a file which works for other exporters works here.

#include "kallglot/config/web_config.hpp"

#include "config/file_permissions.hpp"
#include "config/map_reader.hpp"
#include "config/paths.hpp"
#include "config/units.hpp"
#include "config/web_config_words.hpp"
#include "config/yaml_tree.hpp"
#include "kallglot/files/operator_file.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace kallglot::config {

namespace {

using node_kind = yaml_node::kind_type;

constexpr std::size_t max_size_bytes = std::size_t{1024} * 1024;

// Reads the sections of the file; collects values and faults.
class web_config_reader : private map_reader {
public:
    // Public, for faults of the YAML itself.
    using map_reader::fail;
    using map_reader::map_reader;

    void read(const yaml_node& root) {
        // One reader for each section; an unknown section is a fault.
        const std::array fields = std::to_array<field>(
            {{"tls_server_config",
              [this](const yaml_node& value, const std::string&) {
                  read_tls(value);
              }},
             {"http_server_config",
              [this](const yaml_node& value, const std::string&) {
                  read_http(value);
              }},
             {"basic_auth_users",
              [this](const yaml_node& value, const std::string&) {
                  read_users(value);
              }},
             {"rate_limit", [this](const yaml_node& value, const std::string&) {
                  read_rate(value);
              }}});
        read_map(root, "", fields);
    }

    // All or nothing: a file with any fault gives no settings.
    [[nodiscard]] web_config_result finish() {
        if (auto faults = take_faults(); !faults.empty()) {
            return faults;
        }
        return std::move(values_);
    }

private:
    // TLS 1.0 and 1.1 are words of the format, but insecure: their message says so.
    // A field_reader is called within read_map(), so it may refer to locals of the caller.
    [[nodiscard]] field_reader version_to(tls_version& into) {
        return [this, &into](const yaml_node& value, const std::string& path) {
            if (value.text == "TLS12") {
                into = tls_version::tls_1_2;
            } else if (value.text == "TLS13") {
                into = tls_version::tls_1_3;
            } else if (value.text == "TLS10" || value.text == "TLS11") {
                fail(value.line, path, value.text + " is not supported: must be TLS12 or TLS13");
            } else {
                fail(value.line, path, "must be TLS12 or TLS13");
            }
        };
    }

    // A list of Go's words as one OpenSSL list. `any` is set for every known word, also for those that OpenSSL
    // configures elsewhere.
    [[nodiscard]] field_reader words_to(std::string& into,
                                        std::span<const translation> words,
                                        std::string_view what,
                                        bool& any) {
        return [=, this, &into, &any](const yaml_node& value, const std::string& path) {
            read_list(value, path, [&](const yaml_node& item) {
                const auto found = std::ranges::find(words, item.text, &translation::go);
                if (found == words.end()) {
                    fail(item.line,
                         path,
                         "unknown " + std::string(what) + ": must be a name of Go's crypto/tls");
                    return;
                }
                any = true;
                if (!found->openssl.empty()) {
                    // The separator of OpenSSL's lists of ciphers and groups.
                    into += into.empty() ? "" : ":";
                    into += found->openssl;
                }
            });
        };
    }

    // Names of certificates. They are compared as they are; no wildcards.
    [[nodiscard]] field_reader names_to(std::vector<std::string>& into) {
        return [this, &into](const yaml_node& value, const std::string& path) {
            // Probably intended as "no restriction", but it would reject every client.
            if (value.kind == node_kind::sequence && value.items.empty()) {
                fail(value.line,
                     path,
                     "an empty list rejects every client: remove it to accept all");
            }
            read_list(value, path, [&into](const yaml_node& item) { into.push_back(item.text); });
        };
    }

    void read_tls(const yaml_node& section) {
        // The default of exporter-toolkit.
        tls_server_options tls;
        tls.prefer_server_ciphers = true;
        std::string client_auth;
        std::size_t auth_line = section.line;
        bool any_suite = false;
        bool any_curve = false;
        const std::array fields = std::to_array<field>(
            {{"cert", pem_to(tls.cert_pem)},
             {"key", pem_to(tls.key_pem)},
             {"client_ca", pem_to(tls.client_ca_pem)},
             {"cert_file", file_to(tls.cert_file)},
             {"key_file", file_to(tls.key_file)},
             {"client_ca_file", file_to(tls.client_ca_file)},
             {"client_auth_type",
              [&](const yaml_node& value, const std::string& path) {
                  // For the fault below, which is found after the map is read.
                  auth_line = value.line;
                  text_to(client_auth)(value, path);
              }},
             {"client_allowed_sans", names_to(tls.allowed_sans)},
             {"min_version", version_to(tls.min_version)},
             {"max_version", version_to(tls.max_version)},
             {"cipher_suites", words_to(tls.ciphers, suites, "cipher suite", any_suite)},
             {"prefer_server_cipher_suites", flag_to(tls.prefer_server_ciphers)},
             {"curve_preferences", words_to(tls.groups, curves, "curve", any_curve)}});
        read_map(section, "tls_server_config", fields);

        // The word is looked up after the map is read: its rules need the other keys too.
        const auto auth = std::ranges::find(client_auths, client_auth, &client_auth_word::go);
        if (auth == client_auths.end()) {
            fail(auth_line,
                 "tls_server_config.client_auth_type",
                 "must be NoClientCert, RequestClientCert, RequireAnyClientCert, "
                 "VerifyClientCertIfGiven or RequireAndVerifyClientCert");
            return;
        }
        // An absent key reads as the empty word, which is in the table with the meaning of exporter-toolkit: no
        // certificate is asked for.
        tls.client_auth = auth->meaning;
        // If all suites are for TLS 1.3, no suite remains for TLS 1.2, so 1.3 becomes the minimum.
        if (any_suite && tls.ciphers.empty()) {
            if (tls.max_version == tls_version::tls_1_2) {
                fail(section.line,
                     "tls_server_config.cipher_suites",
                     "must have a suite of TLS 1.2, because max_version is TLS12");
                return;
            }
            // OpenSSL would use its default list for TLS 1.2, which the operator has excluded.
            tls.min_version = tls_version::tls_1_3;
        }
        // TLS is enabled by any key about certificates; min_version alone, for example, does not enable it.
        const bool enabled = !tls.cert_file.empty() || !tls.cert_pem.empty()
                             || !tls.key_file.empty() || !tls.key_pem.empty()
                             || !tls.client_ca_file.empty() || !tls.client_ca_pem.empty()
                             || !client_auth.empty() || !tls.allowed_sans.empty();
        if (enabled) {
            // With faults the settings are not used: finish() returns no values then.
            check_tls(tls, section.line);
            values_.tls = std::move(tls);
        }
    }

    // Rules between the keys of tls_server_config. A file that the operator believes to be strict must not be lax.
    void check_tls(const tls_server_options& tls, std::size_t line) {
        constexpr std::string_view section = "tls_server_config";
        const bool any_ca = !tls.client_ca_file.empty() || !tls.client_ca_pem.empty();
        const bool needs_certificate = tls.client_auth == tls_client_auth::require_any
                                       || tls.client_auth == tls_client_auth::require_and_verify;
        // Certificate and key as files or as texts, both required.
        if (tls.cert_file.empty() && tls.cert_pem.empty()) {
            fail(line, section, "missing one of cert or cert_file");
        }
        if (tls.key_file.empty() && tls.key_pem.empty()) {
            fail(line, section, "missing one of key or key_file");
        }
        // The operator expects clients to be checked, but none would be asked for a certificate.
        if (any_ca && tls.client_auth == tls_client_auth::none) {
            fail(line, section, "client_ca requires a client_auth_type that requests certificates");
        }
        // Without a required certificate a client could skip the check of its names.
        if (!tls.allowed_sans.empty() && !needs_certificate) {
            fail(line,
                 section,
                 "client_allowed_sans requires client_auth_type RequireAnyClientCert or "
                 "RequireAndVerifyClientCert");
        }
        if (tls.max_version < tls.min_version) {
            fail(line, section, "max_version must not be below min_version");
        }
    }

    void read_http(const yaml_node& section) {
        // Accepted and ignored: the listener speaks HTTP/1.1.
        bool http2 = true;
        const std::array fields = std::to_array<field>(
            {{"http2", flag_to(http2)},
             {"headers", [this](const yaml_node& value, const std::string& path) {
                  read_headers(value, path);
              }}});
        read_map(section, "http_server_config", fields);
    }

    // Only the headers of exporter-toolkit: others could break the protocol or the page.
    void read_headers(const yaml_node& section, const std::string& prefix) {
        // Read all texts first, then check each against its rule.
        std::array<std::string, header_rules.size()> texts;
        std::vector<field> fields;
        for (std::size_t i = 0; i < header_rules.size(); ++i) {
            fields.emplace_back(header_rules[i].name, text_to(texts[i]));
        }
        read_map(section, prefix, fields);
        for (std::size_t i = 0; i < header_rules.size(); ++i) {
            const header_rule& rule = header_rules[i];
            // Absent, or empty as in exporter-toolkit: the header is not sent.
            if (texts[i].empty()) {
                continue;
            }
            if (const std::string reason = why_not_header(rule, texts[i]); !reason.empty()) {
                fail(section.line, prefix + '.' + std::string(rule.name), reason);
            } else {
                values_.headers.emplace_back(rule.name, texts[i]);
            }
        }
    }

    // User names are free texts, so this map has no table of known keys.
    void read_users(const yaml_node& section) {
        constexpr std::string_view prefix = "basic_auth_users";
        if (section.kind == node_kind::null) {
            return;
        }
        if (section.kind != node_kind::map) {
            fail(section.line, prefix, "must be a map of user names to bcrypt hashes");
            return;
        }
        // A user twice with two passwords would be a guess which one counts.
        std::set<std::string_view> seen;
        for (const yaml_entry& entry : section.entries) {
            const std::string& name = entry.key.text;
            const std::string& hash = entry.value.text;
            if (entry.key.kind != node_kind::scalar || name.find(':') != std::string::npos) {
                fail(entry.key.line, prefix, "a user name must be a string without a colon");
            } else if (!seen.insert(name).second) {
                fail(entry.key.line, prefix, "the user is listed twice");
            } else if (const std::string_view reason = why_not_bcrypt(hash); !reason.empty()) {
                // The message shows neither name nor value: the value may be the password itself.
                fail(entry.value.line, prefix, std::string(reason));
            } else {
                values_.users.push_back({name, hash});
            }
        }
    }

    // A request rate of exporter-toolkit; an interval of 0 disables it.
    void read_rate(const yaml_node& section) {
        request_rate rate;
        const std::array fields = std::to_array<field>(
            {{"interval",
              [&](const yaml_node& value, const std::string& path) {
                  // Go's form; Prometheus' days and weeks too.
                  // exporter-toolkit parses this key in Go, so its form comes first.
                  const auto go = parse_go_duration(value.text);
                  const auto days = parse_duration(value.text);
                  if (go) {
                      // Upwards: 0 would be no limit.
                      rate.interval = std::chrono::ceil<std::chrono::milliseconds>(*go);
                  } else if (days) {
                      rate.interval = *days;
                  } else {
                      fail(value.line, path, go.error());
                  }
              }},
             {"burst", [&](const yaml_node& value, const std::string& path) {
                  const auto burst = parse_count(value.text);
                  if (!burst) {
                      fail(value.line, path, burst.error());
                  } else {
                      rate.burst = *burst;
                  }
              }}});
        read_map(section, "rate_limit", fields);
        // Without an interval there is no limit, even if a burst is set.
        if (rate.interval.count() > 0) {
            values_.rate = rate;
        }
    }

    web_settings values_;
};

} // namespace

web_config_result parse_web_config(std::string_view text,
                                   std::string_view name,
                                   const std::filesystem::path& folder) {
    web_config_reader reader(name, folder);
    // PEM texts have line breaks, so they are allowed in values.
    const auto tree = parse_yaml(text, yaml_texts::with_line_breaks);
    if (const auto* faults = std::get_if<std::vector<yaml_fault>>(&tree)) {
        for (const yaml_fault& fault : *faults) {
            // Faults of YAML belong to no key.
            reader.fail(fault.line, "", fault.message);
        }
        return reader.finish();
    }
    reader.read(std::get<yaml_node>(tree));
    return reader.finish();
}

web_config_result load_web_config(const std::filesystem::path& file, load_scope scope) {
    const std::string name = file.string();
    const file_contents contents = read_file(file, max_size_bytes);
    if (!contents.reason.empty()) {
        // A file that is missing may appear, so a restart may help. One that is too large stays so.
        const auto kind = contents.too_large ? fault_kind::invalid : fault_kind::unavailable;
        return std::vector<config_fault>{
            {kind, name, 0, "", "cannot read the web configuration: " + contents.reason}};
    }
    std::error_code error;
    // An error leaves the folder empty. Then relative paths start at the working directory, where they would have
    // started anyway.
    const auto folder = std::filesystem::absolute(file, error).parent_path();
    web_config_result read =
        parse_web_config({contents.bytes.data(), contents.bytes.size()}, name, folder);
    const auto* const values = std::get_if<web_settings>(&read);
    if (values == nullptr || !values->tls || scope == load_scope::text) {
        return read;
    }
    // Before the network code opens them: its messages name the path.
    std::vector<config_fault> faults;
    const tls_server_options& tls = *values->tls;
    for (const auto& [key, path] :
         {std::pair("tls_server_config.cert_file", &tls.cert_file),
          std::pair("tls_server_config.key_file", &tls.key_file),
          std::pair("tls_server_config.client_ca_file", &tls.client_ca_file)}) {
        // Finds a key or certificate that was pasted in place of its path. Its message does not repeat the value.
        if (std::string reason = why_not_a_file(*path, folder); !reason.empty()) {
            faults.push_back({fault_kind::invalid, name, 0, key, std::move(reason)});
        }
    }
    if (!faults.empty()) {
        return faults;
    }
    return read;
}

std::vector<config_fault> web_config_warnings(const web_settings& values,
                                              const std::filesystem::path& file,
                                              const std::filesystem::path& credentials_directory) {
    std::vector<config_fault> warnings;
    const auto warn = [&](std::string_view key, std::string message) {
        warnings.push_back(
            {fault_kind::invalid, file.string(), 0, std::string(key), std::move(message)});
    };
    const auto check = [&](std::string_view key, const std::string& path, file_guard guard) {
        for (std::string& warning : permission_warnings(path, guard, credentials_directory)) {
            warn(key, std::move(warning));
        }
    };
    // A file with the private key in it must not be readable by others. Without it, it must not be writable.
    const bool has_key = values.tls && !values.tls->key_pem.empty();
    check("", file.string(), has_key ? file_guard::secret : file_guard::trust);
    if (values.tls) {
        const tls_server_options& tls = *values.tls;
        check("tls_server_config.cert_file", tls.cert_file, file_guard::trust);
        check("tls_server_config.key_file", tls.key_file, file_guard::secret);
        check("tls_server_config.client_ca_file", tls.client_ca_file, file_guard::trust);
        // As exporter-toolkit does; but every client can make a certificate with any name.
        if (tls.client_auth == tls_client_auth::require_any && !tls.allowed_sans.empty()) {
            warn("tls_server_config.client_allowed_sans",
                 "proves nothing with RequireAnyClientCert, which accepts a certificate that the "
                 "client made itself: use RequireAndVerifyClientCert");
        }
    }
    return warnings;
}

} // namespace kallglot::config
