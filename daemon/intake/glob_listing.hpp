/// A glob of `sessions.files` with what it matched last.

#ifndef KALLGLOT_INTAKE_GLOB_LISTING_HPP
#define KALLGLOT_INTAKE_GLOB_LISTING_HPP

#include "intake/folder_events.hpp"
#include "intake/glob_expansion.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kallglot {

/// A worker fills one of these; the loop keeps the result.
struct glob_listing {
    explicit glob_listing(std::string text) : glob(std::move(text)) {}

    /// Begins to watch the folders and lists the files. Blocking, any thread.
    void list(folder_watches begun);

    std::string glob;
    glob_matches matches;
    folder_watches watches;
    bool is_busy = false;    ///< a worker is listing it
    bool was_listed = false; ///< at least once
};

/// Why changes may be detected late, or files not at all: the worst reason of all globs; or empty.
[[nodiscard]] std::string problem_of(const std::vector<std::shared_ptr<glob_listing>>& globs,
                                     std::size_t max_files);

/// A note for each glob that matches no file now, with what may be wrong with it. Blocking.
[[nodiscard]] std::vector<std::string> unmatched_globs(const std::vector<std::string>& globs);

} // namespace kallglot

#endif
