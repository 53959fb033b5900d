/// Renders the runbooks as HTML: the part of Markdown that they use.
///
/// Headings, paragraphs, lists, tables, `code`, **strong**, and links within the page. Anything else stays text. Every text is
/// escaped, so the result is safe whatever the document says. Pure.

#ifndef KALLGLOT_WEB_MARKDOWN_HPP
#define KALLGLOT_WEB_MARKDOWN_HPP

#include "web/page_writer.hpp"

#include <string_view>

namespace kallglot {

void put_markdown(page_writer& out, std::string_view text);

/// The runbooks of this version (config/prometheus/runbooks.md). Generated.
[[nodiscard]] std::string_view runbooks_markdown() noexcept;

} // namespace kallglot

#endif
