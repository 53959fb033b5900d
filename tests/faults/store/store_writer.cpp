// Registers ids in a store and prints which of them are durable; or lists what a store contains.
//
//   store_writer run <path> <count>   "ack N" once the N-th id is durable; "going N" before one is forgotten, "gone N"
//                                     once that is durable; "key K" once that remembered key is. Ids that could not
//                                     be stored are added again. It ends after <count> ids, or 300 ids after a fault.
//   store_writer list <path>          "id N" for each stored id, "key K" for each remembered key, "damaged" if the file
//                                     was damaged
//
// The sweep beside it kills it, cuts its power and fails its system calls, and then compares.

#include "kallglot/store/durable_store.hpp"
#include "store/sqlite/sqlite_engine.hpp"

#include <unistd.h>

#include <charconv>
#include <concepts>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace kallglot::test {
namespace {

/// The real clocks: the sweep needs no virtual time.
class machine_clock final : public clock {
public:
    explicit machine_clock(loop_executor loop) : loop_(std::move(loop)) {}

    [[nodiscard]] steady_time now() const override { return std::chrono::steady_clock::now(); }

    [[nodiscard]] api_time wall_now() const override {
        return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
    }

    [[nodiscard]] std::unique_ptr<wake_timer> make_timer(void (*callback)(void*),
                                                         void* context) override {
        return std::make_unique<timer>(loop_, callback, context);
    }

private:
    class timer final : public wake_timer {
    public:
        timer(const loop_executor& loop, void (*callback)(void*), void* context)
            : timer_(loop),
              callback_(callback),
              context_(context) {}

        void wake_at(steady_time when) override {
            timer_.expires_at(when);
            timer_.async_wait([this](const error_code& error) {
                if (!error) {
                    callback_(context_);
                }
            });
        }

        void cancel() override { timer_.cancel(); }

    private:
        steady_timer timer_;
        void (*callback_)(void*);
        void* context_;
    };

