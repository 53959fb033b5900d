#include "pg_connection_fixture.hpp"

#include <map>
#include <utility>

namespace kallglot::test {
namespace {

using namespace postgres;
using what = peer_step::kind;

// Names of the test, without a DNS. `held` never answers.
class names final : public address_lookup {
public:
    explicit names(loop_executor executor) : never_(executor, steady_timer::time_point::max()) {}

    task<result<std::vector<std::string>>> addresses_of(std::string host) override {
        if (host == "held.example") {
            co_await never_.async_wait(as_tuple);
            co_return errc::cancelled;
        }
        const auto found = known.find(host);
        if (found == known.end()) {
            co_return errc::name_not_resolved;
        }
        co_return found->second;
    }

    std::map<std::string, std::vector<std::string>> known{{"localhost", {"127.0.0.1"}}};

private:
    steady_timer never_;
};

class PgOpening : public PgConnection {
protected:
    pg_opening& make(milliseconds head_start = std::chrono::hours(1)) {
        pg_opening_limits limits;
        limits.head_start = head_start;
        limits.each = std::chrono::hours(24);
        limits.all = all_;
        opening_ = std::make_unique<pg_opening>(loop_.executor(),
                                                *workers_,
                                                names_,
                                                environment_,
                                                limits,
                                                loop::failure());
        return *opening_;
    }

    task<> open_into(std::vector<pg_host> hosts, pg_fault* fault) {
        *fault = co_await opening_->open(std::move(hosts), login_);
    }

    [[nodiscard]] pg_fault open_first_of(std::vector<pg_host> hosts) {
        pg_fault fault;
        EXPECT_TRUE(loop_.run(open_into(std::move(hosts), &fault)));
        return fault;
    }

    [[nodiscard]] pg_host here() const { return {"localhost", peer_->port()}; }

    names names_{loop_.executor()};
    steady_duration all_ = std::chrono::hours(24);
    std::unique_ptr<pg_opening> opening_;
};

peer_script standby() {
    peer_script script;
    script.steps = {{what::send, welcome()},
                    {what::await_message, "S"},
                    {what::send, checked(false, "on")}};
    return script;
}

TEST_F(PgOpening, GoesOnFromAStandbyToThePrimary) {
    serve({standby(), opened_then({})});
    make();
    EXPECT_FALSE(open_first_of({here(), here()}));
    EXPECT_EQ(opening_->host(), 1U);
    const auto connection = opening_->take();
    ASSERT_NE(connection, nullptr);
    EXPECT_TRUE(connection->is_open());
}

TEST_F(PgOpening, AHostThatIsSilentIsOvertaken) {
    peer_script silent;
    silent.stall = true;
    serve({silent, opened_then({})});
    make(milliseconds(0));
    EXPECT_FALSE(open_first_of({here(), here()}));
    // Which of the two reached the silent server is open. That one is closed: finish() waits for it.
    EXPECT_NE(opening_->take(), nullptr);
}

TEST_F(PgOpening, ANameThatTheDnsDoesNotAnswerHoldsUpNothing) {
    serve({opened_then({})});
    make();
    EXPECT_FALSE(open_first_of({{"held.example", 5432}, {"unknown.example", 5432}, here()}));
    EXPECT_EQ(opening_->host(), 2U);
}

TEST_F(PgOpening, ReportsTheFaultThatSaysMost) {
    peer_script refusing;
    refusing.steps = {{what::send, error({.severity = "FATAL", .code = "28P01"})}};
    serve({refusing, standby()});
    make();
    const pg_fault fault = open_first_of({{"unknown.example", 5432}, here(), here()});
    EXPECT_EQ(fault.kind, pg_fault_kind::login_refused);
    EXPECT_EQ(fault.sqlstate.text(), "28P01");
    EXPECT_EQ(opening_->host(), 1U);
    EXPECT_EQ(opening_->take(), nullptr);
}

TEST_F(PgOpening, EndsAtItsLimit) {
    peer_script silent;
    silent.stall = true;
    serve({silent});
    all_ = milliseconds(50);
    make();
    EXPECT_EQ(open_first_of({here(), {"held.example", 5432}}).kind, pg_fault_kind::overdue);
}

TEST_F(PgOpening, ACancelledOpeningLeavesNothing) {
    peer_script silent;
    silent.stall = true;
    serve({silent});
    make(milliseconds(0));
    pg_fault fault;
    cancel_when(open_into({here(), here(), {"held.example", 5432}}, &fault),
                [&] { return peer_->connections().size() == 2; });
    EXPECT_EQ(fault.kind, pg_fault_kind::cancelled);
    EXPECT_EQ(opening_->take(), nullptr);
    EXPECT_TRUE(loop_.run_until([&] { return peer_->deserted(); }));
}

} // namespace
} // namespace kallglot::test
