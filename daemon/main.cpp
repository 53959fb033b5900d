// The command line and the exit code; everything else is in app/application.

#include "kallglot/app/application.hpp"
#include "kallglot/config/addresses.hpp"
#include "kallglot/config/config_file.hpp"
#include "kallglot/log/logging.hpp"
#include "kallglot/polling/poll_plan.hpp"
#include "kallglot/web/url_path.hpp"
#include <kallglot_build_info.hpp>

#include <boost/version.hpp>

#include <CLI/CLI.hpp>
#include <malloc.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace kallglot;

// Exit codes of the contract: a restart may help after 1, it will not after 2.
constexpr int exit_failure = 1;
constexpr int exit_bad_usage = 2;

struct command_line {
    std::filesystem::path config_file = "/etc/kallglot_exporter/config.yml";
    std::vector<std::string> listen_texts = {"127.0.0.1:10455"};
    std::string telemetry_path = "/metrics";
    std::string log_level = "info";
    std::string log_format = "logfmt";
    std::string web_config_file;
    bool enable_lifecycle = false;
    bool config_check = false;
    bool version = false;
};

// Blocks from here on are pages of their own, given back when they are freed. Left alone, glibc raises the threshold to the
// largest block that was ever freed, and what an import of a million ids needs for a while (groups of changes, tables
// that grow) stays in the heap for good: 253 MiB instead of 191 after it.
void return_large_blocks() {
    constexpr int threshold_bytes = 32 * 1024;
    mallopt(M_MMAP_THRESHOLD, threshold_bytes);
}

// The memory holds the key, and for moments the tokens of live calls: no core file, whoever collects them, and no reading of
// it by other processes of the same user. LeakSanitizer is such a reader.
void keep_memory_private() {
    if (build_info::sanitizers.empty()) {
        prctl(PR_SET_DUMPABLE, 0);
    }
}

/// Called when there is no memory, instead of an exception: what was half done then is worth less than a fresh start. All
/// that was acknowledged is on disk, and the service manager starts us again.
[[noreturn]] void end_without_memory() {
    constexpr std::string_view why = "kallglot_exporter: out of memory\n";
    static_cast<void>(::write(STDERR_FILENO, why.data(), why.size()) > 0);
    std::_Exit(exit_failure);
}

/// Empty, or why the metrics cannot be there.
std::string check_telemetry_path(const std::string& path) {
    const auto route = config::parse_route(path);
    if (!route) {
        return route.error();
    }
    // What has rules of its own: who may see it, and when.
    const bool taken = is_below(path, "/-") || is_below(path, "/api") || is_below(path, "/config");
    return taken ? "is the path of another page" : "";
}

void declare_flags(CLI::App& app, command_line& line) {
    app.set_help_flag("--help", "Show this help and exit");
    app.add_option("--config.file", line.config_file, "Configuration, YAML")->capture_default_str();
    app.add_flag("--config.check", line.config_check, "Validate everything, then exit with 0 or 2");
    app.add_option("--web.listen-address",
                   line.listen_texts,
                   "Address of metrics and status page; repeatable; port 0 picks one")
        ->capture_default_str()
        ->allow_extra_args(false);
    app.add_option("--web.telemetry-path", line.telemetry_path, "Path of the metrics")
        ->capture_default_str()
        ->check(check_telemetry_path);
    app.add_option("--log.level", line.log_level, "Least level that is logged")
        ->capture_default_str()
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
    app.add_option("--log.format", line.log_format, "Form of a log line")
        ->capture_default_str()
        ->check(CLI::IsMember({"logfmt", "json"}));
    app.add_option("--web.config.file",
                   line.web_config_file,
                   "TLS and basic auth of metrics and status page, as in Prometheus' exporters");
    app.add_flag("--web.enable-lifecycle", line.enable_lifecycle, "Allow POST /-/reload");
    app.add_flag("--version",
                 line.version,
                 "Show version, revision, compiler and libraries, and exit");
}

void print_version() {
    std::cout << "kallglot_exporter " << build_info::version
              << "\n  revision: " << build_info::revision
              << "\n  compiler: " << build_info::compiler << "\n  boost:    " << BOOST_LIB_VERSION
              << "\n  openssl:  " << OpenSSL_version(OPENSSL_VERSION_STRING)
              << "\n  sqlite:   " << sqlite3_libversion() << "\n  zlib:     " << zlibVersion()
              << '\n';
}

/// The addresses to listen on; a fault is told on stderr and gives an empty list.
std::vector<listen_address> parse_addresses(const std::vector<std::string>& texts) {
    std::vector<listen_address> addresses;
    for (const std::string& text : texts) {
        auto address = config::parse_listen_address(text);
        if (!address) {
            std::cerr << "--web.listen-address: " << address.error() << '\n';
            return {};
        }
        addresses.push_back(*address);
    }
    return addresses;
}

/// Each fault is an event of its own: file, line, key and what is wrong.
void tell(logger& log, log_level level, const std::vector<config::config_fault>& faults) {
    for (const config::config_fault& fault : faults) {
        log.log(level, to_string(fault), {});
    }
}

int run(const command_line& line) {
    const config::environment env = config::environment::from_process();
    stream_logger log(STDERR_FILENO,
                      {parse_log_level(line.log_level).value_or(log_level::info),
                       {parse_log_format(line.log_format).value_or(log_format::logfmt),
                        is_journal(STDERR_FILENO, env.journal_stream)}});
    daemon_options options;
    options.listen = parse_addresses(line.listen_texts);
    if (options.listen.empty()) {
        return exit_bad_usage;
    }
    options.telemetry_path = line.telemetry_path;
    options.build = {build_info::version, build_info::revision, build_info::compiler};

    options.enable_lifecycle = line.enable_lifecycle;
    options.source = {line.config_file,
                      env,
                      line.web_config_file.empty()
                          ? std::string()
                          : std::filesystem::absolute(line.web_config_file).string()};

    raise_file_limit();
    prepare_result prepared = prepare_config(options.source);
    if (const auto* const faults = std::get_if<config::config_faults>(&prepared)) {
        tell(log, log_level::error, *faults);
        return line.config_check ? exit_bad_usage : config::exit_code(*faults);
    }
    auto& configuration = std::get<prepared_config>(prepared);
    tell(log, log_level::warn, configuration.config.warnings);
    if (line.config_check) {
        std::cout << "the configuration is good\n\n"
                  << describe_poll_plan(configuration.config.values);
        return EXIT_SUCCESS;
    }
    return run_daemon(options, std::move(configuration), log);
}

} // namespace

int main(int argc, char** argv) {
    std::set_new_handler(end_without_memory);
    ignore_broken_pipes();
    return_large_blocks();
    keep_memory_private();
    command_line line;
    CLI::App app("Follows Kallglot voice sessions and publishes their state for Prometheus.",
                 "kallglot_exporter");
    declare_flags(app, line);
    try {
        app.parse(argc, argv);
        if (line.version) {
            print_version();
            return EXIT_SUCCESS;
        }
        return run(line);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? EXIT_SUCCESS : exit_bad_usage;
    } catch (const std::exception& error) {
        std::cerr << "kallglot_exporter: " << error.what() << '\n';
        return exit_failure;
    }
}
