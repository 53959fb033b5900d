/// Reads a few named members of a JSON body and skips everything else without copying it.
///
/// For bodies that are read once in a while: errors and webhooks. A reader lists its members in a table and gets their
/// values. The body of a session has a handler of its own (session_parser), because it is read for every poll.

#ifndef KALLGLOT_API_JSON_MEMBERS_HPP
#define KALLGLOT_API_JSON_MEMBERS_HPP

#include "api/short_text.hpp"
#include "kallglot/api/json_limits.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kallglot {

/// One member that is read: its name in the reader's enum, the object that contains it, and its key there.
template <class Member>
struct json_member {
    Member name;
    Member within;
    std::string_view key;
};

/// The handler of one body. `Reader` has
///   enum class member { skipped, body, ... };     `body` is the outermost object
///   static constexpr std::array members           of json_member<member>
///   void take_text(member, std::string_view);     at most short_text::max_size bytes, empty if the text was longer
///   void take_number(member, double);             may be infinite
template <class Reader>
class member_handler : public ignore_json {
public:
    Reader reader;

    bool on_object_begin(error_code&) noexcept {
        open_[depth_++] = next_;
        return skip();
    }

    bool on_array_begin(error_code& error) noexcept {
        // No member of interest is in an array, so its elements are skipped.
        if (!inside_body(error)) {
            return false;
        }
        open_[depth_++] = member::skipped;
        return skip();
    }

    bool on_object_end(std::size_t, error_code&) noexcept { return leave(); }

    bool on_array_end(std::size_t, error_code&) noexcept { return leave(); }

    bool on_key_part(text part, std::size_t, error_code&) noexcept {
        // Keys of other objects are not even collected: they may be personal data.
        if (within() != member::skipped) {
            text_.append(part);
        }
        return true;
    }

    bool on_key(text part, std::size_t total, error_code&) noexcept {
        if (within() != member::skipped) {
            // A key that is too long to be known is empty here, and no member has an empty key.
            next_ = find(text_.finish(part, total));
            text_.wipe();
        }
        return true;
    }

    bool on_string_part(text part, std::size_t, error_code&) noexcept {
        // Only texts behind known keys: spoken words and phone numbers are never collected.
        if (next_ != member::skipped) {
            text_.append(part);
        }
        return true;
    }

    bool on_string(text part, std::size_t total, error_code& error) noexcept {
        if (next_ != member::skipped && depth_ != 0) {
            reader.take_text(next_, text_.finish(part, total));
        }
        text_.wipe();
        return inside_body(error) && skip();
    }

    bool on_int64(std::int64_t value, text, error_code& error) noexcept {
        return number(static_cast<double>(value), error);
    }

    bool on_uint64(std::uint64_t value, text, error_code& error) noexcept {
        return number(static_cast<double>(value), error);
    }

    bool on_double(double value, text last_part, error_code& error) noexcept {
        return fits(last_part, error) && number(value, error);
    }

    bool on_bool(bool, error_code& error) noexcept { return inside_body(error) && skip(); }

    bool on_null(error_code& error) noexcept { return inside_body(error) && skip(); }

private:
    using member = typename Reader::member;

    [[nodiscard]] member within() const noexcept { return open_[depth_ - 1]; }

    [[nodiscard]] member find(std::string_view key) const noexcept {
        for (const json_member<member>& each : Reader::members) {
            if (each.within == within() && each.key == key) {
                return each.name;
            }
        }
        return member::skipped;
    }

    bool number(double value, error_code& error) noexcept {
        if (next_ != member::skipped && depth_ != 0) {
            reader.take_number(next_, value);
        }
        return inside_body(error) && skip();
    }

    // Anything but an object at the top is not a body of the API.
    bool inside_body(error_code& error) const noexcept {
        if (depth_ == 0) {
            error = errc::malformed_json;
        }
        return depth_ != 0;
    }

    bool leave() noexcept {
        --depth_;
        return skip();
    }

    // A value ends its member, so that the next value without a key does not belong to it.
    bool skip() noexcept {
        next_ = member::skipped;
        return true;
    }

    std::array<member, max_json_depth> open_{}; // the objects and arrays that are open
    std::size_t depth_ = 0;
    member next_ = member::body; // whose value comes next
    short_text text_;
};

/// The reader after a whole body; nothing if the body is not one JSON object. Allocates nothing: the parser does so
/// only when a body is suspended in the middle.
template <class Reader>
[[nodiscard]] std::optional<Reader> read_members(std::string_view body) noexcept {
    boost::json::basic_parser<member_handler<Reader>> parser(strict_json());
    error_code problem;
    const std::size_t taken = parser.write_some(false, body.data(), body.size(), problem);
    if (problem || taken != body.size()) {
        return std::nullopt;
    }
    return parser.handler().reader;
}

} // namespace kallglot

#endif
