/// Puts a page of HTML together: what is called a text is escaped, the rest is markup of ours.

#ifndef KALLGLOT_WEB_PAGE_WRITER_HPP
#define KALLGLOT_WEB_PAGE_WRITER_HPP

#include <string>
#include <string_view>
#include <utility>

namespace kallglot {

class page_writer {
public:
    page_writer& raw(std::string_view markup);
    page_writer& text(std::string_view plain);

    /// A row of a list of facts; `mood` is a class of the style sheet or empty.
    void fact(std::string_view name, std::string_view value, std::string_view mood = {});

    void link(std::string_view path);

    /// A bar of the colour of a status; 0 to 100 percent. The smallest share is still seen.
    void bar(std::string_view status, double percent);

    [[nodiscard]] std::string take() && { return std::move(out_); }

private:
    std::string out_;
};

} // namespace kallglot

#endif
