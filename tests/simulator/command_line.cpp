#include "simulator/command_line.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <fstream>
#include <string_view>
#include <utility>

namespace kallglot::simulator {

namespace {

// A flag whose text `read` turns into a value; nothing means that the text is wrong.
template <class Target, class Read>
void add_text(CLI::App& app,
              const std::string& name,
              Target& target,
              Read read,
              const std::string& help,
              const std::string& wanted) {
    app.add_option_function<std::string>(
           name,
           [&target, read, name, wanted](const std::string& text) {
               const auto value = read(text);
               if (!value) {
                   throw CLI::ValidationError(name, "\"" + text + "\" is not " + wanted);
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

// `none` is no limit, which is a value too: hence the optional in the optional.
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

void add_place_flags(CLI::App& app, run_plan& plan) {
    simulated_api_settings& settings = plan.settings;
    add_text(app,
             "--listen-address",
             settings.address,
             parse_address,
             "HOST:PORT, by number; port 0 picks one [127.0.0.1:0]",
             "an address such as 127.0.0.1:0");
    app.add_option("--state-dir",
                   plan.state_dir,
                   "Folder for ca.pem, api_key, sessions.txt, address");
    app.add_flag("--plaintext", settings.plaintext, "HTTP without TLS");
    app.add_flag("!--no-resumption",
                 settings.resumption,
                 "No session tickets: every handshake is a full one");
    app.add_option("--api-key", settings.key, "The key that is accepted [made from the seed]");
    add_text(app,
             "--max-runtime",
             plan.max_runtime,
             parse_duration,
             "Stops by itself after so long [0: never]",
             "a duration such as 30s");
}

void add_population_flags(CLI::App& app, population_settings& population, arrival_plan& arrivals) {
    const auto share = CLI::Range(0.0, 1.0);
    app.add_option("--sessions", population.sessions, "Sessions at the start")
        ->capture_default_str();
    app.add_option("--stuck", population.stuck, "So many of them are stuck in connecting")
        ->capture_default_str();
    app.add_option("--never-started",
                   population.never_started,
                   "So many of them never leave created")
        ->capture_default_str();
    add_text(app,
             "--arrival-rate",
             arrivals,
             parse_arrivals,
             "Such as 10/1s; auto keeps the number level, 0 lets it run down [auto]",
             "a rate such as 10/1s, auto or 0");
    app.add_option("--stuck-share", population.arriving_stuck_share, "Of those that arrive")
        ->check(share);
    app.add_option("--never-started-share",
                   population.arriving_never_started_share,
                   "Of those that arrive")
        ->check(share);
    app.add_option("--id-length", population.id_length, "Length of the ids")
        ->check(CLI::Range(session_id_codec::shortest_id, session_id_codec::longest_id))
        ->capture_default_str();
}

void add_life_flags(CLI::App& app, life_settings& life) {
    const auto share = CLI::Range(0.0, 1.0);
    const std::string wanted = "a range such as 1s-3s";
    app.add_option("--seed", life.seed, "Everything random follows from it")->capture_default_str();
    add_text(app,
             "--created",
             life.created,
             parse_duration_range,
             "Time in created [1s-3s]",
             wanted);
    add_text(app,
             "--connecting",
             life.connecting,
             parse_duration_range,
             "Time in connecting [1s-6s]",
             wanted);
    add_text(app, "--active", life.active, parse_duration_range, "Time in active [1m-5m]", wanted);
    add_text(app, "--ending", life.ending, parse_duration_range, "Time in ending [0s-2s]", wanted);
    add_text(app,
             "--held-age",
             life.held_age,
             parse_duration_range,
             "Age at the start of those stuck or never started [0s-2m]",
             wanted);
    app.add_option("--abandoned-share",
                   life.abandoned_share,
                   "Share that ends without ever having been active")
        ->check(share);
    app.add_option("--second-generation-share",
                   life.second_generation_share,
                   "Share shown in the newer JSON")
        ->check(share)
        ->capture_default_str();
    app.add_option("--new-without-connecting",
                   life.reduced_status_share,
                   "Share of the newer ones that show created, active and ended only")
        ->check(share);
}

void add_trouble_flags(CLI::App& app, simulated_api_settings& settings, std::string& faults) {
    add_text(app,
             "--rate-limit",
             settings.rate_limit,
             parse_limit,
             "Such as 600/1m; none sends no X-RateLimit fields [6000000/1m]",
             "a rate or none");
    add_text(app,
             "--foreign-rate",
             settings.foreign_rate,
             parse_rate,
             "What others take out of that budget, such as 5/1s",
             "a rate such as 5/1s");
    add_text(app,
             "--latency",
             settings.faults.latency,
             parse_duration,
             "Before each answer",
             "a duration such as 300ms");
    add_text(app,
             "--jitter",
             settings.faults.jitter,
             parse_duration,
             "Up to so much more",
             "a duration such as 50ms");
    app.add_option("--faults", faults, R"(As POST /_faults takes them: {"rate_limited":0.1})");
}

struct webhook_flags {
    std::string url;
    std::string secret_file;
    std::chrono::milliseconds first_retry{std::chrono::minutes{1}};
};

void add_webhook_flags(CLI::App& app, webhook_flags& flags) {
    app.add_option("--webhook-url",
                   flags.url,
                   "Sends webhooks there, such as http://127.0.0.1:9465/webhooks/kallglot");
    app.add_option("--webhook-secret-file", flags.secret_file, "What they are signed with");
    add_text(app,
             "--webhook-first-retry",
             flags.first_retry,
             parse_duration,
             "Delay before the second attempt; later ones wait 5, 30, 120... times as long [1m]",
             "a duration such as 1m");
}

std::optional<std::string> complete_webhooks(run_plan& plan, const webhook_flags& flags) {
    if (flags.url.empty() && flags.secret_file.empty()) {
        return std::nullopt;
    }
    webhook_settings webhooks{parse_webhook_url(flags.url), flags.first_retry};
    if (webhooks.target.host.empty()) {
        return "--webhook-url must be like http://127.0.0.1:9465/webhooks/kallglot";
    }
    std::ifstream file(flags.secret_file);
    std::getline(file, webhooks.target.secret);
    if (webhooks.target.secret.empty()) {
        return "--webhook-secret-file: no secret in \"" + flags.secret_file + "\"";
    }
    plan.settings.webhooks = std::move(webhooks);
    return std::nullopt;
}

// What no single flag can check.
std::optional<std::string> complete(run_plan& plan,
                                    const arrival_plan& arrivals,
                                    const std::string& faults) {
    population_settings& population = plan.settings.population;
    population.keep_level = arrivals.keep_level;
    population.arrivals_per_second = arrivals.per_second;
    if (population.stuck + population.never_started > population.sessions) {
        return "--stuck and --never-started together exceed --sessions";
    }
    if (population.arriving_stuck_share + population.arriving_never_started_share > 1.0) {
        return "--stuck-share and --never-started-share together exceed 1";
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
        "Rehearses the Kallglot API: sessions that live and end, over TLS, with faults on demand.",
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
