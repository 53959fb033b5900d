/// Reads everything that a store holds, in batches, and hands it to a reader on the loop.

#ifndef KALLGLOT_STORE_STORED_CONTENT_HPP
#define KALLGLOT_STORE_STORED_CONTENT_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/ports/store_engine.hpp"
#include "store/engine_worker.hpp"

namespace kallglot {

/// Rows that go to or come from the worker in one call.
inline constexpr std::size_t rows_a_call = 4096;

/// A call that was cancelled: what it did to the disk is unknown.
[[nodiscard]] inline store_fault cut_off() {
    return {store_fault_kind::broken, "cut off"};
}

/// Sessions first, in the order of ids, then remembered keys by time. The fault of the first call that failed; what was
/// read before it has been handed over.
///
/// Lifetime: all four outlive the task.
[[nodiscard]] task<store_fault> read_everything(engine_worker* worker,
                                                const clock* time,
                                                const stored_timeline* line,
                                                store_reader* reader);

} // namespace kallglot

#endif
