// Three steps: YAML to a tree, the tree along the schema into settings, then the rules that need more than one key.
// Faults are collected, not thrown, so that one run reports all of them.

#include "config/config_parsing.hpp"

#include "config/fault_list.hpp"
#include "config/paths.hpp"
#include "config/schema.hpp"
#include "config/schema_values.hpp"
#include "config/yaml_tree.hpp"
#include "kallglot/config/addresses.hpp"

#include <algorithm>
#include <utility>

namespace kallglot::config {

namespace {

using node_kind = yaml_node::kind_type;

// Reads the tree along the schema; collects values and faults.
class config_reader {
public:
    config_reader(std::string_view name, path_context paths)
        : faults_(name),
          paths_(std::move(paths)) {}

    void read_section(const yaml_node& section, const std::string& prefix) {
        // The YAML tree contains repeated keys; which value counts would be a guess, so they are faults.
        std::map<std::string_view, std::size_t> seen;
        for (const yaml_entry& entry : section.entries) {
            // A list, a map or nothing in the place of a key.
            if (entry.key.kind != node_kind::scalar) {
                fail(entry.key.line, prefix, "invalid key: must be a plain word");
                continue;
            }
            const std::string path = join(prefix, entry.key.text);
            const auto [first, is_new] = seen.emplace(entry.key.text, entry.key.line);
            // `api.key_file: x` would find the row of the schema by its path, and could contradict its section.
            if (entry.key.text.find('.') != std::string::npos) {
                fail(entry.key.line,
                     path,
                     "unknown key: a key must be on its own line below its section, not behind a "
                     "dot");
            } else if (is_new) {
                // Later checks name the line of a key, also if its value is fine by itself.
                result_.lines.emplace(path, entry.key.line);
                read_entry(entry, path);
            } else {
                fail(entry.key.line,
                     path,
                     "repeated key, first on line " + std::to_string(first->second));
            }
        }
    }

    // Rules between keys, and required keys.
    void check_rules() {
        check_api();
        check_webhook();
        place_store();
    }

    void fail(std::size_t line, std::string_view path, std::string_view message) {
        faults_.add(line, path, message);
    }

    // Moves the result out; the reader is not used again.
    [[nodiscard]] parsed_config finish() {
        result_.faults = faults_.take();
        return std::move(result_);
    }

private:
    // The path of a key below a section; keys at the top level have no prefix.
    static std::string join(const std::string& prefix, const std::string& leaf) {
        return prefix.empty() ? leaf : prefix + '.' + leaf;
    }

    void read_entry(const yaml_entry& entry, const std::string& path) {
        if (const key_spec* key = find_key(path)) {
            for (yaml_fault& fault :
                 read_value(key->binding, entry.value, paths_, result_.values)) {
                // Rules that involve this key are not checked: it has its default now, and a second fault would
                // mislead.
                fail(fault.line, path, std::move(fault.message));
                broken_.push_back(path);
            }
        } else if (!is_section(path)) {
            // The search is expensive, and a file of nonsense has many unknown keys.
            const nearest_key nearest = faults_.is_full() ? nearest_key{} : find_nearest_key(path);
            fail(entry.key.line,
                 path,
                 nearest.close
                     ? "unknown key, did you mean \"" + nearest.path + "\"?"
                     : "unknown key; the most similar known key is \"" + nearest.path + "\"");
        } else if (entry.value.kind == node_kind::map) {
            read_section(entry.value, path);
        } else if (entry.value.kind != node_kind::null) {
            // An empty section is fine: all its keys have their defaults.
            fail(entry.value.line, path, "must be a section with keys");
            broken_.push_back(path);
        }
    }

    // Whether a key, or a section above it, has a fault already.
    [[nodiscard]] bool is_broken(std::string_view path) const {
        return std::any_of(broken_.begin(), broken_.end(), [&](const std::string& broken) {
            return path.starts_with(broken)
                   && (path.size() == broken.size() || path[broken.size()] == '.');
        });
    }

    // The line of a key; for a missing key the line of its section.
    [[nodiscard]] std::size_t line_of(const std::string& path) const {
        if (const auto found = result_.lines.find(path); found != result_.lines.end()) {
            return found->second;
        }
        // Neither the key nor a section above it is in the file: line 1, so that an editor opens the file.
        const auto dot = path.rfind('.');
        return dot == std::string::npos ? 1 : line_of(path.substr(0, dot));
    }

    void require(const std::string& path, bool present, const std::string& message) {
        // An invalid value has its fault already; it is not missing.
        if (!present && !is_broken(path)) {
            fail(line_of(path), path, message);
        }
    }

