// A pg_session and its server on one Unix socket, in one thread, without a loop: each side acts when the test says so.

#ifndef KALLGLOT_TEST_STORE_PG_SESSION_FIXTURE_HPP
#define KALLGLOT_TEST_STORE_PG_SESSION_FIXTURE_HPP

#include "store/postgresql/pg_session.hpp"
#include "support/postgres_messages.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace kallglot::test {

class PgSession : public ::testing::Test {
protected:
    PgSession() {
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::snprintf(address.sun_path,
                      sizeof(address.sun_path),
                      "%s/.s.PGSQL.5432",
                      folder_.path().c_str());
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        EXPECT_EQ(::listen(listener_, 8), 0);
    }

    ~PgSession() override {
        hang_up();
        ::close(listener_);
    }

    /// The login: no TLS, since the socket is local, and a password that must not appear anywhere.
    [[nodiscard]] static pg_login login() {
        pg_login made;
        made.tls = false;
        made.password = secret("a-password-of-thirty-nine-characters-kg");
        return made;
    }

    /// Starts to connect, and accepts.
    void connect() {
        session_ = std::make_unique<pg_session>();
        const pg_keywords keywords(login(), {folder_.path().string(), {}, 5432});
        step_ = session_->start(pg_environment::clear(), keywords);
        if (step_ != pg_step::done) {
            hang_up();
            peer_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        }
    }

    /// Connects, logs in, passes the check.
    void open() {
        connect();
        advance();
        say(postgres::welcome());
        advance();
        say(postgres::checked());
        advance();
        ASSERT_EQ(step_, pg_step::done);
        ASSERT_TRUE(session_->is_idle()) << describe(session_->fault().kind);
        static_cast<void>(heard());
    }

    /// Lets the machine go on as long as what it waits for is there; a number of steps bounds a machine that never waits.
    void advance() {
        for (int steps = 0; step_ != pg_step::done && is_ready(); ++steps) {
            ASSERT_LT(steps, max_steps) << "the machine neither waits nor ends";
            step_ = session_->go_on();
        }
    }

    void say(std::string_view bytes) const {
        // MSG_NOSIGNAL: the session may have gone already.
        static_cast<void>(::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    }

    void hang_up() {
        if (peer_ >= 0) {
            ::close(peer_);
            peer_ = -1;
        }
    }

    /// What the session has sent since the last call.
    [[nodiscard]] std::string heard() const {
        std::string all;
        std::array<char, 65536> buffer{};
        for (ssize_t size = 1; size > 0;) {
            size = ::recv(peer_, buffer.data(), buffer.size(), MSG_DONTWAIT);
            all.append(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
        }
        return all;
    }

    static constexpr int max_steps = 100'000;

    temporary_folder folder_;
    std::unique_ptr<pg_session> session_;
    pg_step step_ = pg_step::done;
    int listener_ = -1;
    int peer_ = -1;

private:
    [[nodiscard]] bool is_ready() const {
        pollfd wait{};
        wait.fd = session_->socket();
        wait.events = static_cast<short>((step_ != pg_step::wait_write ? POLLIN : 0)
                                         | (step_ != pg_step::wait_read ? POLLOUT : 0));
        return ::poll(&wait, 1, 0) == 1;
    }
};

} // namespace kallglot::test

#endif
