// The main program: command line, --config.check and exit code. The daemon itself is in app/application.

#include "app/application.hpp"
#include "kallglot/base/text.hpp"
#include "kallglot/config/addresses.hpp"
#include "kallglot/config/config_file.hpp"
#include "kallglot/log/logging.hpp"
#include "kallglot/polling/poll_plan.hpp"
#include <kallglot_build_info.hpp>

#include <boost/version.hpp>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <malloc.h>
#include <nghttp2/nghttp2.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <zlib.h>

#include <csignal>
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

// Exit codes of the contract: a restart can help after 1, but not after 2.
constexpr int exit_failure = 1;
constexpr int exit_bad_usage = 2;

// What --config.check looks at. `true` is CLI11's word for a flag without a value.
const std::string check_all = "true";
const std::string check_syntax = "syntax";

// The flags as text; prepare_start and parse_addresses validate them.
struct command_line {
    std::filesystem::path config_file = "/etc/kallglot_exporter/config.yml";
    std::vector<std::string> listen_texts = {"127.0.0.1:10455"};
    std::string telemetry_path = "/metrics";
    std::string log_level = "info";
    std::string log_format = "logfmt";
    std::string web_config_file;
    std::string external_url;
    bool enable_lifecycle = false;
    std::string config_check; ///< empty: no check
    bool version = false;
};

// Allocates blocks of this size and above as pages of their own, which are returned to the system when they are freed.
// By default glibc raises the threshold to the largest freed block. Then the temporary memory of an import of a million
// ids stays in the heap for good: 253 MiB instead of 191 MiB after it.
void return_large_blocks() {
    constexpr int threshold_bytes = 32 * 1024;
    mallopt(M_MMAP_THRESHOLD, threshold_bytes);
}

// The memory contains the API key and, for moments, tokens of live calls. So no core files, and no access by other
// processes of the same user. LeakSanitizer needs that access, so builds with sanitizers are excluded.
void keep_memory_private() {
    if (build_info::sanitizers.empty()) {
        // Also makes /proc/self belong to root, which the daemon does not need to write.
        prctl(PR_SET_DUMPABLE, 0);
    }
}

// A program that starts us may have closed some of them. The next file or connection would get the number, and log lines
// would be written there.
void open_standard_descriptors() {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        // open() takes the lowest free number, which is this one.
        // The call fails with EBADF only, for a number that is closed.
        if (::fcntl(number, F_GETFD) < 0) {
            static_cast<void>(::open("/dev/null", O_RDWR));
        }
    }
}

