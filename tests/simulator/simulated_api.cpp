#include "simulator/simulated_api.hpp"

#include <utility>

namespace kallglot::simulator {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// How often new sessions are reported; this is also the maximum delay of a report.
constexpr std::chrono::milliseconds arrival_step{100};

// Pause after a failed accept: without descriptors each accept fails at once.
constexpr std::chrono::milliseconds accept_pause_time{100};

simulated_api_settings completed(simulated_api_settings settings) {
    if (!settings.now) {
        settings.now = [] {
            return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
        };
    }
    if (settings.key.empty()) {
        settings.key = default_key(settings.population.life.seed);
    }
    return settings;
}

api_state make_state(const simulated_api_settings& settings) {
    return api_state{population(settings.population, settings.now()),
                     settings.faults,
                     settings.rate_limit ? rate_limiter(*settings.rate_limit, settings.foreign_rate)
                                         : rate_limiter(),
                     request_stats{},
                     settings.key};
}

} // namespace

std::string default_key(std::uint64_t seed) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string key = "sk_test_CANARY";
    std::uint64_t word = scatter(seed ^ 0x6b65'7900ULL);
    for (int place = 0; place < 16; ++place, word >>= 4U) {
        key += digits[word & 15U];
    }
    return key;
}

simulated_api::simulated_api(asio::io_context& context, simulated_api_settings settings)
    : settings_(completed(std::move(settings))),
      state_(make_state(settings_)),
      api_(state_, settings_.population.life.seed),
      control_(state_, [this](const std::vector<std::string>& ids) { announce(ids); }),
      acceptor_(context),
      accept_pause_(context),
      wake_timer_(context),
      arrival_timer_(context) {
    if (settings_.webhooks) {
        webhooks_.emplace(context, *settings_.webhooks, state_, settings_.now);
    }
    if (settings_.plaintext) {
        return;
    }
    if (!settings_.identity) {
        const test::certificate_authority authority{"Kallglot rehearsal authority"};
        authority_pem_ = authority.certificate_pem();
        settings_.identity = authority.issue(test::certificate_wish{});
    }
    identity_ = std::make_unique<tls_identity>(
        *settings_.identity,
        settings_.resumption,
        [this](std::string_view offered) {
            const alpn_plan& plan = state_.faults.alpn;
            return select_protocol(plan.accepted.empty() ? settings_.alpn : plan.accepted,
                                   plan.forced,
                                   offered);
        });
}

simulated_api::~simulated_api() = default;

boost::system::error_code simulated_api::start() {
    boost::system::error_code error;
    acceptor_.open(settings_.address.protocol(), error);
    if (!error) {
        acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    }
    if (!error) {
        acceptor_.bind(settings_.address, error);
    }
    if (!error) {
        acceptor_.listen(asio::socket_base::max_listen_connections, error);
    }
    if (!error) {
        endpoint_ = acceptor_.local_endpoint(error);
    }
    if (error) {
        return error;
    }
    accept_next();
    if (webhooks_) {
        const system_time now = settings_.now();
        state_.sessions.for_each(now, [&](const session_life& life) { webhooks_->add(life, now); });
        webhooks_->start();
    }
    if (state_.sessions.arrivals_per_second() > 0) {
        announce_arrivals();
    }
    return {};
}

void simulated_api::stop() {
    if (std::exchange(stopped_, true)) {
        return;
    }
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    accept_pause_.cancel();
    wake_timer_.cancel();
    if (webhooks_) {
        webhooks_->stop();
    }
    arrival_timer_.cancel();
    for (client& each : clients_) {
        if (each.link) {
            each.link->close();
        }
    }
}

std::string simulated_api::authority() const {
    const std::string host = endpoint_.address().to_string();
    return (endpoint_.address().is_v6() ? "[" + host + "]" : host) + ":"
           + std::to_string(endpoint_.port());
}

std::string simulated_api::base_url() const {
    return (settings_.plaintext ? "http://" : "https://") + authority() + "/v1";
}

std::vector<std::string> simulated_api::standing_ids() const {
    std::vector<std::string> ids;
    ids.reserve(settings_.population.sessions);
    for (std::uint64_t number = 0; number < settings_.population.sessions; ++number) {
        ids.push_back(state_.sessions.id_of(number));
    }
    return ids;
}

void simulated_api::accept_next() {
    acceptor_.async_accept([this](const boost::system::error_code& error, client_socket socket) {
        if (stopped_) {
            return;
        }
        if (error) {
            pause_accepting();
            return;
        }
        admit(std::move(socket));
        accept_next();
    });
}

