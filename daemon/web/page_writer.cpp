#include "web/page_writer.hpp"

#include "web/status_page.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace kallglot {

page_writer& page_writer::raw(std::string_view markup) {
    out_ += markup;
    return *this;
}

// The only way for a value from outside into the page.
page_writer& page_writer::text(std::string_view plain) {
    return raw(escape_html(plain));
}

// One row of a definition list; the colour of a warning is a class, since the page has no inline styles.
void page_writer::fact(std::string_view name, std::string_view value, std::string_view mood) {
    raw("<dt>").text(name).raw("</dt><dd");
    if (!mood.empty()) {
        raw(" class=\"").raw(mood).raw("\"");
    }
    raw(">").text(value).raw("</dd>\n");
}

// The path is both target and label. The target is relative, so that it is right behind a prefix too; the dot of the root
// keeps a colon in the path from looking like a scheme.
void page_writer::link(std::string_view path) {
    // Escaped in both places: the path of the metrics is a flag of the operator.
    raw("<a href=\"").raw(root_).text(path.substr(1)).raw("\">").text(path).raw("</a>\n");
}

page_writer& page_writer::id_link(const session_id& id) {
    // Long ids get smaller letters on a phone, so that each stays on one line.
    constexpr std::size_t max_usual_size = 36;
    return raw("<a class=\"id")
        .raw(id.view().size() > max_usual_size ? " long" : "")
        .raw("\" href=\"")
        .raw(root_)
        .raw("sessions/")
        .text(id.view())
        .raw("\">")
        .text(id.view())
        .raw("</a>");
}

void page_writer::bar(std::string_view status, double percent) {
    // SVG and not a styled element: the content security policy forbids inline styles. Below 2 percent a bar would be
    // invisible on a phone.
    std::array<char, 32> width{};
    std::snprintf(width.data(), width.size(), "%.2f", percent == 0 ? 0 : std::max(percent, 2.0));
    raw("<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect "
        "class=\"")
        .raw(status)
        .raw("\" width=\"")
        .raw(width.data())
        .raw("\" height=\"10\"/></svg>");
}

// Quotes are escaped too, so the result is safe inside an attribute.
std::string escape_html(std::string_view text) {
    std::string safe;
    safe.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&':
                safe += "&amp;";
                break;
            case '<':
                safe += "&lt;";
                break;
            case '>':
                safe += "&gt;";
                break;
            case '"':
                safe += "&quot;";
                break;
            case '\'':
                safe += "&#39;";
                break;
            default:
                safe += c;
        }
    }
    return safe;
}

} // namespace kallglot
