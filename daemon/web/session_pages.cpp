#include "kallglot/web/session_pages.hpp"

#include "kallglot/tracking/episode_history.hpp"
#include "web/episodes_page.hpp"
#include "web/markdown.hpp"
#include "web/page_frame.hpp"
#include "web/session_json.hpp"
#include "web/session_page.hpp"

#include <string_view>
#include <utility>
#include <vector>

namespace kallglot {

namespace {

constexpr std::string_view sessions_path = "/sessions/";

/// Rows of one list: a page stays below 200 kB.
constexpr std::size_t max_rows = 200;

} // namespace

session_pages::session_pages(session_intake& intake,
                             const clock& time,
                             const build_details& build,
                             std::string prefix)
    : intake_(intake),
      clock_(time),
      started_(time.now()),
      build_(build),
      prefix_(std::move(prefix)) {}

void session_pages::install(http_routes& routes) {
    using handler = task<http_response> (session_pages::*)(http_request);
    const auto add = [&](std::string path, handler answer, http_routes::match how) {
        routes.add(
            "GET",
            std::move(path),
            [this, answer](http_request request) { return (this->*answer)(std::move(request)); },
            how);
    };
    // Two routes for one word: the form sends its field as a query, and the result has a path that can be passed on.
    add("/sessions", &session_pages::find, http_routes::match::exact);
    add(std::string(sessions_path), &session_pages::show_session, http_routes::match::prefix);
    add("/episodes", &session_pages::show_episodes, http_routes::match::exact);
    add("/runbooks", &session_pages::show_runbooks, http_routes::match::exact);
}

std::optional<http_response> session_pages::refuse(int depth) const {
    return intake_.restored()
               ? std::nullopt
               : std::optional(make_page(503, render_restoring_page(build_, prefix_, depth)));
}

task<http_response> session_pages::find(http_request request) {
    if (auto refusal = refuse(0)) {
        co_return *std::move(refusal);
    }
    // A form without scripts can only send `?id=...`; the navigation of every page has it.
    // No percent-decoding: no id needs it. Blanks around a pasted id arrive as plus signs.
    std::string_view text = request.query;
    std::vector<session_id> found;
    if (text.starts_with("id=")) {
        text.remove_prefix(3);
        // No id has a plus sign, so nothing of an id is removed.
        while (text.starts_with('+')) {
            text.remove_prefix(1);
        }
        while (text.ends_with('+')) {
            text.remove_suffix(1);
        }
        // The last characters of an id have the form of an id too, so one check fits both.
        if (const auto id = session_id::parse(text)) {
            std::string checked(id->view());
            // Takes several turns of the loop: there is no index of last characters.
            auto answer = co_await intake_.find(std::move(checked));
            if (answer) {
                found = *std::move(answer);
            }
        }
    }
    if (found.size() == 1) {
        // Relative, for use behind any prefix.
        http_response response = make_text_response(303, "found");
        response.fields.emplace_back("Location", "./sessions/" + std::string(found.front().view()));
        response.fields.emplace_back("Cache-Control", "no-store");
        co_return response;
    }
    // Several: the last characters fit more than one id, and the page lists them.
    co_return make_page(found.empty() ? 404 : 200, render_found_page(build_, prefix_, found));
}

task<http_response> session_pages::show_session(http_request request) {
    if (auto refusal = refuse(1)) {
        co_return *std::move(refusal);
    }
    const auto id = session_id::parse(std::string_view(request.path).substr(sessions_path.size()));
    if (!id) {
        co_return make_page(404, render_found_page(build_, prefix_, {}));
    }
    // From here on without a wait: session and episodes are of one moment.
    const auto view = intake_.look_up(*id);
    episode_query query;
    query.of = *id;
    query.limit = max_rows;
    session_page_input shown{build_,
                             prefix_,
                             *id,
                             view ? &*view : nullptr,
                             intake_.list_episodes(query),
                             clock_.wall_now()};
    // 404 for programs; people get the same page with its explanation.
    const bool is_known = view || !shown.episodes.episodes.empty();
    co_return make_page(is_known ? 200 : 404, render_session_page(shown));
}

task<http_response> session_pages::show_episodes(http_request request) {
    if (auto refusal = refuse(0)) {
        co_return *std::move(refusal);
    }
    auto query = parse_episode_query(request.query, max_rows);
    if (!query) {
        co_return make_text_response(400, "invalid query: use the links of the page /episodes");
    }
    // The page decides both, whatever the query says. Left of it are the cursor and `since`.
    query->limit = max_rows;
    query->open = false;
    const episode_page over = intake_.list_episodes(*query);
    episode_query open_ones;
    open_ones.open = true;
    open_ones.limit = max_rows;
    const episode_page open = intake_.list_episodes(open_ones);
    // For the chart and the counts, which are of all episodes. Their number is bounded.
    episode_query every;
    every.limit = episode_history::max_episodes;
    const episode_page all = intake_.list_episodes(every);
    const episodes_page_input shown{build_,
                                    prefix_,
                                    all.episodes,
                                    open,
                                    over,
                                    clock_.wall_now(),
                                    clock_.now() - started_};
    co_return make_page(200, render_episodes_page(shown));
}

task<http_response> session_pages::show_runbooks(http_request) {
    page_writer out(root_of(prefix_, 0));
    begin_page(out, {"Runbooks", prefix_});
    out.raw("<main class=\"text\">\n");
    // The text is part of the program, so runbooks and alerts are of one version, and the page needs no file.
    put_markdown(out, runbooks_markdown());
    out.raw("</main>\n");
    end_page(out, build_, {});
    co_return make_page(200, std::move(out).take());
}

} // namespace kallglot