    // Two keys that need each other, for example a certificate and its key: both or neither.
    void require_pair(const std::string& first_path,
                      const std::string& first,
                      const std::string& second_path,
                      const std::string& second) {
        if (!first.empty()) {
            require(second_path, !second.empty(), "required with " + first_path);
        }
        if (!second.empty()) {
            require(first_path, !first.empty(), "required with " + second_path);
        }
    }

    void check_api() {
        const api_settings& api = result_.values.api;
        // The one key that has no default.
        require("api.key_file",
                !api.key_file.empty(),
                "required: the path of the file with the API key");
        require_pair("api.client_cert_file",
                     api.client_cert_file,
                     "api.client_key_file",
                     api.client_key_file);
        require_pair("api.proxy_user",
                     api.proxy_user,
                     "api.proxy_password_file",
                     api.proxy_password_file);
        // A password is for one proxy, which the operator may have forgotten to name.
        if (!api.proxy_user.empty()) {
            require("api.proxy_url", api.proxy_url.has_value(), "required with api.proxy_user");
        }
        // The rest is about http://, which is for tests and demos: the API key must not leave this machine unencrypted.
        if (api.base_url.tls) {
            return;
        }
        if (api.http_version == http_version_choice::http_2) {
            fail(line_of("api.http_version"),
                 "api.http_version",
                 "2 requires an https:// base URL: the version is agreed on during the TLS "
                 "handshake");
        }
        const std::size_t line = line_of("api.base_url");
        if (!is_loopback(api.base_url.host)) {
            fail(line,
                 "api.base_url",
                 "http:// would send the API key unencrypted: allowed are https://, and http:// "
                 "with a "
                 "loopback host");
        } else if (!api.allow_plaintext) {
            fail(line, "api.base_url", "http:// requires api.allow_plaintext: true");
        }
        // A proxy elsewhere would receive the key even if the API is on this machine.
        if (api.proxy_url && !is_loopback(api.proxy_url->host)) {
            fail(line_of("api.proxy_url"),
                 "api.proxy_url",
                 "must be a loopback host while api.base_url is http://: the proxy would see the "
                 "API key");
        }
    }

    // Resolves the store's path when all keys are read. It starts at another folder than other paths, and so does its
    // default, which no reader of a value sees.
    void place_store() {
        if (result_.values.store.in_memory()) {
            return;
        }
        // systemd sets the state directory; a start by hand has none and uses the folder of the file.
        const auto& state = paths_.env.state_directory;
        auto path = read_path(result_.values.store.path, state.empty() ? paths_.folder : state);
        if (path) {
            result_.values.store.path = std::move(*path);
        } else {
            fail(line_of("store.path"), "store.path", path.error());
        }
    }

    void check_webhook() {
        const webhook_settings& webhook = result_.values.webhook;
        // Without a secret any client on the network could create and end sessions.
        if (webhook.listen) {
            require(
                "webhook.secret_files",
                !webhook.secret_files.empty(),
                "required with webhook.listen_address: events without a secret could be forged");
        }
        require_pair("webhook.tls.cert_file",
                     webhook.tls_cert_file,
                     "webhook.tls.key_file",
                     webhook.tls_key_file);
    }

    fault_list faults_;
    path_context paths_;
    parsed_config result_;
    std::vector<std::string> broken_; // keys and sections with faults
};

} // namespace

parsed_config parse(std::string_view text,
                    std::string_view name,
                    const std::filesystem::path& folder,
                    const environment& env) {
    config_reader reader(name, path_context{folder, env});
    // Checked before parsing: the cost of the YAML parser is proportional to the text.
    if (text.size() > max_file_size_bytes) {
        reader.fail(0, "", "file is too large: at most 1MiB is allowed");
        return reader.finish();
    }
    // Without a tree there are no keys; the faults of the text are all there is to report.
    const auto tree = parse_yaml(text);
    if (const auto* faults = std::get_if<std::vector<yaml_fault>>(&tree)) {
        for (const yaml_fault& fault : *faults) {
            reader.fail(fault.line, "", fault.message);
        }
        return reader.finish();
    }
    const auto& root = std::get<yaml_node>(tree);
    if (root.kind == node_kind::map) {
        // Rules run also after faults: they skip broken keys, and one run shows everything.
        reader.read_section(root, "");
        reader.check_rules();
    } else if (root.kind == node_kind::null) {
        // An empty file, or one with comments only.
        reader.fail(1, "", "file is empty: at least api.key_file is required");
    } else {
        reader.fail(root.line, "", "must be a map of sections with keys, for example \"api:\"");
    }
    return reader.finish();
}

} // namespace kallglot::config
