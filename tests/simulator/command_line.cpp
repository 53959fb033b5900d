#include "simulator/command_line.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <fstream>
#include <string_view>
#include <utility>

namespace kallglot::simulator {

namespace {

// Adds a flag whose text `read` parses; an empty result means that the text is invalid. `allowed` completes "must be".
template <class Target, class Read>
void add_text(CLI::App& app,
              const std::string& name,
              Target& target,
              Read read,
              const std::string& help,
              const std::string& allowed) {
    app.add_option_function<std::string>(
           name,
           [&target, read, name, allowed](const std::string& text) {
               const auto value = read(text);
               if (!value) {
                   throw CLI::ValidationError(name,
                                              "\"" + text + "\" is invalid: must be " + allowed);
               }
               target = *value;
           },
           help)
        ->type_name("TEXT");
}

std::optional<boost::asio::ip::tcp::endpoint> parse_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    boost::system::error_code error;
    const std::string name = host == "localhost" ? "127.0.0.1" : std::string(host);
    const auto address = boost::asio::ip::make_address(name, error);
    unsigned short port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, bad] = std::from_chars(text.data() + colon + 1, end, port);
    if (error || bad != std::errc{} || stop != end) {
        return std::nullopt;
    }
    return boost::asio::ip::tcp::endpoint(address, port);
}

// `none` is a valid value that means no limit, so the result is an optional in an optional.
std::optional<std::optional<event_rate>> parse_limit(std::string_view text) {
    if (text == "none") {
        return std::optional<event_rate>();
    }
    const auto rate = parse_rate(text);
    return rate ? std::optional(std::optional(*rate)) : std::nullopt;
}

struct arrival_plan {
    bool keep_level{false};
    double per_second{0};
};

std::optional<arrival_plan> parse_arrivals(std::string_view text) {
    if (text == "auto" || text == "0") {
        return arrival_plan{text == "auto", 0};
    }
    const auto rate = parse_rate(text);
    return rate ? std::optional(arrival_plan{false, rate->per_second()}) : std::nullopt;
}

// The protocols of ALPN for a value of api.http_version.
std::optional<std::string> parse_http_version(std::string_view text) {
    if (text == "auto") {
        return std::string(both_protocols);
    }
    if (text == "1.1") {
        return "http/1.1";
    }
    return text == "2" ? std::optional<std::string>("h2") : std::nullopt;
}

void add_place_flags(CLI::App& app, run_plan& plan) {
    simulated_api_settings& settings = plan.settings;
    add_text(app,
             "--listen-address",
             settings.address,
             parse_address,
             "Listen address; port 0 picks a port [127.0.0.1:0]",
             "an IP address and a port, for example 127.0.0.1:0");
    app.add_option("--state-dir",
                   plan.state_dir,
                   "Folder for the files ca.pem, api_key, sessions.txt and address");
    app.add_flag("--plaintext", settings.plaintext, "Serve HTTP without TLS");
    app.add_flag("!--no-resumption",
                 settings.resumption,
                 "Issue no session tickets: every TLS handshake is a full one");
    add_text(app,
             "--http-version",
             settings.alpn,
             parse_http_version,
             "HTTP versions that are accepted over TLS; auto: both [auto]",
             "auto, 1.1 or 2");
    app.add_option("--api-key", settings.key, "Accepted API key [derived from the seed]");
    add_text(app,
             "--max-runtime",
             plan.max_runtime,
             parse_duration,
             "Stop after this time; 0: never [0]",
             "a duration, for example 30s");
}

void add_population_flags(CLI::App& app, population_settings& population, arrival_plan& arrivals) {
    const auto share = CLI::Range(0.0, 1.0);
    app.add_option("--sessions", population.sessions, "Number of sessions at the start")
        ->capture_default_str();
    app.add_option("--stuck", population.stuck, "Number of these that are stuck in connecting")
        ->capture_default_str();
    app.add_option("--never-started",
                   population.never_started,
                   "Number of these that never leave created")
        ->capture_default_str();
    add_text(app,
             "--arrival-rate",
             arrivals,
             parse_arrivals,
             "Rate of new sessions, for example 10/1s; auto: constant number; 0: none [auto]",
             "auto, 0, or a rate, for example 10/1s");
    app.add_option("--stuck-share",
                   population.arriving_stuck_share,
                   "Share of new sessions that get stuck in connecting")
        ->check(share);
    app.add_option("--never-started-share",
                   population.arriving_never_started_share,
                   "Share of new sessions that never leave created")
        ->check(share);
    app.add_option("--id-length", population.id_length, "Length of session ids")
        ->check(CLI::Range(session_id_codec::min_id_length, session_id_codec::max_id_length))
        ->capture_default_str();
}

void add_life_flags(CLI::App& app, life_settings& life) {
    const auto share = CLI::Range(0.0, 1.0);
    const std::string allowed = "a range, for example 1s-3s";
    app.add_option("--seed", life.seed, "Seed of all random decisions")->capture_default_str();
    add_text(app,
             "--created",
             life.created,
             parse_duration_range,
             "Time in created [1s-3s]",
             allowed);
    add_text(app,
             "--connecting",
             life.connecting,
             parse_duration_range,
             "Time in connecting [1s-6s]",
             allowed);
    add_text(app, "--active", life.active, parse_duration_range, "Time in active [1m-5m]", allowed);
    add_text(app, "--ending", life.ending, parse_duration_range, "Time in ending [0s-2s]", allowed);
    add_text(app,
             "--held-age",
             life.held_age,
             parse_duration_range,
             "Age of stuck and never started sessions at the start [0s-2m]",
             allowed);
    app.add_option("--abandoned-share",
                   life.abandoned_share,
                   "Share of sessions that end without becoming active")
        ->check(share);
    app.add_option("--second-generation-share",
                   life.second_generation_share,
                   "Share of sessions served in the newer JSON")
        ->check(share)
        ->capture_default_str();
    app.add_option("--new-without-connecting",
                   life.reduced_status_share,
                   "Share of the newer ones that show only created, active and ended")
        ->check(share);
}

