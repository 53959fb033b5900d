#include "kallglot/runtime/intake.hpp"

#include <algorithm>

namespace kallglot {

namespace {

constexpr std::uint8_t bit_of(session_source source) noexcept {
    return static_cast<std::uint8_t>(source);
}

labels::added_by label_of(session_source source) noexcept {
    switch (source) {
        case session_source::file:
            return labels::added_by::file;
        case session_source::api:
            return labels::added_by::api;
        case session_source::webhook:
            break;
    }
    return labels::added_by::webhook;
}

} // namespace

void intake::on_added(std::span<const session_id> ids, bool) {
    std::size_t refused = 0;
    for (const session_id& id : ids) {
        refused += track(id, session_source::file, true) ? 0 : 1;
    }
    if (refused != 0) {
        metrics_.session_rejected(labels::rejected_for::limit, refused);
    }
    // One line when the limit is reached; the count is in the metrics.
    if (refused != 0 && !told_full_) {
        log_.warn("session limit reached, ids are not tracked",
                  {{"limit", registry_.max_tracked()}});
    }
    told_full_ = refused != 0;
}

void intake::on_removed(const std::vector<std::uint64_t>& hashes) {
    std::vector<std::uint64_t> gone = hashes;
    std::sort(gone.begin(), gone.end());
    for (std::uint32_t index = 0; index < registry_.slot_count(); ++index) {
        const session_slot slot{index};
        if (!registry_.is_tracked(slot)
            || (registry_[slot].sources & bit_of(session_source::file)) == 0
            || !std::binary_search(gone.begin(),
                                   gone.end(),
                                   hash_of(registry_.id_of(slot).view()))) {
            continue;
        }
        const std::uint8_t others = registry_.update(slot, [](session_record& record) {
            record.sources &= static_cast<std::uint8_t>(~bit_of(session_source::file));
            return record.sources;
        });
        if (others == 0) {
            poller_.forget(slot, labels::forgotten_for::operator_asked);
        }
    }
}

bool intake::track(const session_id& id, session_source source, bool bulk) {
    const auto [slot, is_new] = registry_.add(id);
    if (slot == no_slot) {
        return false;
    }
    registry_.update(slot, [&, fresh = is_new](session_record& record) {
        record.sources |= bit_of(source);
        if (fresh) {
            record.since = clock_.now();
            record.bulk = bulk;
        }
    });
    if (is_new) {
        store_.add(id, source);
        metrics_.session_added(label_of(source));
        poller_.session_changed(slot);
    }
    return true;
}

} // namespace kallglot
