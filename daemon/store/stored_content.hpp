/// Reads everything that a store contains, in batches, and passes it to a reader on the loop.

#ifndef KALLGLOT_STORE_STORED_CONTENT_HPP
#define KALLGLOT_STORE_STORED_CONTENT_HPP

#include "kallglot/async/task.hpp"
#include "kallglot/ports/clock.hpp"
#include "kallglot/ports/session_store.hpp"
#include "kallglot/ports/store_engine.hpp"
#include "store/engine_worker.hpp"

namespace kallglot {

/// Rows read or written in one call of the worker.
inline constexpr std::size_t rows_a_call = 4096;

/// The fault of a call that was cancelled: what it did to the disk is unknown.
[[nodiscard]] inline store_fault cut_off() {
    return {store_fault_kind::broken, "the disk did not answer in time"};
}

/// Sessions first, in the order of ids, then remembered keys by time, then stuck episodes. Returns the fault of the first call that failed;
/// the reader has received everything that was read before it.
///
/// Lifetime: all four outlive the task.
[[nodiscard]] task<store_fault> read_everything(engine_worker* worker,
                                                const clock* time,
                                                const stored_timeline* line,
                                                store_reader* reader);

} // namespace kallglot

#endif