    loop_executor loop_;
};

constexpr std::string_view prefix = "sess_7Yb3nQ4kTz9VxL2mW8cR5dJ_";

session_id id_of(int number) {
    return session_id::parse(std::string(prefix) + std::to_string(number)).value();
}

int number_of(const session_id& id) {
    int number = -1;
    const std::string_view digits = id.view().substr(prefix.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

/// One write call and no buffer, so that a kill loses no line that was printed.
void say(const char* what, std::integral auto number) {
    const std::string line = std::string(what) + " " + std::to_string(number) + "\n";
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) {
        std::_Exit(3);
    }
}

/// How many ids are registered after a fault, to see that the store works again.
constexpr int after_a_fault = 300;

/// Owner of the sessions, as intake is in the daemon.
class writer final : public store_owner, public store_reader {
public:
    writer(asio::io_context& loop, std::string path)
        : loop_(loop.get_executor()),
          clock_(loop_),
          store_(loop_,
                 clock_,
                 log_,
                 std::make_shared<sqlite_engine>(std::move(path)),
                 small_limits(),
                 on_bug),
          tasks_(loop_, on_bug),
          retry_(loop_) {}

    task<> list() {
        const error_code error = co_await open();
        if (!error) {
            for (const auto& [id, record] : sessions_) {
                say("id", number_of(id));
            }
            std::uint64_t cursor = 0;
            std::vector<remembered_entry> keys;
            remembered_.list(cursor, remembered_.size(), keys);
            for (const remembered_entry& entry : keys) {
                say("key", entry.key.low);
            }
            if (store_.opening().damage) {
                say("damaged", 0);
            }
        }
    }

    task<> run(int count) {
        const error_code error = co_await open();
        if (error) {
            co_return;
        }
        store_.start(*this);
        // Single ids and imports at the same time, so that both lanes of the queue are used.
        last_ = next_ + count;
        for (int i = 0; i < 4; ++i) {
            tasks_.spawn("single", register_singly());
        }
        tasks_.spawn("bulk", register_in_bulk());
        co_await tasks_.join();
        const error_code closed = co_await store_.close();
        if (closed) {
            std::_Exit(4);
        }
    }

    void on_not_stored(std::span<const session_id> ids) override {
        for (const session_id& id : ids) {
            sessions_.erase(id);
        }
    }

    void on_store_unusable(const std::string& reason) override {
        std::fprintf(stderr, "unusable: %s\n", reason.c_str());
        last_ = std::min(last_, next_ + after_a_fault);
    }

    void on_store_usable() override { std::fprintf(stderr, "usable\n"); }

    bool list_sessions(std::uint64_t& cursor,
                       std::size_t limit,
                       std::vector<kept_session>& rows) override {
        auto at = cursor == 0 ? sessions_.begin() : sessions_.upper_bound(cursor_id_);
        for (; at != sessions_.end() && rows.size() < limit; ++at) {
            rows.push_back({at->first, at->second});
            cursor_id_ = at->first;
            cursor = 1;
        }
        return at != sessions_.end();
    }

    bool list_remembered(std::uint64_t& cursor,
                         std::size_t limit,
                         std::vector<remembered_entry>& entries) override {
        return remembered_.list(cursor, limit, entries);
    }

    bool list_episodes(std::uint64_t&, std::size_t, std::vector<stuck_episode>&) override {
        return false;
    }

    void on_episodes(std::span<const stuck_episode>) override {}

    void on_sessions(std::span<const kept_session> rows) override {
        for (const kept_session& row : rows) {
            sessions_.insert_or_assign(row.id, row.record);
            next_ = std::max(next_, number_of(row.id) + 1);
        }
    }

    void on_secret(const hash_key& secret) override { secret_ = secret; }

    void on_remembered(std::span<const remembered_entry> entries) override {
        for (const remembered_entry& entry : entries) {
            remembered_.add(entry);
        }
    }

private:
    /// Frequent checkpoints, so that a sweep hits them too.
    static store_limits small_limits() {
        store_limits limits;
        limits.bulk = 64;
        limits.log_pages = 20;
        limits.retry = seconds(1);
        return limits;
    }

    static void on_bug(const std::string& name, const std::string& what) {
        std::fprintf(stderr, "%s: %s\n", name.c_str(), what.c_str());
        std::_Exit(5);
    }

    task<error_code> open() {
        error_code error = co_await store_.open();
        if (!error) {
            error = co_await store_.restore(*this);
        }
        if (error) {
            std::fprintf(stderr, "not opened: %s\n", store_.opening().fault.text.c_str());
        }
        co_return error;
    }

    session_record make(bool bulk) {
        session_record record;
        record.since = clock_.now();
        record.sources = 2;
        record.bulk = bulk;
        return record;
    }

    commit_ticket add(int number, bool bulk) {
        const session_record record = make(bulk);
        sessions_.insert_or_assign(id_of(number), record);
        return store_.add(id_of(number), record);
    }

    task<> pause() {
        retry_.expires_after(milliseconds(20));
        co_await retry_.async_wait(as_tuple);
    }

    task<> register_singly() {
        // Like a webhook: the id and the key of its event, acknowledged together.
        while (next_ < last_) {
            const int number = next_++;
            const remembered_key key = key_of_event(secret_, "evt_" + std::to_string(number));
            // Until both are durable, as a sender that repeats a rejected delivery.
            for (;;) {
                remembered_.add({key, clock_.now(), remembered_kind::event});
                const commit_ticket added = add(number, false);
                const commit_ticket last =
                    std::max(added, store_.remember_event(key, id_of(number)));
                const error_code error = co_await store_.committed(last);
                if (!error) {
                    break;
                }
                remembered_.erase(key, clock_.now());
                co_await pause();
            }
            say("ack", number);
            say("key", key.low);
            if (number % 10 == 0) {
                co_await change_and_forget(number);
            }
        }
    }

    task<> change_and_forget(int number) {
        session_record changed = make(false);
        changed.status = session_status::active;
        store_.note(id_of(number), changed);
        // Before the removal: after a kill the id may or may not be there.
        say("going", number);
        sessions_.erase(id_of(number));
        const remembered_key key = key_of_session(secret_, id_of(number).view());
        remembered_.add({key, clock_.now(), remembered_kind::ended});
        const commit_ticket ticket = store_.forget(id_of(number), remembered_kind::ended);
        const error_code error = co_await store_.committed(ticket);
        if (!error) {
            say("gone", number);
            say("key", key.low);
        }
    }

    task<> register_in_bulk() {
        while (next_ < last_) {
            const int first = next_;
            next_ += 200;
            for (;;) {
                commit_ticket last = commit_ticket::durable;
                for (int i = 0; i < 200; ++i) {
                    last = std::max(last, add(first + i, true));
                }
                const error_code error = co_await store_.committed(last);
                if (!error) {
                    break;
                }
                co_await pause();
            }
            for (int i = 0; i < 200; ++i) {
                say("ack", first + i);
            }
            co_await pause();
        }
    }

    loop_executor loop_;
    machine_clock clock_;
    null_logger log_;
    durable_store store_;
    task_group tasks_;
    steady_timer retry_;
    std::map<session_id, session_record> sessions_;
    remembered_keys remembered_;
    hash_key secret_; ///< of their keys
    session_id cursor_id_ = id_of(0);
    int next_ = 1;
    int last_ = 0;
};

} // namespace
} // namespace kallglot::test

int main(int argc, char** argv) {
    using namespace kallglot;
    const std::string_view what = argc > 2 ? argv[1] : "";
    if (what != "run" && what != "list") {
        std::fprintf(stderr, "usage: store_writer run <path> <count> | list <path>\n");
        return 2;
    }
    asio::io_context loop(1);
    test::writer writer(loop, argv[2]);
    task_group group(loop.get_executor(), [](const std::string&, const std::string& error) {
        std::fprintf(stderr, "%s\n", error.c_str());
    });
    group.spawn("main",
                what == "run" ? writer.run(argc > 3 ? std::atoi(argv[3]) : 1000) : writer.list());
    loop.run();
    return 0;
}
