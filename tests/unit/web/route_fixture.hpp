/// Asks routes without a server: finds the handler, runs it on a loop, and finds a series in the metrics.

#ifndef KALLGLOT_TESTS_UNIT_WEB_ROUTE_FIXTURE_HPP
#define KALLGLOT_TESTS_UNIT_WEB_ROUTE_FIXTURE_HPP

#include "fake_intake.hpp"
#include "kallglot/metrics/daemon_metrics.hpp"
#include "kallglot/net/server/http_server_routes.hpp"
#include "support/instrument_values.hpp"
#include "support/loop.hpp"
#include "support/virtual_clock.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kallglot::test {

class RouteFixture : public testing::Test {
protected:
    using field_list = std::vector<std::pair<std::string, std::string>>;

    static task<> ask(const http_handler* handler, http_request request, http_response* into) {
        http_response response = co_await (*handler)(std::move(request));
        *into = std::move(response);
    }

    /// Lets the request go; `into` has status 0 until it is answered.
    void begin(const std::string& method,
               const std::string& target,
               field_list fields,
               std::string body,
               http_response& into) {
        into = http_response();
        into.status = 0;
        http_request request;
        request.method = method;
        request.path = target.substr(0, target.find('?'));
        request.query = target.substr(std::min(target.size(), request.path.size() + 1));
        request.fields = std::move(fields);
        request.body = std::move(body);
        const http_routes::found route = routes_.find(method, request.path);
        if (route.handler == nullptr) {
            into.status = route.status;
            into.fields.emplace_back("Allow", route.allow);
            return;
        }
        group_.spawn("request", ask(route.handler, std::move(request), &into));
        loop_.poll();
    }

    http_response call(const std::string& method,
                       const std::string& target,
                       field_list fields,
                       std::string body) {
        http_response response;
        begin(method, target, std::move(fields), std::move(body), response);
        EXPECT_TRUE(loop_.run_until([&] { return group_.size() == 0; }));
        return response;
    }

    static std::string field(const http_response& response, const std::string& name) {
        const auto found =
            std::ranges::find(response.fields, name, &std::pair<std::string, std::string>::first);
        return found == response.fields.end() ? "" : found->second;
    }

    static boost::json::value json_of(const http_response& response) {
        EXPECT_EQ(response.content_type, "application/json");
        boost::system::error_code problem;
        const std::string_view text = response.body_text();
        auto value = boost::json::parse({text.data(), text.size()}, problem);
        EXPECT_FALSE(problem) << text;
        return value;
    }

    /// The code of an error's JSON; empty if it is none.
    static std::string error_of(const http_response& response) {
        const auto value = json_of(response);
        const auto* const error =
            value.is_object() ? value.get_object().if_contains("error") : nullptr;
        if (error == nullptr || !error->is_object() || !error->get_object().contains("message")) {
            return {};
        }
        return std::string(error->at("code").as_string());
    }

    [[nodiscard]] double metric(std::string_view family, std::string_view label = {}) const {
        return label.empty() ? test::instrument_value(metrics_.instruments(), family)
                             : test::instrument_value(metrics_.instruments(), family, {label});
    }

    loop loop_;
    virtual_clock clock_;
    daemon_metrics metrics_{build_details{"1.2.3", "abcdef012345", "Clang 19.1.7"}};
    fake_intake intake_{loop_.executor()};
    http_routes routes_;
    task_group group_{loop_.executor(), loop::failure()};
};

} // namespace kallglot::test

#endif
