#include "kallglot/config/config_file.hpp"

#include "config/config_parsing.hpp"
#include "config/fault_list.hpp"
#include "config/file_permissions.hpp"
#include "config/paths.hpp"
#include "kallglot/config/secrets.hpp"
#include "kallglot/files/operator_file.hpp"

#include <system_error>
#include <utility>

namespace kallglot::config {

namespace {

// Reads and checks the files that the settings name; collects their faults and warnings.
class file_checker {
public:
    file_checker(std::string name,
                 std::filesystem::path folder,
                 const environment& env,
                 parsed_config& parsed)
        : name_(std::move(name)),
          folder_(std::move(folder)),
          env_(env),
          parsed_(parsed) {}

    // Reads one secret file. An empty path is an optional secret that is not configured.
    secret read_secret(const char* key, const std::string& path, secret_use use) {
        if (path.empty() || is_no_file(key, path)) {
            return {};
        }
        auto result = read_secret_file(path, use, env_.credentials_directory);
        if (auto* fault = std::get_if<secret_fault>(&result)) {
            fail(fault->kind, key, std::move(fault->message));
            return {};
        }
        // Such a secret is used, with warnings.
        auto& good = std::get<secret_file>(result);
        for (std::string& warning : good.warnings) {
            warn(key, std::move(warning));
        }
        return std::move(good.value);
    }

    // Checks only that the file can be opened: certificates are parsed by the code that uses them.
    void check(const char* key, const std::string& path, file_guard guard) {
        if (path.empty() || is_no_file(key, path)) {
            return;
        }
        if (const auto reason = check_readable(path); !reason.empty()) {
            fail(fault_kind::unavailable, key, "cannot read " + path + ": " + reason);
            return;
        }
        // Only for a file that exists. A missing one has a fault, and no warning beside it.
        check_access(key, path, guard);
    }

    // An empty key is the configuration as a whole.
    void check_access(const char* key, const std::string& path, file_guard guard) {
        for (std::string& warning : permission_warnings(path, guard, env_.credentials_directory)) {
            warn(key, std::move(warning));
        }
    }

    [[nodiscard]] std::vector<config_fault>& warnings() { return warnings_; }

private:
    [[nodiscard]] std::size_t line_of(std::string_view key) const {
        // A key that is not in the text has its default, and the fault no line.
        const auto found = parsed_.lines.find(key);
        return found == parsed_.lines.end() ? 0 : found->second;
    }

    void warn(const char* key, std::string message) {
        warnings_.push_back({fault_kind::invalid, name_, line_of(key), key, std::move(message)});
    }

    // Faults of files stand among those of the text, in order of lines.
    void fail(fault_kind kind, const char* key, std::string message) {
        insert_by_line(parsed_.faults, {kind, name_, line_of(key), key, std::move(message)});
    }

    // Whether the key has the secret in place of its file, which is then a fault.
    bool is_no_file(const char* key, const std::string& path) {
        std::string reason = why_not_a_file(path, folder_);
        if (reason.empty()) {
            return false;
        }
        fail(fault_kind::invalid, key, std::move(reason));
        return true;
    }

    std::string name_;
    std::filesystem::path folder_;
    const environment& env_;
    parsed_config& parsed_;
    std::vector<config_fault> warnings_;
};

// The API key and the token go into headers; webhook secrets key a MAC, so more bytes are allowed.
secret_values read_secrets(const settings& values, file_checker& files) {
    secret_values secrets;
    secrets.api_key = files.read_secret("api.key_file", values.api.key_file, secret_use::header);
    secrets.api_token = files.read_secret("sessions.api_token_file",
                                          values.sessions.api_token_file,
                                          secret_use::header);
    secrets.proxy_password = files.read_secret("api.proxy_password_file",
                                               values.api.proxy_password_file,
                                               secret_use::password);
    // Several, so that a secret can be rotated: the old and the new one are valid for a while.
    for (const std::string& path : values.webhook.secret_files) {
        secrets.webhook_secrets.push_back(
            files.read_secret("webhook.secret_files", path, secret_use::signing));
    }
    return secrets;
}

} // namespace

load_result load(const std::filesystem::path& file, const environment& env, load_scope scope) {
    const std::string name = file.string();
    // Without the file there is nothing to check; a file that is too large is invalid, not unavailable.
    const file_contents contents = read_file(file, max_file_size_bytes);
    if (!contents.reason.empty()) {
        const auto kind = contents.too_large ? fault_kind::invalid : fault_kind::unavailable;
        return config_faults{
            {kind, name, 0, "", "cannot read the configuration: " + contents.reason}};
    }
    // Relative paths start at the folder of the file, so the daemon may start in any directory.
    // The overload without an exception; see load_web_config().
    std::error_code error;
    const auto folder = std::filesystem::absolute(file, error).parent_path();
    parsed_config parsed = parse({contents.bytes.data(), contents.bytes.size()}, name, folder, env);
    // Nothing below this line may run for a check of the text alone: it opens files.
    if (scope == load_scope::text) {
        if (!parsed.faults.empty()) {
            return std::move(parsed.faults);
        }
        return loaded_config{std::move(parsed.values), {}, {}, std::move(parsed.lines)};
    }
    // Files are checked even if the text has faults, so that one run reports everything.
    const settings& values = parsed.values;
    file_checker files(name, folder, env, parsed);
    secret_values secrets = read_secrets(values, files);
    // A user that can write the configuration can send the API key elsewhere.
    files.check_access("", name, file_guard::trust);
    files.check("api.ca_file", values.api.ca_file, file_guard::trust);
    files.check("api.client_cert_file", values.api.client_cert_file, file_guard::trust);
    files.check("api.client_key_file", values.api.client_key_file, file_guard::secret);
    files.check("webhook.tls.cert_file", values.webhook.tls_cert_file, file_guard::trust);
    files.check("webhook.tls.key_file", values.webhook.tls_key_file, file_guard::secret);
    // All or nothing: values with faults have defaults, which the operator did not choose.
    if (!parsed.faults.empty()) {
        return std::move(parsed.faults);
    }
    return loaded_config{std::move(parsed.values),
                         std::move(secrets),
                         std::move(files.warnings()),
                         std::move(parsed.lines)};
}

} // namespace kallglot::config
