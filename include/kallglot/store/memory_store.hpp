/// The store of a trial run (`store.path: ":memory:"`): nothing is kept across restarts.
///
/// The registry holds the sessions already, so there is nothing to copy: each write is "committed" at once.

#ifndef KALLGLOT_STORE_MEMORY_STORE_HPP
#define KALLGLOT_STORE_MEMORY_STORE_HPP

#include "kallglot/ports/session_store.hpp"

namespace kallglot {

class memory_store final : public session_store {
public:
    commit_ticket add(const session_id& id, session_source source) override;
    commit_ticket forget(const session_id& id) override;
    task<error_code> committed(commit_ticket ticket) override;

private:
    std::uint64_t last_ticket_ = 0;
};

} // namespace kallglot

#endif
