/// Builds an HTML page: texts are escaped, markup is written as it is.

#ifndef KALLGLOT_WEB_PAGE_WRITER_HPP
#define KALLGLOT_WEB_PAGE_WRITER_HPP

#include "kallglot/tracking/session_id.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace kallglot {

class page_writer {
public:
    /// `root` leads from the page to `/`: `./`, or `../` for a page one folder below. A constant.
    explicit page_writer(std::string_view root = "./") : root_(root) {}

    [[nodiscard]] std::string_view root() const noexcept { return root_; }

    /// Markup: constants of this room only, never a value from outside.
    page_writer& raw(std::string_view markup);

    /// Text, escaped: any value from outside goes through here.
    page_writer& text(std::string_view plain);

    /// A row of a list of facts, name and value; `mood` is a class of the style sheet or empty.
    void fact(std::string_view name, std::string_view value, std::string_view mood = {});

    /// A link that shows its path, which begins with a slash.
    void link(std::string_view path);

    /// A link to the page of a session, which shows the id.
    page_writer& id_link(const session_id& id);

    /// A bar in the colour of a status, 0 to 100 percent. Any share above 0 is wide enough to see.
    void bar(std::string_view status, double percent);

    [[nodiscard]] std::string take() && { return std::move(out_); }

private:
    std::string_view root_;
    std::string out_;
};

} // namespace kallglot

#endif
