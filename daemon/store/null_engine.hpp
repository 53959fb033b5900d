/// The engine of a trial run (`store.path: ":memory:"`): persists nothing, and reports every commit as a success.

#ifndef KALLGLOT_STORE_NULL_ENGINE_HPP
#define KALLGLOT_STORE_NULL_ENGINE_HPP

#include "kallglot/ports/store_engine.hpp"

namespace kallglot {

/// Worker only.
class null_engine final : public store_engine {
public:
    [[nodiscard]] std::string name() const override { return ":memory:"; }

    [[nodiscard]] bool is_persistent() const noexcept override { return false; }

    [[nodiscard]] store_opening open(api_time wall, steady_time now) override {
        store_opening opening;
        // The number of the boot does not matter: no time of this process is read by another.
        opening.line = stored_timeline::begin(wall, now, 0);
        opening.secret = random_hash_key();
        return opening;
    }

    [[nodiscard]] store_fault read(const std::string&,
                                   std::int64_t,
                                   std::vector<stored_session>&) override {
        return {};
    }

    [[nodiscard]] store_fault read_keys(std::vector<remembered_row>&) override { return {}; }

    [[nodiscard]] store_fault read_episodes(std::vector<stored_episode>&) override { return {}; }

    [[nodiscard]] commit_outcome commit(
        const std::vector<std::shared_ptr<const change_group>>&) override {
        return {};
    }

    [[nodiscard]] store_fault checkpoint() override { return {}; }

    [[nodiscard]] store_fault begin_rewrite(const time_mark&, bool) override { return {}; }

    [[nodiscard]] store_fault append(const std::vector<stored_session>&) override { return {}; }

    [[nodiscard]] store_fault append(const std::vector<remembered_row>&) override { return {}; }

    [[nodiscard]] store_fault append(const std::vector<stored_episode>&) override { return {}; }

    [[nodiscard]] store_fault finish_rewrite() override { return {}; }

    [[nodiscard]] store_fault close(const time_mark&) override { return {}; }
};

} // namespace kallglot

#endif
