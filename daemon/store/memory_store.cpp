#include "kallglot/store/memory_store.hpp"

namespace kallglot {

commit_ticket memory_store::add(const session_id&, session_source) {
    return commit_ticket{++last_ticket_};
}

commit_ticket memory_store::forget(const session_id&) {
    return commit_ticket{++last_ticket_};
}

task<error_code> memory_store::committed(commit_ticket) {
    co_return error_code{};
}

} // namespace kallglot
