#include "kallglot/report/session_listing.hpp"

#include "unit/tracking/property.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace kallglot::test {
namespace {

constexpr std::uint32_t process = 0xC0FFEE42;
const api_time wall = api_time(milliseconds(1'776'159'394'250));

class SessionListing : public testing::Test {
protected:
    /// A session that has been in its status for `age`.
    session_slot add(std::size_t number, session_status status, steady_duration age) {
        const session_slot slot = registry_.add(make_id(number)).slot;
        registry_.update(slot, [&](session_record& record) {
            record.status = status;
            record.since = t0 - age;
        });
        return slot;
    }

    std::optional<session_page> list(const session_query& query, std::size_t slice = 100'000) {
        auto selection = session_selection::begin(query, process, t0);
        if (!selection) {
            return std::nullopt;
        }
        while (selection->select(registry_, slice)) {
        }
        return selection->page(registry_, {t0, wall});
    }

    static std::vector<std::string> ids_of(const session_page& page) {
        std::vector<std::string> ids;
        for (const session_view& view : page.sessions) {
            ids.emplace_back(view.id.view());
        }
        return ids;
    }

    session_registry registry_{100'000};
};

TEST_F(SessionListing, TheOldestInTheirStatusComeFirst) {
    add(1, session_status::active, 10s);
    add(2, session_status::connecting, 30s);
    add(3, session_status::created, 20s);
    add(4, session_status::connecting, 20s);
    const auto page = list({});
    ASSERT_TRUE(page);
    EXPECT_EQ(ids_of(*page), (std::vector{id_text(2), id_text(3), id_text(4), id_text(1)}));
    EXPECT_EQ(page->next, "");
    EXPECT_EQ(page->sessions[0].since, wall - 30s);
}

TEST_F(SessionListing, FiltersHoldTogether) {
    for (std::size_t i = 0; i < 60; ++i) {
        add(i, static_cast<session_status>(i % session_status_count), seconds(i));
    }
    session_query query;
    query.status = session_status::connecting;
    EXPECT_EQ(list(query)->sessions.size(), 10U);
    query.older_than = 31s;
    const auto some = list(query);
    EXPECT_EQ(ids_of(*some),
              (std::vector{id_text(55), id_text(49), id_text(43), id_text(37), id_text(31)}));
    query.status.reset();
    EXPECT_EQ(list(query)->sessions.size(), 29U);
    query.older_than = 59s;
    EXPECT_EQ(list(query)->sessions.size(), 1U);
    query.older_than = 59s + 1ns;
    EXPECT_TRUE(list(query)->sessions.empty());
}

TEST_F(SessionListing, PagesShowEachSessionOnceInOrder) {
    chance chance;
    SCOPED_TRACE(chance.told());
    for (std::size_t i = 0; i < 1000; ++i) {
        // Many of the same age: the cursor must distinguish them.
        add(i, session_status::active, seconds(chance.below(20)));
    }
    for (const std::size_t limit : {1U, 7U, 100U, 999U, 1000U}) {
        session_query query;
        query.limit = limit;
        std::set<std::string> seen;
        api_time last = api_time::min();
        std::size_t pages = 0;
        do {
            const auto page = list(query, 1 + chance.below(300));
            ASSERT_TRUE(page);
            ASSERT_LE(page->sessions.size(), limit);
            for (const session_view& view : page->sessions) {
                EXPECT_TRUE(seen.emplace(view.id.view()).second) << view.id.view();
                EXPECT_GE(view.since, last);
                last = view.since;
            }
            query.after = page->next;
            ++pages;
        } while (!query.after.empty());
        EXPECT_EQ(seen.size(), 1000U);
        EXPECT_EQ(pages, (1000 + limit - 1) / limit);
    }
}

TEST_F(SessionListing, TrackedSessionsAreListedOnceWhileOthersChange) {
    chance chance;
    SCOPED_TRACE(chance.told());
    std::map<std::size_t, session_slot> staying;
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < 2000; ++i) {
        const session_slot slot = add(i, session_status::active, seconds(chance.below(3600)));
        if (i % 2 == 0) {
            staying.emplace(i, slot);
        } else {
            others.push_back(i);
        }
    }
    std::size_t next_number = 10'000;
    session_query query;
    query.limit = 50;
    std::multiset<std::string> seen;
    do {
        const auto page = list(query, 1 + chance.below(500));
        ASSERT_TRUE(page);
        for (const session_view& view : page->sessions) {
            seen.emplace(view.id.view());
        }
        query.after = page->next;
        // Between two pages some leave, some come, some begin another status.
        for (int i = 0; i < 20; ++i) {
            std::size_t& other = others[chance.below(others.size())];
            const session_slot slot = registry_.find(id_text(other));
            switch (chance.below(3)) {
                case 0:
                    registry_.remove(slot);
                    other = next_number++;
                    add(other, session_status::created, 0s);
                    break;
                case 1:
                    registry_.update(slot, [](session_record& record) {
                        record.status = session_status::ended;
                        record.since = t0;
                    });
                    break;
                default:
                    other = next_number++;
                    registry_.remove(slot);
                    add(other, session_status::active, seconds(chance.below(3600)));
                    break;
            }
        }
    } while (!query.after.empty());
    for (const auto& [number, slot] : staying) {
        EXPECT_EQ(seen.count(id_text(number)), 1U) << number;
    }
}

TEST_F(SessionListing, SessionsMayLeaveWhileAPageIsLookedFor) {
    std::vector<session_slot> slots;
    for (std::size_t i = 0; i < 100; ++i) {
        slots.push_back(add(i, session_status::active, seconds(200 - i)));
    }
    session_query query;
    query.limit = 10;
    auto selection = session_selection::begin(query, process, t0);
    ASSERT_TRUE(selection);
    EXPECT_TRUE(selection->select(registry_, 50));
    registry_.remove(slots[0]);
    registry_.remove(slots[3]);
    while (selection->select(registry_, 50)) {
    }
    const session_page page = selection->page(registry_, {t0, wall});
    EXPECT_EQ(page.sessions.size(), 8U);
    query.after = page.next;
    EXPECT_EQ(ids_of(*list(query)).front(), id_text(10));
}

TEST_F(SessionListing, ASessionThatTookAnothersPlaceIsNotShownInItsStead) {
    const session_slot first = add(1, session_status::connecting, 100s);
    add(2, session_status::connecting, 50s);
    session_query query;
    query.status = session_status::connecting;
    query.older_than = 20s;
    auto selection = session_selection::begin(query, process, t0);
    ASSERT_TRUE(selection);
    while (selection->select(registry_, 1)) {
    }
    registry_.remove(first);
    ASSERT_EQ(add(3, session_status::active, 0s), first);
    const session_page page = selection->page(registry_, {t0, wall});
    EXPECT_EQ(ids_of(page), std::vector{id_text(2)});
}

TEST_F(SessionListing, AForeignCursorIsRejected) {
    for (std::size_t i = 0; i < 10; ++i) {
        add(i, session_status::active, seconds(i));
    }
    session_query query;
    query.limit = 5;
    const std::string good = list(query)->next;
    ASSERT_NE(good, "");
    query.after = good;
    ASSERT_TRUE(list(query));
    EXPECT_FALSE(session_selection::begin(query, process + 1, t0)) << "of another process";
    for (const std::string& bad : {good + ".",
                                   good + ".0",
                                   good + "x",
                                   "0" + good.substr(1),
                                   good.substr(0, good.rfind('.')),
                                   good.substr(good.find('.') + 1),
                                   good.substr(0, good.size() - 1) + "g",
                                   std::string("."),
                                   std::string(".."),
                                   std::string("..."),
                                   std::string("-1.0.0"),
                                   std::string("c0ffee42.-1.0"),
                                   std::string("c0ffee42..0"),
                                   std::string("c0ffee42.0."),
                                   std::string("c0ffee42.10000000000000000.0"),
                                   std::string("c0ffee42.0.100000000"),
                                   std::string("100c0ffee42.0.0"),
                                   std::string("sess_01JQ7N0C5VXB3HEZ")}) {
        query.after = bad;
        EXPECT_FALSE(list(query)) << bad;
    }
    // Any place of our own clock may be asked for, also one before it began.
    for (const char* odd :
         {"c0ffee42.0.0", "c0ffee42.ffffffffffffffff.0", "c0ffee42.8000000000000000.0"}) {
        query.after = odd;
        EXPECT_TRUE(list(query)) << odd;
    }
}

TEST_F(SessionListing, AViewShowsSteadyTimesOnTheWallClock) {
    const session_slot slot = add(1, session_status::active, 60s);
    registry_.update(slot, [](session_record& record) {
        record.since_slack_ms = 1500;
        record.created = t0 - 100s;
        record.started = t0 - 60s;
        record.observed = t0 - 5s;
        record.mode = session_mode::help_chat_voice;
        record.provider = session_provider::sip;
        record.unverified = true;
        record.failures = 2;
    });
    session_view view = view_of(registry_, slot, {t0, wall});
    EXPECT_EQ(view.id, make_id(1));
    EXPECT_EQ(view.since, wall - 60s);
    EXPECT_EQ(view.since_low, wall - 61'500ms);
    EXPECT_EQ(view.created, wall - 100s);
    EXPECT_EQ(view.started, wall - 60s);
    EXPECT_EQ(view.ended, std::nullopt);
    EXPECT_EQ(view.last_poll, wall - 5s);
    EXPECT_TRUE(view.observed);
    EXPECT_TRUE(view.unverified);
    EXPECT_EQ(view.failures, 2U);
    EXPECT_FALSE(view.not_found);
    registry_.update(slot, [](session_record& record) {
        record.status = session_status::ended;
        record.since_slack_ms = session_record::unknown_slack;
        record.not_found_since = t0;
    });
    view = view_of(registry_, slot, {t0, wall});
    EXPECT_EQ(view.ended, wall - 60s);
    EXPECT_EQ(view.since_low, std::nullopt);
    EXPECT_TRUE(view.not_found);
}

} // namespace
} // namespace kallglot::test
