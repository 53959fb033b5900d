#include "web/markdown.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kallglot {
namespace {

std::string html_of(std::string_view text) {
    page_writer out;
    put_markdown(out, text);
    return std::move(out).take();
}

TEST(Markdown, HeadingsAreAnchors) {
    EXPECT_EQ(html_of("# Runbooks\n\n## SessionsStuckConnecting\n### What now\n"),
              "<h2 id=\"runbooks\">Runbooks</h2>\n"
              "<h2 id=\"sessionsstuckconnecting\">SessionsStuckConnecting</h2>\n"
              "<h3 id=\"what-now\">What now</h3>\n");
}

TEST(Markdown, ParagraphsAndListsJoinTheirLines) {
    EXPECT_EQ(html_of("one\ntwo\n\n* a\n  b\n* c\n\nthree"),
              "<p>one\ntwo</p>\n<ul><li>a b</li>\n<li>c</li></ul>\n<p>three</p>\n");
}

TEST(Markdown, CodeStrongAndLinksWithinThePage) {
    EXPECT_EQ(html_of("**Do.** run `a < b`, see [X](#x)"),
              "<p><strong>Do.</strong> run <code>a &lt; b</code>, see <a "
              "href=\"./runbooks#x\">X</a></p>\n");
    // Marks without a partner are text.
    EXPECT_EQ(html_of("2 * 3 [a] `b"), "<p>2 * 3 [a] `b</p>\n");
}

TEST(Markdown, TablesHaveAHead) {
    EXPECT_EQ(html_of("| a | b |\n|---|---|\n| `1` | 2 |\n"),
              "<table>\n<tr><th> a </th><th> b </th></tr>\n"
              "<tr><td> <code>1</code> </td><td> 2 </td></tr>\n</table>\n");
}

TEST(Markdown, MarkupOfTheDocumentIsText) {
    const std::string page = html_of(
        "# <script>\n<img src=x>\n\n[x](javascript:alert)\n[y](#\" onload=z)\n| <b> "
        "|\n`</code>`\n* <i>");
    for (const char* bad : {"<script", "<img", "<b>", "<i>", "href=\"javascript", "onload=z\""}) {
        EXPECT_EQ(page.find(bad), std::string::npos) << bad << page;
    }
}

TEST(Markdown, EveryAlertOfTheRunbooksHasItsAnchor) {
    const std::string page = html_of(runbooks_markdown());
    for (const char* anchor : {"sessionsstuckconnecting", "exporterdown", "thresholdmissing"}) {
        EXPECT_NE(page.find("<h2 id=\"" + std::string(anchor) + "\">"), std::string::npos)
            << anchor;
        EXPECT_NE(page.find("<a href=\"./runbooks#" + std::string(anchor) + "\">"),
                  std::string::npos);
    }
    EXPECT_EQ(page.find("**"), std::string::npos);
}

} // namespace
} // namespace kallglot
