#include "web/markdown.hpp"

#include "kallglot/base/text.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace kallglot {

namespace {

/// The block that is open: it takes the next line, or is closed.
enum class block : std::uint8_t { none, paragraph, list, table };

bool is_anchor(std::string_view text) noexcept {
    // Letters and digits only, so that it needs no escaping in an attribute.
    return !text.empty()
           && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-")
                  == std::string_view::npos;
}

/// The part of `rest` up to `end`, which is taken too; empty if there is no `end`.
std::optional<std::string_view> take_until(std::string_view& rest, std::string_view end) {
    const std::size_t found = rest.find(end);
    if (found == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view part = rest.substr(0, found);
    rest.remove_prefix(found + end.size());
    return part;
}

/// A link within the page, `[text](#anchor)`; `rest` begins behind the bracket. False: it is none.
bool put_link(page_writer& out, std::string_view& rest) {
    // A copy that is taken only if all parts are there; otherwise the bracket is text.
    std::string_view after = rest;
    const auto label = take_until(after, "](#");
    const auto anchor = label ? take_until(after, ")") : std::nullopt;
    if (!anchor || !is_anchor(*anchor)) {
        return false;
    }
    // The whole path, since the base of a prefix is another page.
    out.raw("<a href=\"")
        .raw(out.root())
        .raw("runbooks#")
        .raw(*anchor)
        .raw("\">")
        .text(*label)
        .raw("</a>");
    rest = after;
    return true;
}

/// Text with `code`, **strong** and links.
void put_inline(page_writer& out, std::string_view rest) {
    while (!rest.empty()) {
        // Everything between two marks is text, and text() escapes it.
        // Each turn takes at least one character, so the loop ends.
        const std::size_t next = rest.find_first_of("`*[");
        out.text(rest.substr(0, next));
        if (next == std::string_view::npos) {
            return;
        }
        const char mark = rest[next];
        rest.remove_prefix(next + 1);
        std::string_view after = rest;
        if (mark == '`') {
            if (const auto code = take_until(after, "`")) {
                out.raw("<code>").text(*code).raw("</code>");
                rest = after;
                continue;
            }
        } else if (mark == '*' && rest.starts_with('*')) {
            after.remove_prefix(1);
            if (const auto strong = take_until(after, "**")) {
                out.raw("<strong>").text(*strong).raw("</strong>");
                rest = after;
                continue;
            }
        } else if (mark == '[' && put_link(out, rest)) {
            continue;
        }
        // No markup after all.
        out.text(std::string_view(&mark, 1));
    }
}

void close(page_writer& out, block& open) {
    switch (open) {
        case block::none:
            break;
        case block::paragraph:
            out.raw("</p>\n");
            break;
        case block::list:
            out.raw("</li></ul>\n");
            break;
        case block::table:
            out.raw("</table>\n");
            break;
    }
    open = block::none;
}

void put_heading(page_writer& out, std::string_view line) {
    const std::size_t level = line.find_first_not_of('#');
    // Not empty: the documents are part of the program.
    const std::string_view title = line.substr(line.find_first_not_of("# "));
    // The anchor that Markdown viewers make of a title of one word.
    std::string anchor;
    for (const char c : title) {
        anchor += c == ' ' ? '-' : ascii_lower(c);
    }
    // The page has its own h1.
    const std::string_view tag = level <= 2 ? "h2" : "h3";
    out.raw("<").raw(tag);
    if (is_anchor(anchor)) {
        out.raw(" id=\"").raw(anchor).raw("\"");
    }
    out.raw(">").text(title).raw("</").raw(tag).raw(">\n");
}

/// A row of a table; the first one is its head, the second one (dashes) is left out.
void put_row(page_writer& out, std::string_view line, bool is_first) {
    // Alignment is not supported: the runbooks do not use it.
    if (line.starts_with("|---")) {
        return;
    }
    // The bar at the beginning. A text behind the last bar is no cell.
    line.remove_prefix(1);
    const std::string_view tag = is_first ? "th" : "td";
    out.raw("<tr>");
    while (const auto cell = take_until(line, "|")) {
        out.raw("<").raw(tag).raw(">");
        put_inline(out, *cell);
        out.raw("</").raw(tag).raw(">");
    }
    out.raw("</tr>\n");
}

/// Opens the block unless it is open. True: it was not.
bool enter(page_writer& out, block& open, block next, std::string_view markup) {
    if (open == next) {
        return false;
    }
    close(out, open);
    out.raw(markup);
    open = next;
    return true;
}

void put_line(page_writer& out, std::string_view line, block& open) {
    if (line.empty()) {
        close(out, open);
    } else if (line.starts_with('#')) {
        close(out, open);
        put_heading(out, line);
    } else if (line.starts_with('|')) {
        const bool is_first = enter(out, open, block::table, "<table>\n");
        put_row(out, line, is_first);
    } else if (line.starts_with("* ")) {
        out.raw(enter(out, open, block::list, "<ul><li>") ? "" : "</li>\n<li>");
        put_inline(out, line.substr(2));
    } else if (open == block::list) {
        // A line of the same item.
        out.raw(" ");
        put_inline(out, line.substr(line.find_first_not_of(' ')));
    } else {
        out.raw(enter(out, open, block::paragraph, "<p>") ? "" : "\n");
        put_inline(out, line);
    }
}

} // namespace

void put_markdown(page_writer& out, std::string_view text) {
    block open = block::none;
    while (!text.empty()) {
        // A line at a time: the first characters of a line say which kind of block it belongs to.
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        put_line(out, line, open);
    }
    close(out, open);
}

} // namespace kallglot
