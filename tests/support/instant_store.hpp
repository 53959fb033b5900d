/// A session store without a worker: every change is durable at once, and nothing is kept. For tests of what is in front of
/// a store and not of the store.

#ifndef KALLGLOT_TESTS_SUPPORT_INSTANT_STORE_HPP
#define KALLGLOT_TESTS_SUPPORT_INSTANT_STORE_HPP

#include "kallglot/ports/session_store.hpp"

namespace kallglot::test {

class instant_store final : public session_store {
public:
    [[nodiscard]] bool accepting() const override { return true; }

    [[nodiscard]] bool has_room() const override { return true; }

    commit_ticket add(const session_id&, const session_record&) override {
        return commit_ticket::durable;
    }

    commit_ticket change(const session_id&, const session_record&) override {
        return commit_ticket::durable;
    }

    void note(const session_id&, const session_record&) override {}

    commit_ticket forget(const session_id&, std::optional<remembered_kind>) override {
        return commit_ticket::durable;
    }

    commit_ticket remember_event(const remembered_key&, const session_id&) override {
        return commit_ticket::durable;
    }

    void note_episode(const stuck_episode&) override {}

    void forget_episode(episode_number) override {}

    [[nodiscard]] commit_ticket pending(const session_id&) const override {
        return commit_ticket::durable;
    }

    [[nodiscard]] task<error_code> committed(commit_ticket) override { co_return error_code{}; }
};

} // namespace kallglot::test

#endif