void simulated_api::pause_accepting() {
    accept_pause_.expires_after(accept_pause_time);
    accept_pause_.async_wait([this](const boost::system::error_code&) {
        if (!stopped_) {
            accept_next();
        }
    });
}

void simulated_api::admit(client_socket socket) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<std::uint32_t>(clients_.size()));
        clients_.emplace_back();
    }
    const std::uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    client& home = clients_[slot];
    home.link = std::make_unique<connection>(static_cast<connection_host&>(*this),
                                             std::move(socket),
                                             identity_.get(),
                                             slot);
    state_.stats.connection_opened();
    home.link->start();
}

void simulated_api::release(std::uint32_t slot) {
    client& home = clients_[slot];
    home.link.reset();
    ++home.generation;
    free_slots_.push_back(slot);
    state_.stats.connection_closed();
}

request_host::verdict simulated_api::answer(const http_request& request,
                                            const request_origin& origin,
                                            http_answer& out) {
    const system_time now = settings_.now();
    if (is_control_path(request.path) && origin.from_this_machine) {
        control_.answer(request, now, out);
        if (request.path == "/_faults" && request.method == "POST") {
            announce_switches();
        }
        return verdict{};
    }
    state_.stats.request_begun(now);
    verdict made;
    api_.answer(request, now, origin, out);
    made.delay = latency();
    made.delay += out.wire == fault::late ? state_.faults.late_by : std::chrono::milliseconds{0};
    made.counted = true;
    return made;
}

// Open connections look at the switches when they are woken; not from within this request.
void simulated_api::announce_switches() {
    const moment now = std::chrono::steady_clock::now();
    for (std::uint32_t slot = 0; slot < clients_.size(); ++slot) {
        if (clients_[slot].link) {
            wake(slot, now);
        }
    }
}

std::chrono::milliseconds simulated_api::latency() {
    const fault_plan& plan = state_.faults;
    if (plan.jitter.count() == 0) {
        return plan.latency;
    }
    const std::uint64_t draw = scatter(settings_.population.life.seed ^ scatter(++latency_draws_));
    const auto width = static_cast<std::uint64_t>(plan.jitter.count()) + 1;
    return plan.latency + std::chrono::milliseconds{static_cast<std::int64_t>(draw % width)};
}

void simulated_api::handshake_over(bool good, bool resumed) {
    ++(good ? state_.stats.handshakes : state_.stats.handshakes_failed);
    state_.stats.handshakes_resumed += resumed ? 1 : 0;
}

void simulated_api::wake(std::uint32_t slot, moment when) {
    waiting_.add(delay_queue::entry{when, slot, clients_[slot].generation});
    if (!wake_armed_for_ || when < *wake_armed_for_) {
        arm_wake_timer();
    }
}

void simulated_api::arm_wake_timer() {
    wake_armed_for_ = waiting_.next();
    if (!wake_armed_for_ || stopped_) {
        return;
    }
    wake_timer_.expires_at(*wake_armed_for_);
    wake_timer_.async_wait([this](const boost::system::error_code& error) {
        // The timer was set again for an earlier moment, or stopped.
        if (!error && !stopped_) {
            wake_due();
        }
    });
}

void simulated_api::wake_due() {
    const auto now = std::chrono::steady_clock::now();
    while (const auto entry = waiting_.take_due(now)) {
        client& home = clients_[entry->slot];
        if (home.link && home.generation == entry->generation) {
            home.link->due();
        }
    }
    arm_wake_timer();
}

void simulated_api::announce(const std::vector<std::string>& ids) {
    if (settings_.on_new_sessions) {
        settings_.on_new_sessions(ids);
    }
    if (webhooks_) {
        const system_time now = settings_.now();
        for (const std::string& id : ids) {
            // The event of its creation is sent too, although that was up to one step ago.
            if (const auto life = state_.sessions.find(id, now)) {
                webhooks_->add(*life, life->created_at - std::chrono::milliseconds{1});
            }
        }
    }
}

void simulated_api::announce_arrivals() {
    const std::vector<std::string> ids = state_.sessions.take_arrived(settings_.now());
    if (!ids.empty()) {
        announce(ids);
    }
    arrival_timer_.expires_after(arrival_step);
    arrival_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !stopped_) {
            announce_arrivals();
        }
    });
}

} // namespace kallglot::simulator
