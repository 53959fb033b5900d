#include "support/postgres_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace kallglot::test {

namespace {

namespace fs = std::filesystem;

// The programs of the newest version that is installed; empty if there is none.
std::string programs() {
    std::vector<std::string> found;
    std::error_code none;
    for (const fs::directory_entry& each : fs::directory_iterator("/usr/lib/postgresql", none)) {
        if (fs::exists(each.path() / "bin/initdb")) {
            found.push_back((each.path() / "bin").string());
        }
    }
    return found.empty() ? std::string() : *std::ranges::max_element(found);
}

// The user that the package makes.
const passwd* unprivileged() {
    return ::getpwnam("postgres");
}

std::uint16_t free_port() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    const bool bound =
        ::bind(listener, generic, size) == 0 && ::getsockname(listener, generic, &size) == 0;
    ::close(listener);
    return bound ? ntohs(address.sin_port) : std::uint16_t{0};
}

void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) {
        throw std::runtime_error("failed: " + command);
    }
}

struct close_file {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

} // namespace

std::string postgres_server::missing() {
    if (programs().empty()) {
        return "no initdb below /usr/lib/postgresql: install Debian's postgresql";
    }
    return ::geteuid() == 0 && unprivileged() == nullptr ? "no user postgres to run it as"
                                                         : std::string();
}

// The first port may be taken by another process before the server has it.
postgres_server::postgres_server(const std::vector<std::string>& settings) {
    prepare(settings);
    constexpr int attempts = 5;
    for (int i = 0; process_ < 0 && i < attempts; ++i) {
        start();
    }
    if (process_ < 0) {
        throw std::runtime_error("the server does not start");
    }
    static_cast<void>(ask("CREATE ROLE kallglot LOGIN PASSWORD '" + password() + "'"));
    static_cast<void>(ask("CREATE ROLE certified LOGIN"));
    static_cast<void>(ask("CREATE DATABASE kallglot OWNER kallglot"));
}

postgres_server::~postgres_server() {
    stop();
}

std::string postgres_server::as_user(const std::string& command) {
    const std::string user =
        ::geteuid() == 0 ? " --reuid=postgres --regid=postgres --clear-groups" : "";
    return "setpriv --pdeathsig=KILL" + user + " " + programs() + "/" + command;
}

void postgres_server::prepare(const std::vector<std::string>& settings) {
    if (::geteuid() == 0) {
        fs::permissions(folder_.path(),
                        fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
        if (::chown(folder_.path().c_str(), unprivileged()->pw_uid, unprivileged()->pw_gid) != 0) {
            throw std::runtime_error("cannot give the folder away");
        }
    }
    run("cd / && "
        + as_user("initdb --no-sync --no-locale -E UTF8 -U superuser -A trust -D " + folder()
                  + "/data >/dev/null 2>&1"));
    const std::string data = folder() + "/data";
    const identity server = certificates_.good();
    std::string conf = "fsync = off\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '" + folder()
                       + "'\nssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\nssl_ca_file = 'ca.crt'\n";
    for (const std::string& each : settings) {
        conf += each + '\n';
    }
    const std::string hba =
        "local all all trust\n"
        "hostssl all certified 127.0.0.1/32 cert\n"
        "host all kallglot 127.0.0.1/32 scram-sha-256\n";
    for (const auto& [name, text] :
         {std::pair<std::string, std::string>{"postgresql.auto.conf", conf},
          {"pg_hba.conf", hba},
          {"server.crt", server.chain_pem},
          {"server.key", server.private_key_pem},
          {"ca.crt", certificates_.authority().certificate_pem()}}) {
        const std::string path = folder_.file("data/" + name, text);
        fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
        if (::geteuid() == 0
            && ::chown(path.c_str(), unprivileged()->pw_uid, unprivileged()->pw_gid) != 0) {
            throw std::runtime_error("cannot give " + path + " away");
        }
    }
}

void postgres_server::start() {
    port_ = free_port();
    int log[2] = {-1, -1};
    if (::pipe2(log, O_CLOEXEC) != 0) {
        throw std::runtime_error("no pipe");
    }
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, log[1], STDERR_FILENO);
    std::string command =
        "cd / && exec " + as_user("postgres -D " + folder() + "/data -p " + std::to_string(port_));
    std::string shell = "sh";
    std::string option = "-c";
    char* const arguments[] = {shell.data(), option.data(), command.data(), nullptr};
    const bool started =
        ::posix_spawn(&process_, "/bin/sh", &files, nullptr, arguments, environ) == 0;
    ::posix_spawn_file_actions_destroy(&files);
    ::close(log[1]);
    // The log says when it is ready; it ends when the server does.
    const std::unique_ptr<std::FILE, close_file> lines(::fdopen(log[0], "r"));
    std::string seen;
    for (int next = std::fgetc(lines.get()); started && next != EOF;
         next = std::fgetc(lines.get())) {
        seen.push_back(static_cast<char>(next));
        if (seen.ends_with("database system is ready to accept connections")) {
            return;
        }
    }
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
}

std::string postgres_server::ask(const std::string& sql, const std::string& database) const {
    const std::string where = "host=" + folder() + " port=" + std::to_string(port_)
                              + " user=superuser dbname=" + database
                              + " passfile=/dev/null/none options=-cclient_min_messages=warning";
    const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(where.c_str()),
                                                                  PQfinish);
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection.get(), sql.c_str()),
        PQclear);
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_TUPLES_OK && PQntuples(result.get()) > 0) {
        return PQgetvalue(result.get(), 0, 0);
    }
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
               ? std::string()
               : PQerrorMessage(connection.get());
}

bool postgres_server::wait_until(const std::string& sql,
                                 const std::string& answer,
                                 const std::string& database) const {
    constexpr int attempts = 10'000;
    for (int i = 0; i < attempts; ++i) {
        if (ask(sql, database) == answer) {
            return true;
        }
    }
    return false;
}

void postgres_server::stop() {
    if (process_ > 0) {
        ::kill(process_, SIGINT);
        ::waitpid(process_, nullptr, 0);
        process_ = -1;
    }
}

} // namespace kallglot::test
