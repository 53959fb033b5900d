#include "kallglot/store/memory_store.hpp"

namespace kallglot {

task<error_code> memory_store::committed(commit_ticket) {
    co_return error_code{};
}

} // namespace kallglot
