// The CPU time of one poll in the client alone, in a closed loop.
//
// Each of N connections sends the next GET as soon as it has its answer: with verification, parsing and deadlines,
// without schedule, registry and metrics. The server is a kallglot_simulator in another process on another core.
// Compare with wrk against the same server in the same minute.

#include "kallglot/async/worker_thread.hpp"
#include "kallglot/net/client/https_client.hpp"
#include "support/permit.hpp"

#include <sys/resource.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace kallglot {

namespace {

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    return text;
}

double processor_seconds() {
    timespec used{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

long resident_kib() {
    std::ifstream statm("/proc/self/statm");
    long total = 0;
    long resident = 0;
    statm >> total >> resident;
    return resident * 4;
}

class closed_loop : public api_listener {
public:
    closed_loop(https_client& client, std::vector<session_id> ids)
        : client_(client),
          ids_(std::move(ids)) {}

    void ask() {
        client_.get(request_permit_for_tests::make(),
                    {session_slot{0}, ids_[next_++ % ids_.size()]});
    }

    void on_answer(const api_answer& answer) override {
        ++answers;
        if (answer.http_status != 200) {
            ++others;
            last_error = answer.error;
            last_status = answer.http_status;
        }
        if (going) {
            ask();
        }
    }

    std::size_t answers = 0;
    std::size_t others = 0;
    int last_status = 0;
    error_code last_error;
    bool going = true;

private:
    https_client& client_;
    std::vector<session_id> ids_;
    std::size_t next_ = 0;
};

int run(const std::string& folder, std::size_t connections, int seconds_of_measuring) {
    asio::io_context context(1);
    worker_thread worker(context.get_executor(), "lookups");
    resolver names(worker);
    const long before = resident_kib();

    const std::string address = read_file(folder + "/address");
    api_settings settings;
    settings.base_url.host = "127.0.0.1";
    const std::size_t colon = address.rfind(':');
    const std::string port = address.substr(colon + 1);
    std::from_chars(port.data(), port.data() + port.size(), settings.base_url.port);
    settings.base_url.host_header = "127.0.0.1:" + port;
    settings.max_connections = connections;
    settings.max_requests_in_flight = connections;
    settings.connect_timeout = seconds(30);
    tls_client_options options;
    options.host = "127.0.0.1";
    options.ca_file = folder + "/ca.pem";
    const auto trust = tls_context::make_client(options);
    if (!trust) {
        std::fprintf(stderr, "%s\n", trust.error().message.c_str());
        return 1;
    }

    std::vector<session_id> ids;
    std::ifstream lines(folder + "/sessions.txt");
    for (std::string line; std::getline(lines, line);) {
        if (const auto id = session_id::parse(line)) {
            ids.push_back(*id);
        }
    }
    https_client client(context.get_executor(), names, {});
    closed_loop load(client, std::move(ids));
    client.set_listener(load);
    if (!client.configure(settings, *trust, secret(read_file(folder + "/api_key")), "poll_loop")) {
        return 1;
    }
    for (std::size_t i = 0; i < connections; ++i) {
        load.ask();
    }
    while (client.connections().opened_total < connections) {
        context.run_one();
    }
    context.run_for(seconds(1));

    const std::size_t answers = load.answers;
    const double used = processor_seconds();
    context.run_for(seconds(seconds_of_measuring));
    const double cost = processor_seconds() - used;
    const std::size_t made = load.answers - answers;

    load.going = false;
    context.run_for(milliseconds(500));
    const long after = resident_kib();
    std::printf(
        "connections %zu, answers %zu, other than 200: %zu (%d %s), per second %.0f, us a poll "
        "%.2f, "
        "KiB a connection %.1f, resumed %llu\n",
        connections,
        made,
        load.others,
        load.last_status,
        load.last_error.message().c_str(),
        static_cast<double>(made) / seconds_of_measuring,
        cost * 1e6 / static_cast<double>(made),
        static_cast<double>(after - before) / static_cast<double>(connections),
        static_cast<unsigned long long>(client.connections().tls_resumptions_total));
    client.cut();
    context.run();
    return 0;
}

} // namespace

} // namespace kallglot

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: poll_loop STATE_DIR CONNECTIONS SECONDS\n");
        return 2;
    }
    return kallglot::run(argv[1], std::stoul(argv[2]), std::stoi(argv[3]));
}