void add_trouble_flags(CLI::App& app, simulated_api_settings& settings, std::string& faults) {
    add_text(
        app,
        "--rate-limit",
        settings.rate_limit,
        parse_limit,
        "Request limit, for example 600/1m; none: no limit, no X-RateLimit headers [6000000/1m]",
        "none, or a rate, for example 600/1m");
    add_text(app,
             "--foreign-rate",
             settings.foreign_rate,
             parse_rate,
             "Request rate of other clients with the same key, for example 5/1s",
             "a rate, for example 5/1s");
    add_text(app,
             "--latency",
             settings.faults.latency,
             parse_duration,
             "Delay before each response",
             "a duration, for example 300ms");
    add_text(app,
             "--jitter",
             settings.faults.jitter,
             parse_duration,
             "Maximum additional random delay",
             "a duration, for example 50ms");
    app.add_option("--faults",
                   faults,
                   R"(Faults in the form of POST /_faults, for example {"rate_limited":0.1})");
}

struct webhook_flags {
    std::string url;
    std::string secret_file;
    std::chrono::milliseconds first_retry{std::chrono::minutes{1}};
};

void add_webhook_flags(CLI::App& app, webhook_flags& flags) {
    app.add_option("--webhook-url",
                   flags.url,
                   "Webhook receiver, for example http://127.0.0.1:9465/webhooks/kallglot");
    app.add_option("--webhook-secret-file",
                   flags.secret_file,
                   "File with the signing secret of webhooks");
    add_text(app,
             "--webhook-first-retry",
             flags.first_retry,
             parse_duration,
             "Delay before the first retry of a webhook; later delays grow with it [1m]",
             "a duration, for example 1m");
}

std::optional<std::string> complete_webhooks(run_plan& plan, const webhook_flags& flags) {
    if (flags.url.empty() && flags.secret_file.empty()) {
        return std::nullopt;
    }
    webhook_settings webhooks{parse_webhook_url(flags.url), flags.first_retry};
    if (webhooks.target.host.empty()) {
        return "--webhook-url: must be an http:// URL, for example "
               "http://127.0.0.1:9465/webhooks/kallglot";
    }
    std::ifstream file(flags.secret_file);
    std::getline(file, webhooks.target.secret);
    if (webhooks.target.secret.empty()) {
        return "--webhook-secret-file: missing, unreadable or empty: \"" + flags.secret_file + "\"";
    }
    plan.settings.webhooks = std::move(webhooks);
    return std::nullopt;
}

// Rules between flags.
std::optional<std::string> complete(run_plan& plan,
                                    const arrival_plan& arrivals,
                                    const std::string& faults) {
    population_settings& population = plan.settings.population;
    population.keep_level = arrivals.keep_level;
    population.arrivals_per_second = arrivals.per_second;
    if (population.stuck + population.never_started > population.sessions) {
        return "the sum of --stuck and --never-started must not exceed --sessions";
    }
    if (population.arriving_stuck_share + population.arriving_never_started_share > 1.0) {
        return "the sum of --stuck-share and --never-started-share must not exceed 1";
    }
    if (!faults.empty()) {
        if (auto refusal = apply_json(plan.settings.faults, faults)) {
            return "--faults: " + *refusal;
        }
    }
    return std::nullopt;
}

} // namespace

std::variant<run_plan, early_exit> read_command_line(int argc, const char* const* argv) {
    run_plan plan;
    plan.settings.rate_limit = event_rate{6'000'000, std::chrono::minutes{1}};
    arrival_plan arrivals{true, 0};
    std::string faults;
    webhook_flags webhooks;
    CLI::App app{
        "Simulated Kallglot API: sessions with a life of their own, over TLS, with faults on "
        "demand.",
        "kallglot_simulator"};
    app.set_version_flag("--version", "kallglot_simulator " KALLGLOT_SIMULATOR_VERSION);
    add_place_flags(app, plan);
    add_population_flags(app, plan.settings.population, arrivals);
    add_life_flags(app, plan.settings.population.life);
    add_trouble_flags(app, plan.settings, faults);
    add_webhook_flags(app, webhooks);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return early_exit{0, app.help()};
    } catch (const CLI::CallForVersion& version) {
        return early_exit{0, std::string(version.what()) + "\n"};
    } catch (const CLI::Error& error) {
        return early_exit{2, std::string("kallglot_simulator: ") + error.what() + "\n"};
    }
    if (const auto refusal = complete(plan, arrivals, faults)) {
        return early_exit{2, "kallglot_simulator: " + *refusal + "\n"};
    }
    if (const auto refusal = complete_webhooks(plan, webhooks)) {
        return early_exit{2, "kallglot_simulator: " + *refusal + "\n"};
    }
    return plan;
}

} // namespace kallglot::simulator