// The mask of blocked signals is inherited. With TERM in it the daemon could not be stopped.
void unblock_signals() {
    sigset_t none;
    sigemptyset(&none);
    // Before any thread: each inherits the mask.
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Handles an allocation failure: ends the process instead of throwing. All acknowledged ids are on disk, and a restart
/// by the service manager is safer than continuing with a half-finished change.
[[noreturn]] void end_without_memory() {
    // Nothing here may allocate; and no destructors, because the heap is full.
    constexpr std::string_view why = "kallglot_exporter: out of memory\n";
    // Through the log it would need memory.
    static_cast<void>(::write(STDERR_FILENO, why.data(), why.size()) > 0);
    std::_Exit(exit_failure);
}

/// Empty, or why the path cannot be the path of the metrics.
std::string check_telemetry_path(const std::string& path) {
    const auto route = config::parse_route(path);
    if (!route) {
        return route.error();
    }
    // These paths have access rules of their own.
    const bool taken = is_below(path, "/-") || is_below(path, "/api") || is_below(path, "/config");
    return taken ? "must not be /-, /api or /config, or below them" : "";
}

/// Empty, or why --config.check cannot have this value.
std::string check_of_check(const std::string& word) {
    return word == check_all || word == check_syntax ? ""
                                                     : "must be alone or --config.check=syntax";
}

void declare_flags(CLI::App& app, command_line& line) {
    app.set_help_flag("--help", "Print this help and exit");
    app.add_option("--config.file", line.config_file, "Configuration file, YAML")
        ->capture_default_str();
    app.add_flag("--config.check",
                 line.config_check,
                 "Validate all files, print the poll plan, exit with 0 or 2; =syntax: only what is "
                 "in the configuration files themselves")
        ->check(check_of_check);
    app.add_option("--web.listen-address",
                   line.listen_texts,
                   "Listen address of metrics and status page; repeatable; port 0 picks a port")
        ->capture_default_str()
        ->allow_extra_args(false);
    app.add_option("--web.telemetry-path", line.telemetry_path, "Path of the metrics")
        ->capture_default_str()
        ->check(check_telemetry_path);
    app.add_option(
           "--web.external-url",
           line.external_url,
           "URL at which people reach that listener, with a path prefix if a proxy adds one")
        ->check([](const std::string& url) {
            const auto parsed = config::parse_base_url(url);
            return parsed ? std::string() : parsed.error();
        });
    app.add_option("--log.level", line.log_level, "Minimum level of logged events")
        ->capture_default_str()
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
    app.add_option("--log.format", line.log_format, "Format of log lines")
        ->capture_default_str()
        ->check(CLI::IsMember({"logfmt", "json"}));
    app.add_option(
        "--web.config.file",
        line.web_config_file,
        "TLS and basic auth of that listener, in the format of Prometheus' exporter-toolkit");
    app.add_flag("--web.enable-lifecycle", line.enable_lifecycle, "Allow POST /-/reload");
    app.add_flag("--version",
                 line.version,
                 "Print version, revision, compiler and libraries, and exit");
}

void print_version() {
    std::cout << "kallglot_exporter " << build_info::version
              << "\n  revision: " << build_info::revision
              << "\n  compiler: " << build_info::compiler << "\n  boost:    " << BOOST_LIB_VERSION
              << "\n  openssl:  " << OpenSSL_version(OPENSSL_VERSION_STRING)
              << "\n  nghttp2:  " << nghttp2_version(0)->version_str
              << "\n  sqlite:   " << sqlite3_libversion() << "\n  zlib:     " << zlibVersion()
              << '\n';
}

/// Parses the listen addresses; an error is printed to stderr, and the result is empty.
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

/// Logs each fault as an event of its own: file, line, key and message.
void log_faults(logger& log, log_level level, const std::vector<config::config_fault>& faults) {
    for (const config::config_fault& fault : faults) {
        log.log(level, to_string(fault), {});
    }
}

/// The end of a check: the poll plan.
int report_valid(const settings& values) {
    std::cout << "configuration is valid\n\n" << describe_poll_plan(values);
    return EXIT_SUCCESS;
}

// Order: the log first, so that every later error has a place; then flags, then the configuration, then the daemon.
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
    if (!line.external_url.empty()) {
        // Valid: CLI11 has checked it with the same function.
        options.external_url = *config::parse_base_url(line.external_url);
    }
    options.source = {line.config_file,
                      env,
                      line.web_config_file.empty()
                          ? std::string()
                          // Now, because a reload must not depend on the working directory.
                          : std::filesystem::absolute(line.web_config_file).string()};

    if (line.config_check == check_syntax) {
        const auto checked = check_texts(options.source);
        if (const auto* const faults = std::get_if<config::config_faults>(&checked)) {
            log_faults(log, log_level::error, *faults);
            return exit_bad_usage;
        }
        return report_valid(std::get<settings>(checked));
    }
    // Every connection is a file descriptor, so the soft limit is raised to the hard one.
    raise_file_limit();
    prepare_result prepared = prepare_start(options.source, line.config_check == check_all, log);
    if (const auto* const faults = std::get_if<config::config_faults>(&prepared)) {
        // A check answers 2 for any fault; a start distinguishes faults that a restart can cure.
        log_faults(log, log_level::error, *faults);
        return line.config_check.empty() ? config::exit_code(*faults) : exit_bad_usage;
    }
    auto& configuration = std::get<prepared_config>(prepared);
    log_faults(log, log_level::warn, configuration.config.warnings);
    if (!line.config_check.empty()) {
        return report_valid(configuration.config.values);
    }
    return run_daemon(options, std::move(configuration), log);
}

} // namespace

int main(int argc, char** argv) {
    // Settings of the process, before the first allocation and the first write that matter.
    open_standard_descriptors();
    unblock_signals();
    std::set_new_handler(end_without_memory);
    ignore_broken_pipes();
    return_large_blocks();
    keep_memory_private();
    command_line line;
    CLI::App app("Prometheus exporter for Kallglot voice sessions.", "kallglot_exporter");
    declare_flags(app, line);
    try {
        app.parse(argc, argv);
        if (line.version) {
            print_version();
            return EXIT_SUCCESS;
        }
        return run(line);
    } catch (const CLI::ParseError& error) {
        // --help is a "parse error" with code 0 in this library; all others are wrong usage.
        return app.exit(error) == 0 ? EXIT_SUCCESS : exit_bad_usage;
    } catch (const std::exception& error) {
        // Not through the log, which may not exist yet.
        std::cerr << "kallglot_exporter: " << error.what() << '\n';
        return exit_failure;
    }
}
