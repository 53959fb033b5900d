#include "kallglot/api/session_parser.hpp"

#include "api/session_fields.hpp"
#include "api/short_text.hpp"
#include "kallglot/api/json_limits.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <string>

namespace kallglot {
namespace {

// Turns events of the JSON parser into members of a session. Reads keys only in the session itself and in its
// `provider`, and values only behind one of our keys. So a token in the body is never copied.
class session_handler : public ignore_json {
public:
    void start(const session_id& expected) noexcept {
        clear();
        fields_.start(expected);
    }

    void clear() noexcept {
        // Everything that came from a body goes, so that the next body cannot see it.
        fields_.clear();
        text_.wipe();
        forget_number();
        field_ = session_field::none;
        depth_ = 0;
        in_provider_ = false;
    }

    [[nodiscard]] result<session_snapshot> take() const noexcept { return fields_.take(); }

    bool on_object_begin(error_code& error) noexcept {
        // Remember the key before note_other() clears it.
        const bool provider = field_ == session_field::provider;
        // The outermost object is the session itself; any other object is the value of a member.
        if (depth_ != 0 && !note_other(error)) {
            return false;
        }
        // The provider of the newer generation is an object; its `type` is read one level deeper.
        // Stays true in objects deeper within `provider`. knows_keys() reads keys at depth 2 only.
        in_provider_ = in_provider_ || provider;
        ++depth_;
        return true;
    }

    // No member of interest is an array. Its elements are skipped, because field_ is none inside it.
    bool on_array_begin(error_code& error) noexcept {
        if (!note_other(error)) {
            return false;
        }
        ++depth_;
        return true;
    }

    bool on_object_end(std::size_t, error_code&) noexcept { return leave(); }

    bool on_array_end(std::size_t, error_code&) noexcept { return leave(); }

    bool on_key_part(text part, std::size_t, error_code&) noexcept {
        if (knows_keys()) {
            // Collect a key only at a depth where one of ours can be.
            text_.append(part);
        }
        return true;
    }

    bool on_key(text part, std::size_t total, error_code& error) noexcept {
        // A key at any other depth belongs to data that must not be copied.
        if (!knows_keys()) {
            return true;
        }
        const std::string_view key = text_.finish(part, total);
        // The same word has one meaning in the session and another one within `provider`.
        if (depth_ == 1) {
            field_ = session_field_of(key);
        } else {
            field_ = key == "type" ? session_field::provider_type : session_field::none;
        }
        // The buffer never keeps a text longer than its comparison takes.
        text_.wipe();
        // Repeated keys are found here, before their values.
        return check(fields_.note_key(field_), error);
    }

    bool on_string_part(text part, std::size_t, error_code&) noexcept {
        // Parts of other texts are not even collected.
        if (field_ != session_field::none) {
            text_.append(part);
        }
        return true;
    }

    bool on_string(text part, std::size_t total, error_code& error) noexcept {
        if (field_ == session_field::none) {
            return note_other(error);
        }
        // The text is used and wiped at once; nothing of the body outlives this call.
        const errc problem = fields_.note_text(field_, text_.finish(part, total));
        text_.wipe();
        field_ = session_field::none;
        return check(problem, error);
    }

    bool on_int64(std::int64_t, text, error_code& error) noexcept { return note_other(error); }

    bool on_uint64(std::uint64_t, text, error_code& error) noexcept { return note_other(error); }

    bool on_double(double, text last_part, error_code& error) noexcept {
        // Checked although no field of a session is such a number: Boost versions differ in what they reject.
        return fits(last_part, error) && note_other(error);
    }

    bool on_bool(bool, error_code& error) noexcept { return note_other(error); }

    bool on_null(error_code& error) noexcept { return note_other(error); }

private:
    static bool check(errc problem, error_code& error) noexcept {
        if (problem == no_problem) {
            return true;
        }
        error = problem;
        return false;
    }

    [[nodiscard]] bool knows_keys() const noexcept {
        // Depth 1 is the session itself, depth 2 counts within `provider` only.
        return depth_ == 1 || (depth_ == 2 && in_provider_);
    }

    // A value that is not text, or that belongs to another member.
    bool note_other(error_code& error) noexcept {
        if (depth_ == 0) {
            // The body is not an object.
            return check(errc::malformed_json, error);
        }
        if (field_ == session_field::none) {
            return true;
        }
        // A number or a bool where a text belongs counts as absent: the API may change a type without notice.
        const errc problem = fields_.note_absent(field_);
        field_ = session_field::none;
        return check(problem, error);
    }

    bool leave() noexcept {
        --depth_;
        // Back in the session: the provider, if it was that, is complete.
        if (depth_ == 1) {
            in_provider_ = false;
        }
        return true;
    }

    session_fields fields_;
    short_text text_;
    // 0 outside the session, 1 inside it, 2 within `provider` or in data that is skipped.
    std::size_t depth_ = 0;
    session_field field_ = session_field::none;
    bool in_provider_ = false;
};

} // namespace

struct session_parser::state {
    state() : parser(strict_json()) {
        // Suspending at the greatest depth makes the parser reserve the largest stack that it can need. So the
        // functions below neither allocate nor throw.
        std::string max_nesting;
        for (std::size_t i = 0; i < max_json_depth; ++i) {
            max_nesting += "{\"\":";
        }
        error_code ignored;
        // The document is not complete, so this can only be "more is expected".
        parser.write_some(true, max_nesting.data(), max_nesting.size(), ignored);
        // Back to the state of a new parser; only the reserved memory stays.
        parser.handler().clear();
    }

    error_code fail(error_code problem) noexcept {
        // All errors of the JSON parser itself have one meaning for the daemon.
        error = problem.category() == category() ? problem : make_error_code(errc::malformed_json);
        parser.handler().clear();
        return error;
    }

    boost::json::basic_parser<session_handler> parser;
    // Set before `start` and after `finish`: there is no body then.
    error_code error = errc::malformed_json;
};

session_parser::session_parser() : state_(std::make_unique<state>()) {}

session_parser::~session_parser() = default;

void session_parser::start(const session_id& expected) noexcept {
    // The parser reuses its memory, so a body costs no allocation.
    state_->parser.reset();
    state_->parser.handler().start(expected);
    state_->error.clear();
}

error_code session_parser::write(std::string_view bytes) noexcept {
    // After an error the rest of the body arrives as well; it is ignored.
    if (state_->error || bytes.empty()) {
        return state_->error;
    }
    error_code problem;
    const auto taken = state_->parser.write_some(true, bytes.data(), bytes.size(), problem);
    if (problem) {
        return state_->fail(problem);
    }
    // The parser stops behind the object and its white space. Further bytes do not belong to a session.
    return taken < bytes.size() ? state_->fail(errc::malformed_json) : error_code{};
}

result<session_snapshot> session_parser::finish() noexcept {
    if (state_->error) {
        return state_->error;
    }
    error_code problem;
    // Ends the document: a body that stops in the middle is found here.
    state_->parser.write_some(false, "", 0, problem);
    if (problem) {
        return state_->fail(problem);
    }
    // Only a complete document has a result: a member near the end could change its meaning.
    const auto snapshot = state_->parser.handler().take();
    // No body is in progress now: write() without start() is an error.
    state_->fail(errc::malformed_json);
    return snapshot;
}

} // namespace kallglot
