#include "kallglot/config/config_file.hpp"

#include "config/config_parsing.hpp"
#include "config/fault_list.hpp"
#include "config/file_reading.hpp"
#include "kallglot/config/secrets.hpp"

#include <system_error>
#include <utility>

namespace kallglot::config {

namespace {

// Reads and checks the files that the settings name; collects their faults and warnings.
class file_checker {
public:
    file_checker(std::string name, const environment& env, parsed_config& parsed)
        : name_(std::move(name)),
          env_(env),
          parsed_(parsed) {}

    // Reads one secret file. An empty path is an optional secret that is not configured.
    secret read_secret(const char* key, const std::string& path, secret_use use) {
        if (path.empty()) {
            return {};
        }
        auto result = read_secret_file(path, use, env_.credentials_directory);
        if (auto* fault = std::get_if<secret_fault>(&result)) {
            fail(fault->kind, key, std::move(fault->message));
            return {};
        }
        // A readable secret with wide permissions is used, with a warning.
        auto& good = std::get<secret_file>(result);
        if (!good.warning.empty()) {
            warnings_.push_back(
                {fault_kind::invalid, name_, line_of(key), key, std::move(good.warning)});
        }
        return std::move(good.value);
    }

    // Checks only that the file can be opened: certificates are parsed by the code that uses them.
    void check(const char* key, const std::string& path) {
        if (path.empty()) {
            return;
        }
        if (const auto reason = check_readable(path); !reason.empty()) {
            fail(fault_kind::unavailable, key, "cannot read " + path + ": " + reason);
        }
    }

    [[nodiscard]] std::vector<config_fault>& warnings() { return warnings_; }

private:
    [[nodiscard]] std::size_t line_of(std::string_view key) const {
        const auto found = parsed_.lines.find(key);
        return found == parsed_.lines.end() ? 0 : found->second;
    }

    // Faults of files stand among those of the text, in order of lines.
    void fail(fault_kind kind, const char* key, std::string message) {
        insert_by_line(parsed_.faults, {kind, name_, line_of(key), key, std::move(message)});
    }

    std::string name_;
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
    for (const std::string& path : values.webhook.secret_files) {
        secrets.webhook_secrets.push_back(
            files.read_secret("webhook.secret_files", path, secret_use::signing));
    }
    return secrets;
}

} // namespace

load_result load(const std::filesystem::path& file, const environment& env) {
    const std::string name = file.string();
    // Without the file there is nothing to check; a file that is too large is invalid, not unavailable.
    const file_contents contents = read_file(file, max_file_size_bytes);
    if (!contents.reason.empty()) {
        const auto kind = contents.too_large ? fault_kind::invalid : fault_kind::unavailable;
        return config_faults{
            {kind, name, 0, "", "cannot read the configuration: " + contents.reason}};
    }
    // Relative paths start at the folder of the file, so the daemon may start in any directory.
    std::error_code error;
    const auto folder = std::filesystem::absolute(file, error).parent_path();
    parsed_config parsed = parse({contents.bytes.data(), contents.bytes.size()}, name, folder, env);
    // Files are checked even if the text has faults, so that one run reports everything.
    const settings& values = parsed.values;
    file_checker files(name, env, parsed);
    secret_values secrets = read_secrets(values, files);
    files.check("api.ca_file", values.api.ca_file);
    files.check("api.client_cert_file", values.api.client_cert_file);
    files.check("api.client_key_file", values.api.client_key_file);
    files.check("webhook.tls.cert_file", values.webhook.tls_cert_file);
    files.check("webhook.tls.key_file", values.webhook.tls_key_file);
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
