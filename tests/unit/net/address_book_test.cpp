#include "net/client/address_book.hpp"

#include <boost/asio/ip/address.hpp>

#include <gtest/gtest.h>

namespace kallglot::test {

namespace {

const tcp_endpoint a(asio::ip::make_address("192.0.2.1"), 443);
const tcp_endpoint b(asio::ip::make_address("192.0.2.2"), 443);
const tcp_endpoint c(asio::ip::make_address("2001:db8::3"), 443);

steady_time at(int second) {
    return steady_time() + seconds(1000 + second);
}

using order = std::vector<tcp_endpoint>;

} // namespace

TEST(AddressBook, SpreadsConnectionsOverAllAddresses) {
    address_book book;
    EXPECT_TRUE(book.stale(at(0)));
    book.assign({a, b, c}, at(0));
    EXPECT_EQ(book.order(at(0)), (order{a, b, c}));
    EXPECT_EQ(book.order(at(0)), (order{b, c, a}));
    EXPECT_EQ(book.order(at(0)), (order{c, a, b}));
    EXPECT_EQ(book.order(at(0)), (order{a, b, c}));
}

TEST(AddressBook, TriesFailedAddressesLastForHalfAMinute) {
    address_book book;
    book.assign({a, b, c}, at(0));
    book.note_failure(a, at(1));
    EXPECT_EQ(book.order(at(2)), (order{b, c, a}));
    EXPECT_EQ(book.order(at(2)), (order{b, c, a}));
    EXPECT_EQ(book.order(at(30)), (order{c, b, a}));
    EXPECT_EQ(book.order(at(31)), (order{a, b, c}));
    book.note_failure(b, at(40));
    book.note_success(b);
    EXPECT_EQ(book.order(at(41)), (order{b, c, a}));
}

TEST(AddressBook, OffersAllAddressesIfAllFailed) {
    address_book book;
    book.assign({a, b}, at(0));
    book.note_failure(a, at(1));
    book.note_failure(b, at(1));
    EXPECT_EQ(book.order(at(2)), (order{a, b}));
}

TEST(AddressBook, KeepsFailuresAcrossALookup) {
    address_book book;
    book.assign({a, b}, at(0));
    book.note_failure(a, at(1));
    book.assign({c, a}, at(2));
    EXPECT_EQ(book.order(at(3)), (order{c, a}));
}

TEST(AddressBook, AvoidsAnAddressThatAloneReturnsErrors) {
    address_book book;
    book.assign({a, b}, at(0));
    EXPECT_FALSE(book.note_answer(b, true, at(1)));
    for (int i = 0; i < 4; ++i) {
        EXPECT_FALSE(book.note_answer(a, false, at(1)));
    }
    EXPECT_TRUE(book.note_answer(a, false, at(1)));
    // Requests that were in flight then change nothing.
    EXPECT_FALSE(book.note_answer(a, false, at(2)));
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(book.order(at(30)), (order{b, a}));
    }
    EXPECT_EQ(book.order(at(31)), (order{a, b}));

    // Bad again: avoided for longer each time. A good answer resets that.
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(book.note_answer(a, false, at(40)), i == 4);
    }
    EXPECT_EQ(book.order(at(99)).front(), b);
    EXPECT_FALSE(book.note_answer(a, true, at(100)));
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(book.note_answer(a, false, at(101)), i == 4);
    }
    EXPECT_EQ(book.order(at(130)).front(), b);
    EXPECT_EQ(book.order(at(131)), (order{b, a}));
    EXPECT_EQ(book.order(at(131)), (order{a, b}));
}

TEST(AddressBook, GoodAnswersBetweenErrorsAvoidNoAddress) {
    address_book book;
    book.assign({a, b}, at(0));
    static_cast<void>(book.note_answer(b, true, at(0)));
    for (int i = 0; i < 50; ++i) {
        EXPECT_FALSE(book.note_answer(a, i % 5 == 0, at(i)));
    }
}

TEST(AddressBook, NeverAvoidsTheLastGoodAddress) {
    address_book book;
    book.assign({a, b}, at(0));
    // All addresses return errors: the API fails, not an address.
    for (int i = 0; i < 20; ++i) {
        EXPECT_FALSE(book.note_answer(a, false, at(i)));
        EXPECT_FALSE(book.note_answer(b, false, at(i)));
    }
    // A single address has no alternative.
    book.assign({c}, at(20));
    EXPECT_FALSE(book.note_answer(c, true, at(21)));
    for (int i = 0; i < 20; ++i) {
        EXPECT_FALSE(book.note_answer(c, false, at(22)));
    }
    // Answers of an address that the DNS no longer lists change nothing.
    EXPECT_FALSE(book.note_answer(a, false, at(23)));
    EXPECT_FALSE(book.contains(a));
    EXPECT_TRUE(book.contains(c));
}

TEST(AddressBook, LooksUpAgainAfterHalfAMinuteOrAFailure) {
    address_book book;
    book.assign({a}, at(0));
    EXPECT_FALSE(book.stale(at(30)));
    EXPECT_TRUE(book.stale(at(31)));
    book.note_failed_lookup(at(31));
    EXPECT_FALSE(book.empty());
    EXPECT_FALSE(book.stale(at(36)));
    EXPECT_TRUE(book.stale(at(37)));
    book.clear();
    EXPECT_TRUE(book.stale(at(37)));
}

} // namespace kallglot::test
