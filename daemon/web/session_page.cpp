#include "web/session_page.hpp"

#include "web/episodes_page.hpp"
#include "web/life_line.hpp"
#include "web/page_frame.hpp"
#include "web/verdict.hpp"

#include <algorithm>
#include <utility>

namespace kallglot {

namespace {

std::string age_of(api_time at, api_time now) {
    return describe_duration(unix_seconds(now) - unix_seconds(at));
}

std::string moment_or_no(const std::optional<api_time>& at) {
    return at ? describe_moment(*at) : "not known";
}

/// The runbook for sessions that are stuck in this status.
std::string_view runbook_of(session_status status) {
    switch (status) {
        case session_status::connecting:
            return "sessionsstuckconnecting";
        case session_status::ending:
            return "sessionsstuckending";
        // Left are `created`, and statuses without episodes.
        default:
            return "sessionsnotstarted";
    }
}

/// The present status, and what to do if the session is stuck in it.
void put_status(page_writer& out, const session_page_input& shown) {
    if (shown.view == nullptr) {
        out.raw("<p class=\"soft\">This exporter does not follow the session any more");
        // Without an episode nothing proves that the session existed: the id may be a typing error.
        out.raw(shown.episodes.episodes.empty() ? ", or never did.</p>\n" : ".</p>\n");
        return;
    }
    const session_view& view = *shown.view;
    // `ended 5 min ago`, but `connecting for 5 min`: an end is a moment and not a stay.
    const std::string headline =
        std::string(to_string(view.status))
        + (view.status == session_status::ended ? " " + age_of(view.since, shown.now) + " ago"
                                                : " for " + age_of(view.since, shown.now));
    // A session has one open episode at most: it is in one status at a time.
    const auto open =
        std::ranges::find(shown.episodes.episodes, episode_outcome::open, &episode_view::outcome);
    if (open == shown.episodes.episodes.end()) {
        out.raw("<p class=\"headline\">").text(headline).raw("</p>\n");
        return;
    }
    out.raw("<div class=\"verdict bad\"><p class=\"headline\">")
        .text(headline)
        .raw("</p><p>Stuck: a poll confirmed that this has lasted for over ")
        .text(describe_duration(std::chrono::duration<double>(open->threshold).count()))
        .raw(". <a href=\"")
        .raw(out.root())
        .raw("runbooks#")
        .raw(runbook_of(open->status))
        .raw("\">What to do</a></p></div>\n");
}

/// What is known, and how well.
void put_facts(page_writer& out, const session_view& view, api_time now) {
    begin_card(out, "Session");
    out.raw("<dl>\n");
    out.fact("status", to_string(view.status));
    out.fact("mode", to_string(view.mode));
    out.fact("provider", to_string(view.provider));
    out.fact("created", moment_or_no(view.created));
    out.fact("started", moment_or_no(view.started));
    if (view.ended) {
        out.fact("ended", describe_moment(*view.ended));
    }
    out.fact("polled by", "this exporter");
    out.raw("</dl></section>\n");

    begin_card(out, "Polls");
    out.raw("<dl>\n");
    out.fact("last success", view.last_poll ? age_of(*view.last_poll, now) + " ago" : "never");
    // Failed polls do not change the status that is shown: it is that of the last success.
    out.fact("failed since then", describe_count(view.failures), view.failures > 0 ? "care" : "");
    if (view.last_error) {
        out.fact("last error", to_string(*view.last_error), "care");
    }
    if (view.not_found) {
        // It stays on this page until poll.not_found_after, in case the 404 passes.
        out.fact("found", "no: the API answers 404", "alarm");
    }
    if (view.unverified) {
        // All facts above are then those of the store.
        out.fact("since the restart", "not polled yet", "care");
    }
    out.raw("</dl></section>\n");
}

} // namespace

std::string render_session_page(const session_page_input& shown) {
    page_writer out(root_of(shown.prefix, 1));
    begin_page(out, {shown.id.view(), shown.prefix, shown.now});
    out.raw("<main>\n<h2 class=\"name\">").text(shown.id.view()).raw("</h2>\n");
    put_status(out, shown);
    // Also for a session that is gone, as long as its episodes are in the history.
    const auto stays = stays_of(shown.view, shown.episodes.episodes);
    if (!stays.empty()) {
        begin_card(out, "Life");
        put_life(out, stays, shown.now);
        out.raw("</section>\n");
    }
    if (shown.view != nullptr) {
        put_facts(out, *shown.view, shown.now);
    }
    if (!shown.episodes.episodes.empty()) {
        begin_card(out, "Stuck episodes");
        put_episodes(out, shown.episodes.episodes, shown.now);
        out.raw("</section>\n");
    }
    out.raw("</main>\n");
    end_page(out, shown.build, {});
    return std::move(out).take();
}

std::string render_restoring_page(const build_details& build, std::string_view prefix, int depth) {
    page_writer out(root_of(prefix, depth));
    begin_page(out, {"Restoring sessions", prefix});
    out.raw(
        // It does not reload by itself: the answer is a 503, and the restore takes seconds.
        "<main>\n<div class=\"verdict warning\"><p class=\"headline\">Not ready: restoring sessions"
        "</p><p>The daemon reads its sessions from the store. Reload this page in a few "
        "seconds.</p>"
        "</div>\n</main>\n");
    end_page(out, build, {});
    return std::move(out).take();
}

std::string render_found_page(const build_details& build,
                              std::string_view prefix,
                              const std::vector<session_id>& found) {
    page_writer out(root_of(prefix, 0));
    begin_page(out, {"Find a session", prefix});
    out.raw("<main>\n");
    begin_card(out, found.empty() ? "No such session" : "Several sessions");
    if (found.empty()) {
        out.raw(
            "<p>Neither a tracked session nor a stuck episode of the last 72 hours has this id, or "
            "an id that ends with "
            "these 6 characters.</p>\n");
    } else {
        out.raw("<ul>\n");
        for (const session_id& id : found) {
            out.raw("<li>").id_link(id).raw("</li>\n");
        }
        out.raw("</ul>\n");
    }
    out.raw("</section>\n</main>\n");
    end_page(out, build, {});
    return std::move(out).take();
}

} // namespace kallglot
